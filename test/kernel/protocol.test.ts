/** What a Jupyter client relies on: replies, statuses, counts, order, and where outputs go. */
import assert from 'node:assert/strict';
import {after, before, test} from 'node:test';
import {KernelClient, type Message, type Run} from './client';

let kernel: KernelClient;
before(async () => {
  kernel = await KernelClient.start({TF_CPP_MIN_LOG_LEVEL: undefined});
});
after(() => kernel.stop());

/** A cell that blocks the kernel's thread, so that requests wait in the socket. */
const block = (ms: number) => `{ const end = Date.now() + ${ms}; while (Date.now() < end); }`;

async function runAll(cells: readonly string[], stopOnError: boolean): Promise<Run[]> {
  const ids = [];
  for (const cell of cells) ids.push(await kernel.sendCell(cell, {stopOnError}));
  return Promise.all(ids.map(id => kernel.outcome(id)));
}

const statuses = (runs: readonly Run[]) => runs.map(({reply}) => reply['status']);

function inputs(published: readonly Message[]): unknown[] {
  return published
    .filter(({type}) => type === 'execute_input')
    .map(({content}) => content['execution_count']);
}

test('kernel_info_reply has what nbval and JupyterLab ask for', async () => {
  const info = await kernel.request('kernel_info_request', {});
  assert.equal(info['status'], 'ok');
  assert.equal(info['protocol_version'], '5.3');
  assert.equal(info['implementation'], 'tslab');
  assert.equal(info['implementation_version'], '1.0.22');
  const language = info['language_info'] as Record<string, unknown>;
  assert.equal(language['name'], 'typescript');
  assert.equal(language['file_extension'], '.ts');
});

test('the requests of a front end get replies of their own type, on both channels', async () => {
  assert.deepEqual(await kernel.request('comm_info_request', {}), {status: 'ok', comms: {}});
  assert.deepEqual(await kernel.request('history_request', {}), {status: 'ok', history: []});
  assert.equal((await kernel.request('kernel_info_request', {}, 'control'))['status'], 'ok');
  const types = kernel.published.map(({type}) => type);
  assert.ok(!types.includes('stream'), 'nothing is written into a cell');
});

test('is_complete tells a finished cell from an unfinished one', async () => {
  const complete = await kernel.request('is_complete_request', {code: 'const a = 1;'});
  assert.equal(complete['status'], 'complete');
  const open = await kernel.request('is_complete_request', {code: 'function f() {'});
  assert.deepEqual(open, {status: 'incomplete', indent: '  '});
});

test('one cell publishes busy, its input, its output and idle, in this order', async () => {
  const run = await kernel.execute('console.log("x")');
  assert.deepEqual(
    run.published.map(({type, content}) => content['execution_state'] ?? type),
    ['busy', 'execute_input', 'stream', 'idle'],
  );
  assert.deepEqual(inputs(run.published), [run.reply['execution_count']]);
});

test('queued cells run one after another, each with its own count', async () => {
  const start = kernel.published.length;
  const waits = 'await new Promise(done => setTimeout(done, 50));';
  const runs = await runAll([`${waits} console.log('a')`, `${waits} console.log('b')`, '3'], true);
  assert.deepEqual(statuses(runs), ['ok', 'ok', 'ok']);
  const counts = runs.map(({reply}) => Number(reply['execution_count']));
  const [first = 0] = counts;
  assert.deepEqual(counts, [first, first + 1, first + 2]);
  const during = kernel.published.slice(start);
  assert.deepEqual(inputs(during), counts, 'the inputs in order, with the same counts');
  const states = during.filter(({type}) => type === 'status');
  const expected = ['busy', 'idle', 'busy', 'idle', 'busy', 'idle'];
  assert.deepEqual(
    states.map(({content}) => content['execution_state']),
    expected,
  );
});

test('an error aborts the cells that were queued behind it', async () => {
  const cells = [`${block(100)} throw new Error('stop')`, 'console.log("never")', '2'];
  const runs = await runAll(cells, true);
  assert.deepEqual(statuses(runs), ['error', 'aborted', 'aborted']);
  assert.deepEqual(
    runs.map(({stdout}) => stdout),
    ['', '', ''],
  );
  assert.deepEqual(
    runs.slice(1).map(({published}) => inputs(published)),
    [[], []],
  );
});

test('an error aborts cells behind a cell that waits, too', async () => {
  const cells = ['await new Promise(done => setTimeout(done, 50)); throw new Error("stop")', '2'];
  assert.deepEqual(statuses(await runAll(cells, true)), ['error', 'aborted']);
});

test('with errors allowed, the cells behind an error run', async () => {
  const cells = [`${block(100)} throw new Error('go on')`, 'console.log("ran")'];
  const runs = await runAll(cells, false);
  assert.deepEqual(statuses(runs), ['error', 'ok']);
  assert.equal(runs[1]?.stdout, 'ran\n');
});

test('a request sent on the reply of a failed cell runs', async () => {
  await kernel.execute('throw new Error("before")');
  const next = await kernel.execute('console.log("ran")');
  assert.equal(next.reply['status'], 'ok');
  assert.equal(next.stdout, 'ran\n');
});

test('a silent request publishes no input', async () => {
  const run = await kernel.execute('1', {silent: true});
  assert.deepEqual(inputs(run.published), []);
  assert.equal(run.reply['status'], 'ok');
});

