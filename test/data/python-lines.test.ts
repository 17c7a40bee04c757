import assert from 'node:assert/strict';
import test from 'node:test';
import {askPython, pythonCommands, PythonError} from 'latent-lib/data/python';
import {arePythonLines, pythonLines} from 'latent-lib/data/python-lines';

test('Python says which lines it takes', async () => {
  const lines = ['x = 1', 'if x:', 'return x', 'x = = 1', '', '# a note', 'print("é"', 'a\0b'];
  assert.deepEqual(await arePythonLines(lines), [
    ...[true, false, true, false, false, false, false, false],
  ]);
  assert.deepEqual(await arePythonLines([]), []);
});

test('a thousand lines are checked in one process, with one answer each', async () => {
  const lines = Array.from({length: 1000}, (_, n) => (n % 3 === 0 ? `x = ${n}` : `x = ${n} +`));
  const answers = await arePythonLines(lines);
  assert.equal(answers.length, 1000);
  answers.forEach((answer, n) => assert.equal(answer, n % 3 === 0));
});

test('lines of the standard library are valid, different, of the length that was asked', async () => {
  const {lines, description} = await pythonLines({count: 300, shortest: 10, longest: 40});
  assert.equal(lines.length, 300);
  assert.equal(new Set(lines).size, 300);
  assert.ok(lines.every(line => line.length >= 10 && line.length <= 40));
  assert.ok((await arePythonLines(lines)).every(valid => valid));
  assert.match(description, /^300 lines of the standard library of Python 3\.\d+\.\d+\.$/);
  const few = await pythonLines({count: 20, shortest: 10, longest: 40});
  assert.deepEqual(few.lines, lines.slice(0, 20));
});

test('a Python that is not there is passed over, and none at all is said', async () => {
  const [python] = pythonCommands();
  assert.deepEqual(await askPython('print("[1]")', null, ['no-such-python', python!]), [1]);
  await assert.rejects(arePythonLines(['x'], ['no-such-python']), (error: unknown) => {
    return error instanceof PythonError && /no Python \(tried no-such-python\)/.test(error.message);
  });
});

test('a script that fails says why', async () => {
  await assert.rejects(askPython('raise KeyError("lost")', null), /KeyError: 'lost'/);
});

test('options that make no sense are refused', async () => {
  await assert.rejects(pythonLines({count: 0}), /count is 0, expected a positive integer/);
  await assert.rejects(pythonLines({shortest: 9, longest: 8}), /above longest/);
});
