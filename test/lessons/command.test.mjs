// @ts-check
import assert from 'node:assert/strict';
import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {test} from 'node:test';
import {chosen, obstacle, reporter, runStep, summary} from '../../misc/commands/test.mjs';
import {run} from '../../misc/setup/run.mjs';
import {STEPS} from '../../misc/checks/steps.mjs';
import {SILENT, testFiles} from '../../misc/checks/unit-tests.mjs';

/** @typedef {import('../../misc/checks/steps.mjs').Step} Step */

const FINE = {ok: true, detail: ''};
const BROKEN = {ok: false, detail: 'no Python 3.10 to 3.13', remedy: 'sudo apt install python3'};
const NAMES = /** @type {const} */ ([
  'node',
  'packages',
  'python',
  'venv',
  'tensorflow',
  'addon',
  'kernelspec',
  'library',
]);
const state = (/** @type {object} */ changes = {}) =>
  /** @type {ReturnType<typeof import('../../misc/setup/state.mjs').readState>} */ ({
    ...Object.fromEntries(NAMES.map(name => [name, FINE])),
    ...changes,
  });
const result = (passed = 0, failed = 0, skipped = 0) => ({
  passed,
  failed,
  skipped,
  details: [],
  skips: [],
});
/** @returns {Step} */
const step = (/** @type {Partial<Step>} */ changes = {}) => ({
  name: 'a',
  groups: [],
  does: '',
  needs: [],
  run: () => Promise.resolve(result(2)),
  ...changes,
});
const options = {state: state(), wanted: [], ci: false, report: SILENT};

test('--only takes steps and groups, and refuses what there is not', () => {
  assert.deepEqual(chosen(undefined), STEPS);
  assert.deepEqual(
    chosen('lib').map(({name}) => name),
    ['types', 'tslab-types', 'lint', 'format', 'unit'],
  );
  assert.deepEqual(
    chosen('nbval,lint').map(({name}) => name),
    ['lint', 'nbval'],
  );
  assert.throws(() => chosen('none'), /there is no step "none"; there are types, lib/);
});

test('a step that needs what is not set up is skipped with the remedy', async () => {
  const needy = step({needs: ['venv', 'kernelspec']});
  assert.equal(obstacle(needy, state()), undefined);
  assert.equal(
    obstacle(needy, state({venv: BROKEN})),
    'no Python 3.10 to 3.13. To mend it: sudo apt install python3',
  );
  assert.match(obstacle(needy, undefined) ?? '', /npm run setup/);
  assert.equal(obstacle(step(), undefined), undefined);
  const skipped = await runStep(needy, {...options, state: state({kernelspec: BROKEN})});
  assert.deepEqual([skipped.passed, skipped.failed, skipped.skipped], [0, 0, 1]);
});

test('in CI a skip is a failure', async () => {
  const needy = step({needs: ['venv']});
  const whole = await runStep(needy, {...options, ci: true, state: state({venv: BROKEN})});
  assert.deepEqual([whole.failed, whole.skipped], [1, 0]);
  assert.match(whole.details[0] ?? '', /skipped, in CI: a: no Python/);
  const partly = step({run: () => Promise.resolve({...result(2, 0, 1), skips: ['x: no addon']})});
  assert.equal((await runStep(partly, {...options, ci: true})).failed, 1);
  assert.equal((await runStep(partly, options)).failed, 0);
});

test('a step that throws has failed', async () => {
  const broken = await runStep(
    step({run: () => Promise.reject(new Error('no such thing'))}),
    options,
  );
  assert.equal(broken.failed, 1);
  assert.match(broken.details[0] ?? '', /no such thing/);
});

test('the last line is the sum, alone', () => {
  const lines = (/** @type {ReturnType<typeof result>[]} */ ...results) =>
    summary(results.map(each => ({step: step(), result: each, seconds: 1}))).split('\n');
  assert.equal(lines(result(2), result(3)).at(-1), '5 passed, 0 failed');
  assert.equal(lines(result(2, 1), result(3, 0, 4)).at(-1), '5 passed, 1 failed, 4 skipped');
  assert.match(lines(result(2, 1))[1] ?? '', /^a +FAILED +2 +1 +0 +1\.0 s$/);
});

test('progress is written now and then, a failure at once', () => {
  let time = 0;
  let text = '';
  const write = (/** @type {string} */ more) => (text += more);
  const said = new Set();
  const report = reporter({write}, said, () => time);
  report.progress('1 passed');
  time = 20_000;
  report.progress('2 passed');
  report.note('lesson 1');
  report.failure('wrong');
  assert.equal(text, '      2 passed\n      lesson 1\nwrong\n');
  assert.deepEqual([...said], ['wrong']);
  const terminal = reporter({write, isTTY: true}, said, () => time);
  time += 500;
  terminal.progress('3 passed');
  assert.match(text, /\r.*3 passed$/);
});

test('test files are the plain ones and the compiled ones whose source is there', t => {
  const root = mkdtempSync(path.join(os.tmpdir(), 'latent-'));
  t.after(() => rmSync(root, {recursive: true}));
  for (const file of [
    'test/a/one.test.ts',
    'build/test/a/one.test.js',
    'build/test/a/gone.test.js',
    'test/two.test.mjs',
    'test/three.mjs',
  ]) {
    mkdirSync(path.dirname(path.join(root, file)), {recursive: true});
    writeFileSync(path.join(root, file), '');
  }
  const names = (/** @type {string[]} */ wanted) =>
    testFiles(wanted, root).map(file => path.relative(root, file));
  assert.deepEqual(names([]), [
    path.join('build', 'test', 'a', 'one.test.js'),
    path.join('test', 'two.test.mjs'),
  ]);
  assert.deepEqual(names(['two']), [path.join('test', 'two.test.mjs')]);
});

test('passed, failed and skipped tests are counted one by one, a broken file as a failure', async t => {
  const root = mkdtempSync(path.join(os.tmpdir(), 'latent-'));
  t.after(() => rmSync(root, {recursive: true}));
  const head =
    "import {describe, test} from 'node:test';\nimport assert from 'node:assert/strict';\n";
  const write = (/** @type {string} */ name, /** @type {string} */ body) => {
    writeFileSync(path.join(root, name), head + body);
    return path.join(root, name);
  };
  const mixed = write(
    'a.test.mjs',
    `
    test('good', () => {});
    test('bad', () => assert.equal(1, 2));
    test('left out', {skip: 'no GPU'}, () => {});
    describe('group', () => { test('inner', () => {}); test('inner bad', () => assert.ok(false)); });
  `,
  );
  const broken = write('b.test.mjs', 'throw new Error("does not load");');
  const module = new URL('../../misc/checks/unit-tests.mjs', import.meta.url).href;
  const starter = write(
    'start.mjs',
    `const {runTests} = await import('${module}');
    console.log(JSON.stringify(await runTests(${JSON.stringify([mixed, broken])})));`,
  );
  const env = {...process.env};
  delete env['NODE_TEST_CONTEXT']; // a test runner refuses to start another one
  const {stdout} = await run(process.execPath, [starter], {env});
  /** @type {import('../../misc/checks/unit-tests.mjs').Result} */
  const found = JSON.parse(stdout);
  assert.deepEqual([found.passed, found.failed, found.skipped], [2, 3, 1]);
  assert.match(found.details.join('\n'), /bad\n[\s\S]*Expected values to be strictly equal/);
  assert.match(found.details.join('\n'), /b\.test\.mjs[\s\S]*does not load/);
  assert.deepEqual(found.skips, ['left out: no GPU']);
});