test('completion is answered while a cell waits', async () => {
  const id = await kernel.sendCell('await new Promise(done => setTimeout(done, 400));');
  await kernel.waitFor(all =>
    all.some(({type, parent}) => type === 'execute_input' && parent === id),
  );
  const reply = await kernel.request('complete_request', {code: 'Math.sq', cursor_pos: 7});
  assert.equal((reply['matches'] as string[])[0], 'sqrt');
  const running = kernel.published.filter(({parent}) => parent === id);
  assert.ok(!running.some(({content}) => content['execution_state'] === 'idle'));
  await kernel.outcome(id);
});

test('a cell that prints much loses nothing', async () => {
  const {stdout} = await kernel.execute('for (let i = 0; i < 5000; i++) console.log(i);');
  const lines = stdout.trimEnd().split('\n');
  assert.equal(lines.length, 5000);
  assert.ok(lines.every((line, i) => line === String(i)));
});

test('stdout and stderr keep apart; bytes and callbacks of write work', async () => {
  const source = `console.error('warned');
const half = Buffer.from('ü');
process.stdout.write(half.subarray(0, 1));
await new Promise<void>(done => process.stdout.write(half.subarray(1), () => done()));`;
  const run = await kernel.execute(source);
  assert.equal(run.stderr, 'warned\n');
  assert.equal(run.stdout, 'ü');
});

test('what is written between two cells goes to the first', async () => {
  const id = await kernel.sendCell('void setTimeout(() => console.log("after"), 30);');
  await kernel.outcome(id);
  await kernel.waitFor(all => all.some(({type, parent}) => type === 'stream' && parent === id));
  assert.equal((await kernel.outcome(id)).stdout, 'after\n');
});

test("lessons display several MIME types at once and update them through tslab's own way", async () => {
  const source = `const {lastWriteDisplayData} = require('tslab/dist/jupyter.js');
const data = {'text/plain': 'one', 'image/png': 'AA=='};
lastWriteDisplayData({data, metadata: {}, transient: {display_id: 'd'}}, false);
lastWriteDisplayData({data: {'text/plain': 'two'}, metadata: {}, transient: {display_id: 'd'}}, true);`;
  const {published} = await kernel.execute(source);
  const shown = published.filter(({type}) => type.endsWith('display_data'));
  assert.deepEqual(
    shown.map(({type}) => type),
    ['display_data', 'update_display_data'],
  );
  assert.deepEqual(shown[0]?.content, {
    data: {'text/plain': 'one', 'image/png': 'AA=='},
    metadata: {},
    transient: {display_id: 'd'},
  });
});

test("tslab's own display works", async () => {
  const source = "import {display} from 'tslab'; display.html('<b>bold</b>');";
  const {published} = await kernel.execute(source);
  const shown = published.find(({type}) => type === 'display_data');
  assert.deepEqual(shown?.content['data'], {'text/html': '<b>bold</b>'});
});

test('an interrupt ends a cell that waits, and keeps the state', async () => {
  await kernel.execute('let state = 5');
  const waiting = 'setTimeout(() => console.log("waiting"), 20); await new Promise(() => {});';
  const id = await kernel.sendCell(`state = 6; ${waiting}`);
  await kernel.waitFor(all => all.some(({type, parent}) => type === 'stream' && parent === id));
  kernel.interrupt();
  const run = await kernel.outcome(id);
  assert.equal(run.reply['status'], 'error');
  assert.equal(run.errors[0]?.ename, 'KeyboardInterrupt');
  assert.equal((await kernel.execute('state')).stdout, '6\n');
});

test('an interrupt ends a loop that does not wait, and keeps the state', async () => {
  await kernel.execute('let looped = 0');
  const id = await kernel.sendCell('console.log("started"); while (true) looped = 1;');
  await kernel.waitFor(all => all.some(({type, parent}) => type === 'stream' && parent === id));
  kernel.interrupt();
  const run = await kernel.outcome(id);
  assert.equal(run.errors[0]?.ename, 'KeyboardInterrupt');
  assert.equal((await kernel.execute('looped')).stdout, '1\n');
});

test('an interrupt request on the control channel does the same', async () => {
  const id = await kernel.sendCell('console.log("started"); await new Promise(() => {});');
  await kernel.waitFor(all => all.some(({type, parent}) => type === 'stream' && parent === id));
  assert.deepEqual(await kernel.request('interrupt_request', {}, 'control'), {status: 'ok'});
  assert.equal((await kernel.outcome(id)).errors[0]?.ename, 'KeyboardInterrupt');
});

test('an interrupt while no cell runs changes nothing', async () => {
  kernel.interrupt();
  assert.equal((await kernel.execute('console.log("alive")')).stdout, 'alive\n');
});

test('a message with a wrong signature is refused and the kernel goes on', async () => {
  const start = kernel.published.length;
  await kernel.forge('execute_request', {code: 'console.log("forged")'});
  await kernel.execute('console.log("signed")');
  const streams = kernel.published.slice(start).filter(({type}) => type === 'stream');
  assert.deepEqual(
    streams.map(({content}) => content['text']),
    ['signed\n'],
  );
});

test("TensorFlow's native log is quiet where nothing else is asked for", async () => {
  assert.equal((await kernel.execute('process.env.TF_CPP_MIN_LOG_LEVEL')).stdout, '2\n');
});
