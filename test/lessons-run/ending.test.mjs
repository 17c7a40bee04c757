/** However a run is ended, no kernel stays behind. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import {after, before, test} from 'node:test';
import {
  LINGER,
  alive,
  cannotExecute,
  lessons,
  until,
  workFolder,
  writeNotebook,
} from './notebooks.mjs';

const skip = cannotExecute();
const work = workFolder();
const pidFile = path.join(work.folder, 'kernel.pid');
let notebook = '';
before(() => {
  notebook = writeNotebook(work.folder, 'runner-lingers', [{source: LINGER}]);
});
after(work.remove);

/** Starts a run and waits until its kernel is in the cell that waits. */
async function lingering() {
  fs.rmSync(pidFile, {force: true});
  const run = lessons([notebook]);
  await until(() => fs.existsSync(pidFile) && fs.statSync(pidFile).size > 0, 60);
  const kernel = Number(fs.readFileSync(pidFile, 'utf8'));
  assert.ok(alive(kernel));
  return {run, kernel};
}

for (const [signal, expected] of /** @type {const} */ ([
  ['SIGTERM', 143],
  ['SIGINT', 130],
])) {
  test(`${signal} ends the run in order`, {skip}, async () => {
    const {run, kernel} = await lingering();
    run.child.kill(signal);
    const {code, output} = await run.ended;
    assert.equal(code, expected, output);
    assert.match(output, new RegExp(`runner-lingers: stopped by ${signal}`));
    await until(() => !alive(kernel), 10);
  });
}

test('a run that is killed leaves no kernel either', {skip}, async () => {
  const {run, kernel} = await lingering();
  run.child.kill('SIGKILL');
  await until(() => !alive(kernel), 15);
});
