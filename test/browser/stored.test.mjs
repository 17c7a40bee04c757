/**
 * Stored notebooks where nothing may run: untrusted in JupyterLab, and as a page from disk, offline.
 */
import assert from 'node:assert/strict';
import {execFile} from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import {after, before, test} from 'node:test';
import {pathToFileURL} from 'node:url';
import {promisify} from 'node:util';
import {jupyterEnvironment} from '../../misc/setup/jupyter.mjs';
import {venvPython} from '../../misc/setup/paths.mjs';
import {launchChromium} from './chromium.mjs';
import {artefacts, root, startLab} from './lab.mjs';
import {NotebookPage, PLOTLY} from './notebook-page.mjs';

const run = promisify(execFile);
const folder = path.join(artefacts, 'stored');
const file = path.join(folder, 'executed.ipynb');

/** @type {import('playwright-core').Browser} */
let browser;
/** How many figures the stored notebook has. */
let figures = 0;

before(async () => {
  fs.rmSync(folder, {recursive: true, force: true});
  fs.mkdirSync(folder, {recursive: true});
  fs.copyFileSync(path.join(root, 'test', 'browser', 'fixture.ipynb'), file);
  await run(venvPython, ['-m', 'jupyter', 'execute', '--inplace', file], {
    env: {...jupyterEnvironment(), LATENT_PROFILE: 'quick'},
    timeout: 240_000,
  });
  const {cells} = JSON.parse(fs.readFileSync(file, 'utf8'));
  figures = cells
    .flatMap((/** @type {any} */ cell) => cell.outputs ?? [])
    .filter((/** @type {any} */ output) => output.data && PLOTLY in output.data).length;
  assert.ok(figures >= 8, `${figures} figures in the fixture`);
  browser = await launchChromium();
});
after(() => browser?.close());

/** Pictures under code cells that are really drawn. Runs in the page. */
function drawnPictures() {
  const images = [...document.querySelectorAll('img')].filter(image =>
    image.src.startsWith('data:image/png'),
  );
  return images.map(image => ({width: image.naturalWidth, alt: image.alt}));
}

test('an untrusted notebook shows every figure as its picture', async () => {
  const lab = await startLab('untrusted', [file]);
  const notebook = await NotebookPage.open(browser, lab, 'executed.ipynb', {kernel: false});
  try {
    await notebook.page.setViewportSize({width: 1200, height: 9000});
    await notebook.page.waitForFunction(
      count => document.querySelectorAll('.jp-OutputArea img').length >= count,
      figures,
      {timeout: 20_000},
    );
    const pictures = await notebook.page.evaluate(drawnPictures);
    assert.equal(pictures.filter(({width}) => width > 200).length, figures);
    const isTrusted = await notebook.page.evaluate(() => {
      const {content} = /** @type {any} */ (window).jupyterapp.shell.currentWidget;
      return content.widgets.some(
        (/** @type {any} */ cell) => cell.model.type === 'code' && cell.model.trusted,
      );
    });
    assert.equal(isTrusted, false, 'no cell is trusted');
    await notebook.page.screenshot({path: path.join(artefacts, 'untrusted.png')});
  } finally {
    await notebook.close();
    await lab.close();
  }
});

test('a page made by nbconvert shows every figure with its text, offline', async () => {
  await run(venvPython, ['-m', 'jupyter', 'nbconvert', '--to', 'html', file], {
    env: jupyterEnvironment(),
    timeout: 120_000,
  });
  const context = await browser.newContext({offline: true, viewport: {width: 1200, height: 1000}});
  const page = await context.newPage();
  await page.goto(pathToFileURL(file.replace(/ipynb$/, 'html')).href, {
    waitUntil: 'domcontentloaded',
  });
  const pictures = await page.evaluate(drawnPictures);
  assert.equal(pictures.filter(({width}) => width > 200).length, figures);
  assert.ok(
    pictures.every(({alt}) => alt.length > 20),
    'each picture has its alternative text',
  );
  await page.screenshot({path: path.join(artefacts, 'nbconvert.png'), fullPage: true});
  await context.close();
});
