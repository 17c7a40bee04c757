import test from 'node:test';
import assert from 'node:assert/strict';
import {setTimeout as sleep} from 'node:timers/promises';
import {watch} from 'latent-lib/notebook/live';
import {duration, progressLine} from 'latent-lib/notebook/progress';
import {inCell} from './fake-kernel';

async function* training(steps: number, milliseconds: number) {
  for (let step = 1; step <= steps; step++) {
    await sleep(milliseconds);
    yield {step, epoch: 0, reconstruction: 100 / step, kl: 20 - 20 / step};
  }
}

test('all logs come back in order', async () => {
  const terminal = {write: () => true};
  const history = await watch(training(20, 0), {terminal});
  assert.deepEqual(
    history.map(({step}) => step),
    Array.from({length: 20}, (_, n) => n + 1),
  );
});

test('in a notebook frames replace each other at most four times a second, and end as a figure', async () => {
  const start = performance.now();
  let trained = 0;
  const sent = await inCell(async () => {
    await watch(training(120, 10), {total: 120, title: 'Training'});
    trained = performance.now() - start;
  });
  const frames = sent.filter(({data}) => 'text/html' in data);
  assert.ok(frames.length >= 4, `${frames.length} frames`);
  assert.ok(frames.length <= trained / 250 + 2, `${frames.length} frames in ${trained} ms`);
  assert.equal(new Set(sent.map(({transient}) => transient.display_id)).size, 1);
  assert.deepEqual(
    sent.map(({update}) => update),
    sent.map((_, n) => n > 0),
  );
  assert.match(String(frames[1]?.data['text/html']), /<svg[\s\S]*polyline[\s\S]*kl/);
  assert.match(frames[1]!.data['text/plain'], /\/120 steps · .* steps\/s · .* left · recon/);
  const last = sent.at(-1)!.data;
  assert.ok('application/vnd.plotly.v1+json' in last && 'image/png' in last);
  assert.match(last['text/plain'], /120\/120 steps/);
});

test('an interrupt ends the training after its step and keeps the logs', async () => {
  let isClosed = false;
  async function* endless() {
    try {
      for (let step = 0; ; step++) {
        await sleep(1);
        yield {step, loss: 1 / (step + 1)};
      }
    } finally {
      isClosed = true;
    }
  }
  const guard = () => {};
  process.on('SIGINT', guard); // or the signal would end the test runner's process
  const timer = setTimeout(() => process.emit('SIGINT'), 100);
  let history: {step: number}[] = [];
  const sent = await inCell(async () => {
    history = await watch(endless(), {title: 'Endless'});
  });
  clearTimeout(timer);
  process.removeListener('SIGINT', guard);
  assert.ok(history.length > 3);
  assert.ok(isClosed, 'the generator was told to stop');
  assert.match(sent.at(-1)!.data['text/plain'], /interrupted/);
  assert.equal(process.listenerCount('SIGINT'), 0);
});

test('an error of the training comes through, after the curve so far', async () => {
  async function* broken() {
    yield {step: 0, loss: 1};
    await sleep(1);
    throw new Error('loss is NaN at step 1');
  }
  const sent = await inCell(() =>
    assert.rejects(watch(broken(), {title: 'Broken'}), /loss is NaN at step 1/),
  );
  assert.ok('image/png' in sent.at(-1)!.data);
});

test('with no terminal, lines are plain: one at the end, others ten seconds apart', async () => {
  const lines: string[] = [];
  const terminal = {isTTY: false, write: (text: string) => lines.push(text)};
  await watch(training(30, 1), {total: 30, title: 'Training', terminal});
  assert.equal(lines.length, 1);
  assert.match(
    lines[0]!,
    /^Training {3}30\/30 steps · .* steps\/s · .* s · reconstruction 3\.333, kl 19\.33 nats\n$/,
  );
});

test('in a terminal a bar runs and ends complete', async () => {
  let written = '';
  const terminal = {
    ...{isTTY: true, columns: 120, on: () => terminal, cursorTo: () => true},
    write: (text: string) => {
      written += text;
      return true;
    },
  };
  await watch(training(40, 10), {total: 40, title: 'Training', terminal});
  assert.match(written, /Training [█░]+/);
  assert.match(written, /40\/40 steps/);
});

test('nothing to draw ends as a line of text', async () => {
  const sent = await inCell(() => watch([], {title: 'Nothing'}));
  assert.equal(sent.at(-1)!.data['text/plain'], 'Nothing   0 steps · 0.0 s');
});

test('rates, remaining time and terms are told with their units', () => {
  const progress = {done: 50, total: 200, seconds: 10, last: {step: 50, kl: 12.3456}};
  assert.equal(progressLine(progress), '50/200 steps · 5.00 steps/s · 30 s left · kl 12.35 nats');
  assert.equal(duration(185), '3 min 05 s');
  assert.equal(duration(3725), '1 h 02 min');
});
