/** nbval over lessons: what passes, what fails, and what it says. */
import assert from 'node:assert/strict';
import {after, test} from 'node:test';
import {runNbval} from '../../misc/lessons/nbval.mjs';
import {cannotExecute, workFolder, writeNotebook} from './notebooks.mjs';

const skip = cannotExecute();
const work = workFolder();
after(work.remove);
const tags = ['nbval-check-output'];

test(
  'marked outputs are compared, others not; a wrong one and an error fail by name',
  {skip},
  async () => {
    const file = writeNotebook(work.folder, '01-mixed', [
      {source: 'const a = 3; console.log(a)', stdout: '3\n', tags},
      {source: 'console.log(a)', stdout: 'not compared\n'},
      {source: 'console.log("took", 12.5, "s")', stdout: 'took 7.1 s\n', tags},
      {source: 'console.log(process.env.LATENT_PROFILE)', stdout: 'quick\n', tags},
      {source: "throw new Error('meant')", tags: ['raises-exception']},
      {source: 'console.log(a + 1)', stdout: '5\n', tags},
      {source: "throw new RangeError('not meant')"},
      {source: 'console.log("still", a)', stdout: 'still 3\n', tags},
    ]);
    const {ok, passed, failed, skipped, details, summary} = await runNbval({
      profile: 'quick',
      lessons: [file],
    });
    assert.deepEqual(
      {ok, passed, failed, skipped},
      {ok: false, passed: 6, failed: 2, skipped: 0},
      String(details),
    );
    assert.match(summary, /^6 cells passed, 2 failed in \d+\.\d s$/);
    assert.match(details[0] ?? '', /01-mixed\.ipynb::Cell 5[^]*'5\\n' == '4\\n'/);
    assert.match(
      details[1] ?? '',
      /01-mixed\.ipynb::Cell 6[^]*RangeError: not meant\n +at cell 7, line 1/,
    );
  },
);

test('a cell that takes too long fails and the run ends', {skip}, async () => {
  const source = 'await new Promise(() => {});';
  const file = writeNotebook(work.folder, '02-slow', [{source}]);
  const result = await runNbval({profile: 'quick', lessons: [file], cellSeconds: 2});
  assert.equal(result.failed, 1, String(result.details));
  assert.match(result.details[0] ?? '', /Timeout of 2 seconds exceeded/);
});
