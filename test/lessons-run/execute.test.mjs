/** `npm run lessons`: what it writes and says, and what it refuses. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import {after, test} from 'node:test';
import {OUTPUT} from '../../misc/lessons/execute.mjs';
import {cannotExecute, lessons, readNotebook, workFolder, writeNotebook} from './notebooks.mjs';

const skip = cannotExecute();
const work = workFolder();
after(() => {
  work.remove();
  for (const name of ['runner-good', 'runner-bad', 'runner-slow']) {
    for (const ending of ['ipynb', 'html']) {
      fs.rmSync(path.join(OUTPUT, `${name}.${ending}`), {force: true});
    }
  }
});

const FIGURE = `const {lastWriteDisplayData} = require('tslab/dist/jupyter.js');
const data = {'text/plain': 'a figure', 'application/vnd.plotly.v1+json': {data: [{y: [1, 2]}], layout: {}}};
lastWriteDisplayData({data, metadata: {}, transient: {display_id: 'f'}}, false);`;

test(
  'a run gives the notebook, the page, the table, and stores the outputs when asked',
  {skip},
  async () => {
    const tags = ['nbval-check-output'];
    const file = writeNotebook(work.folder, 'runner-good', [
      {source: '1 + 1', tags},
      {source: FIGURE},
      {source: "throw new Error('meant')", tags: ['raises-exception'], stdout: 'old'},
      {source: 'console.log(process.env.LATENT_PROFILE)'},
    ]);
    const {code, output} = await lessons([file, '--profile', 'full', '--store']).ended;
    assert.equal(code, 0, output);
    assert.match(output, /runner-good\s+1\/4\s+\d+\.\d s {2}1 \+ 1/);
    assert.match(output, /lesson +cells +time +peak memory +result\n/);
    const row = /runner-good +4 +\d+\.\d s +(\d+) MiB +passed, stored\n/.exec(output);
    assert.ok(Number(row?.[1]) > 50, output);

    const executed = readNotebook(path.join(OUTPUT, 'runner-good.ipynb'));
    assert.deepEqual(executed.cells[0]?.outputs[0]?.['text'], ['2\n']);
    const page = fs.readFileSync(path.join(OUTPUT, 'runner-good.html'), 'utf8');
    assert.match(page, /<script src="plotly\.min\.js">/);
    assert.match(page, /var figure = \{"data": \[\{"y": \[1, 2\]\}\], "layout": \{\}\};/);
    assert.doesNotMatch(page, /require\.min\.js/);
    assert.ok(fs.statSync(path.join(OUTPUT, 'plotly.min.js')).size > 1e6);

    const stored = readNotebook(file);
    assert.deepEqual(
      stored.cells.map(cell => cell.execution_count),
      [null, null, null, null],
    );
    assert.deepEqual(stored.cells[0]?.metadata, {tags});
    assert.deepEqual(stored.cells[2]?.outputs[0]?.['ename'], 'Error');
    assert.deepEqual(stored.cells[3]?.outputs[0]?.['text'], ['full\n']);
    assert.deepEqual(Object.keys(stored.metadata), ['kernelspec']);
    assert.ok(stored.cells.every(({outputs}) => outputs.every(output => !('transient' in output))));
  },
);

test('a failed run says where, ends with 1, and stores nothing', {skip}, async () => {
  const cells = [{source: "const a = 1;\nthrow new RangeError('wrong');", stdout: 'old\n'}];
  const file = writeNotebook(work.folder, 'runner-bad', cells);
  const before = fs.readFileSync(file, 'utf8');
  const {code, output} = await lessons([file, '--store']).ended;
  assert.equal(code, 1, output);
  assert.match(output, /RangeError: wrong\n {6}at cell 1, line 2\n/);
  assert.match(output, /runner-bad +1 +\d+\.\d s +\d+ MiB +failed\n/);
  assert.equal(fs.readFileSync(file, 'utf8'), before);
  const executed = readNotebook(path.join(OUTPUT, 'runner-bad.ipynb'));
  assert.equal(executed.cells[0]?.outputs[0]?.['output_type'], 'error');
});

test('a cell that takes too long fails, also when it cannot be interrupted', {skip}, async () => {
  const cells = [{source: '0'}, {source: 'await null; while (true);'}];
  const file = writeNotebook(work.folder, 'runner-slow', cells);
  const {code, output} = await lessons([file, '--timeout', '2']).ended;
  assert.equal(code, 1, output);
  assert.match(output, /code cell 2 took longer than 2 s/);
});

test('an unknown name lists the lessons, an unknown option the usage', async () => {
  const unknown = await lessons(['no-such-lesson']).ended;
  assert.equal(unknown.code, 2);
  assert.match(unknown.output, /There is no lesson "no-such-lesson"\. The lessons are:\n {2}00-/);
  const option = await lessons(['--profile', 'huge']).ended;
  assert.equal(option.code, 2);
  assert.match(option.output, /The profile is "huge", expected quick or full\.\n\nnpm run lessons/);
});
