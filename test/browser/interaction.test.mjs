/**
 * Writing code in a cell: completion, documentation, errors, interrupts, restarts.
 */
import assert from 'node:assert/strict';
import path from 'node:path';
import {after, before, test} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {launchChromium} from './chromium.mjs';
import {root, startLab} from './lab.mjs';
import {measured} from './measurements.mjs';
import {NotebookPage, PLOTLY} from './notebook-page.mjs';

const files = ['empty.ipynb', 'fixture.ipynb'].map(name =>
  path.join(root, 'test', 'browser', name),
);

/** @type {import('./lab.mjs').Lab} */
let lab;
/** @type {import('playwright-core').Browser} */
let browser;
/** @type {NotebookPage} */
let notebook;

before(async () => {
  lab = await startLab('interaction', files);
  browser = await launchChromium();
  const began = performance.now();
  notebook = await NotebookPage.open(browser, lab, 'empty.ipynb');
  const kernel = (performance.now() - began) / 1000;
  measured('JupyterLab', {server: lab.seconds, 'page with kernel': kernel});
});
after(async () => {
  await notebook?.close();
  await browser?.close();
  await lab?.close();
});

/** @param {() => Promise<unknown>} action */
async function timed(action) {
  const began = performance.now();
  await action();
  return (performance.now() - began) / 1000;
}

test('the library is imported and a first figure drawn within seconds', async () => {
  const first = await timed(() => notebook.add("console.log('hello');"));
  const tensor = await timed(() =>
    notebook.add("import {tf, ready} from 'latent-lib/tensor/tf';\nawait ready();"),
  );
  const figure = await timed(() =>
    notebook.add(
      "import {show, showFigure} from 'latent-lib/notebook/show';\n" +
        "import {klPerDimension} from 'latent-lib/plot/latents';\n" +
        'await showFigure(klPerDimension([2, 1, 0.001]));',
    ),
  );
  measured('first', {cell: first, 'import of TensorFlow': tensor, figure});
  const cells = await notebook.cells();
  assert.ok(cells.at(-1)?.outputs.some(({data}) => data && PLOTLY in data && 'image/png' in data));
  assert.ok(figure < 30, `the first figure took ${figure.toFixed(1)} s`);
});

test('Tab completes the library’s names', async () => {
  await notebook.add('');
  await typeIntoActiveCell('showF');
  await asking('Tab', () => {
    const item = document.querySelector('.jp-Completer-item');
    const text = document.querySelector('.jp-Cell.jp-mod-active .cm-content')?.textContent ?? '';
    return item !== null || text.includes('showFigure');
  });
  const list = await notebook.page.locator('.jp-Completer-item').allTextContents();
  const text = await activeText();
  assert.ok(/showFigure/.test([...list, text].join(' ')), list.join());
  await notebook.page.keyboard.press('Escape');
});

test('Shift-Tab shows the signature and the documentation', async () => {
  await notebook.add('');
  await typeIntoActiveCell('klPerDimension');
  await asking('Shift+Tab', () => document.querySelector('.jp-Tooltip') !== null);
  const tooltip = notebook.page.locator('.jp-Tooltip');
  const text = await tooltip.innerText();
  assert.match(text, /klPerDimension\(/);
  assert.match(text, /The KL of each latent as bars/);
  assert.match(text, /mean over examples, in nats/);
  await notebook.page.screenshot({path: path.join(lab.folder, '..', 'inspection.png')});
  await notebook.page.keyboard.press('Escape');
});

test('an error says its message first, then the line of the cell, and no frame of the kernel', async () => {
  const cell = await notebook.add(
    'function halve(latents: number): number {\n' +
      "  if (latents % 2 === 1) throw new RangeError('latents is odd: 3');\n" +
      '  return latents / 2;\n}\nhalve(3);',
  );
  const output = (await notebook.cells())[cell]?.outputs.find(
    ({output_type}) => output_type === 'error',
  );
  assert.equal(output?.ename, 'RangeError');
  assert.match(output.evalue ?? '', /latents is odd: 3/);
  const lines = (output.traceback ?? [])
    .join('\n')
    .replace(/\x1b\[[0-9;]*m/g, '')
    .split('\n');
  assert.match(lines[0] ?? '', /latents is odd: 3/);
  const whole = lines.join('\n');
  assert.match(whole, /halve/);
  assert.doesNotMatch(whole, /misc[\\/]kernel|tslab[\\/]dist|node:internal/);
});

test('an interrupt stops a training within two seconds and keeps the state', async () => {
  await notebook.add(
    "import {watch} from 'latent-lib/notebook/live';\n" +
      'const learnt = {steps: 0};\n' +
      'async function* endless() {\n' +
      '  for (;;) {\n' +
      '    learnt.steps++;\n' +
      '    if (learnt.steps % 1000 === 0) await new Promise(resolve => setTimeout(resolve, 1));\n' +
      '    yield {step: learnt.steps, loss: 1 / learnt.steps};\n  }\n}',
  );
  await notebook.add("await watch(endless(), {title: 'Endless'});", {wait: false});
  await sleep(1500);
  const seconds = await timed(async () => {
    await notebook.command('notebook:interrupt-kernel');
    await notebook.idle(10);
  });
  measured('interrupt', {'kernel idle': seconds});
  assert.ok(seconds < 2, `the kernel was idle after ${seconds.toFixed(2)} s`);
  const before = await notebook.add('console.log(learnt.steps);');
  await sleep(1500);
  const later = await notebook.add('console.log(learnt.steps);');
  const [first, second] = [Number(await notebook.text(before)), Number(await notebook.text(later))];
  assert.ok(first > 1000, `${first} steps were learnt`);
  assert.equal(second, first, 'the training does not go on in the background');
});

test('restart and run all works', async () => {
  const other = await NotebookPage.open(browser, lab, 'fixture.ipynb');
  try {
    await other.runAll(180);
    const restarted = other.command('notebook:restart-run-all');
    await other.page.locator('.jp-Dialog .jp-mod-accept').click();
    await restarted;
    await other.idle(180);
    const cells = (await other.cells()).filter(({type}) => type === 'code');
    assert.deepEqual(
      cells.map(({count}) => count),
      cells.map((_, n) => n + 1),
    );
    assert.ok(
      cells.every(({outputs}) => outputs.every(({output_type}) => output_type !== 'error')),
    );
  } finally {
    await other.close();
  }
});

/**
 * Presses a key until the page answers: a key that comes while the kernel is busy is lost.
 * @param {string} key
 * @param {() => boolean} hasAnswered runs in the page
 */
async function asking(key, hasAnswered) {
  for (let attempt = 1; ; attempt++) {
    await notebook.page.keyboard.press(key);
    try {
      await notebook.page.waitForFunction(hasAnswered, undefined, {timeout: 8000});
      return;
    } catch (error) {
      if (attempt === 4) throw error;
    }
  }
}

/** @param {string} text */
async function typeIntoActiveCell(text) {
  await notebook.page.locator('.jp-Cell.jp-mod-active .cm-content').click();
  await notebook.page.keyboard.type(text);
}

function activeText() {
  return notebook.page.locator('.jp-Cell.jp-mod-active .cm-content').innerText();
}
