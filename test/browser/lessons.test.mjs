/**
 * Every lesson in the real JupyterLab: it runs, its figures live, its pictures are stored.
 */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import {after, before, test} from 'node:test';
import {launchChromium} from './chromium.mjs';
import {hover} from './figures.mjs';
import {artefacts, root, startLab} from './lab.mjs';
import {NotebookPage, PLOTLY} from './notebook-page.mjs';
import {measured} from './measurements.mjs';

/** @typedef {import('./notebook-page.mjs').Cell} Cell */

const wanted = (process.env['BROWSER_LESSONS'] ?? '').split(',').filter(name => name !== '');
const fixture = path.join(root, 'test', 'browser', 'fixture.ipynb');
const lessons = fs
  .readdirSync(path.join(root, 'notebooks'))
  .filter(name => /^\d\d-.*\.ipynb$/.test(name))
  .filter(name => wanted.length === 0 || wanted.some(want => name.startsWith(want)))
  .map(name => path.join(root, 'notebooks', name));
const files = wanted.length > 0 && !wanted.includes('fixture') ? lessons : [fixture, ...lessons];

/** A lesson may take three minutes in the quick profile; a loaded machine gets twice that. */
const PATIENCE = 360;

/** @type {import('./lab.mjs').Lab} */
let lab;
/** @type {import('playwright-core').Browser} */
let browser;

before(async () => {
  lab = await startLab('lessons', files);
  browser = await launchChromium();
});
after(async () => {
  await browser?.close();
  await lab?.close();
});

for (const file of files) {
  const name = path.basename(file);
  const short = name.replace(/\.ipynb$/, '');
  test(`${short} runs, and its figures answer the mouse and have their pictures`, async t => {
    const opened = performance.now();
    const notebook = await NotebookPage.open(browser, lab, name);
    t.after(() => notebook.close());
    const ready = (performance.now() - opened) / 1000;
    await notebook.recordUpdates();
    const began = performance.now();
    await notebook.runAll(PATIENCE);
    const seconds = (performance.now() - began) / 1000;
    const cells = await notebook.cells();
    assertNoErrors(cells);
    const figures = figuresIn(cells);
    measured(short, {opened: ready, run: seconds, cells: cells.length, figures: figures.length});
    await assertStored(notebook, name);
    await assertLiveUpdates(notebook, cells);
    const light = await notebook.screenshot(`${short}-light`);
    const silent = await silentFigures(notebook, figures);
    assert.deepEqual(silent, [], 'figures that say nothing under the mouse');
    await notebook.changeTheme('JupyterLab Dark');
    const dark = await notebook.screenshot(`${short}-dark`);
    assertAlike(light, dark);
    await notebook.changeTheme('JupyterLab Light');
  });
}

/** @param {readonly Cell[]} cells */
function assertNoErrors(cells) {
  const errors = cells.flatMap(({cell, outputs}) =>
    outputs
      .filter(output => output.output_type === 'error')
      .map(({ename, evalue}) => `cell ${cell}: ${ename}: ${evalue}`),
  );
  assert.deepEqual(errors, []);
  const idle = cells.filter(({type, count, source}) => type === 'code' && source !== '' && !count);
  assert.deepEqual(
    idle.map(({cell}) => cell),
    [],
    'cells that did not run',
  );
}

/**
 * Two pictures of one notebook have about the same height: neither was taken before the page was there.
 * @param {string} light
 * @param {string} dark
 */
function assertAlike(light, dark) {
  const [one, other] = [light, dark].map(file => fs.readFileSync(file).readUInt32BE(20));
  const ratio = (other ?? 0) / (one ?? 1);
  assert.ok(ratio > 0.8 && ratio < 1.25, `${one} pixels high in light, ${other} in dark`);
}

/** @param {readonly Cell[]} cells */
function figuresIn(cells) {
  return cells.flatMap(({cell, outputs}) =>
    outputs.filter(output => output.data && PLOTLY in output.data).map(output => ({cell, output})),
  );
}

/**
 * The saved file has a picture and a text beside every interactive figure, and stays small.
 * @param {NotebookPage} notebook
 * @param {string} name
 */
async function assertStored(notebook, name) {
  const stored = await notebook.save(lab);
  const outputs = stored.cells.flatMap((/** @type {any} */ cell) => cell.outputs ?? []);
  for (const {data} of outputs) {
    if (!data || !(PLOTLY in data)) continue;
    const title = data[PLOTLY].layout.title.text;
    const png = Buffer.from([data['image/png']].flat().join(''), 'base64');
    assert.equal(png.toString('latin1', 1, 4), 'PNG', `the picture of "${title}"`);
    assert.ok(png.readUInt32BE(16) >= 300, `"${title}" is ${png.readUInt32BE(16)} pixels wide`);
    assert.ok([data['text/plain']].flat().join('').length > 20, `the text of "${title}"`);
  }
  const kilobytes = fs.statSync(path.join(lab.folder, name)).size / 1024;
  assert.ok(kilobytes < 500, `${name} has ${kilobytes.toFixed(0)} KiB with outputs`);
  fs.copyFileSync(path.join(lab.folder, name), path.join(artefacts, name));
}

/**
 * A cell that watches a training was updated while it ran, at most four times a second.
 * @param {NotebookPage} notebook
 * @param {readonly Cell[]} cells
 */
async function assertLiveUpdates(notebook, cells) {
  const watching = cells.filter(({type, source}) => type === 'code' && /\bwatch\(/.test(source));
  const updates = await notebook.updates();
  const places = new Set(updates.map(({id}) => id));
  assert.ok(
    places.size >= watching.length,
    `${watching.length} cells watch a training, ${places.size} displays were updated`,
  );
  for (const id of places) {
    const times = updates.filter(update => update.id === id).map(({at}) => at);
    const span = (times.at(-1) ?? 0) - (times[0] ?? 0);
    assert.ok(times.length <= span / 250 + 3, `${times.length} updates in ${span} ms`);
  }
}

/**
 * @param {NotebookPage} notebook
 * @param {readonly {cell: number}[]} figures
 */
async function silentFigures(notebook, figures) {
  const silent = [];
  for (const cell of new Set(figures.map(figure => figure.cell))) {
    await notebook.scrollTo(cell);
    const here = notebook.page.locator('.jp-Cell.jp-mod-active .jp-RenderedPlotly');
    const expected = figures.filter(figure => figure.cell === cell).length;
    await here.nth(expected - 1).waitFor({state: 'attached', timeout: 15_000});
    assert.equal(await here.count(), expected, `figures drawn under cell ${cell}`);
    for (let n = 0; n < expected; n++) {
      const text = await hover(here.nth(n));
      if (text === '') silent.push(`cell ${cell}, figure ${n}`);
    }
  }
  return silent;
}
