import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {ready, type tf} from 'latent-lib/tensor/tf';
import {Random} from 'latent-lib/tensor/random';
import {DenseVae} from 'latent-lib/models/dense-vae';
import {breathe, fit, type NumberedBatch, type StepLog} from 'latent-lib/training/fit';
import {adam} from 'latent-lib/training/optimizer';
import {trainingStep} from 'latent-lib/training/step';
import {leavesNoTensor} from '../helpers/memory';

before(ready);

/** Two epochs of three batches; `onEnd` is called when the iterator is left. */
function* numbered(onEnd?: () => void): Generator<NumberedBatch> {
  try {
    for (let step = 0; step < 6; step++) yield {step, epoch: Math.floor(step / 3)};
  } finally {
    onEnd?.();
  }
}

async function all<Term extends string>(
  logs: AsyncGenerator<StepLog<Term>, void, void>,
): Promise<StepLog<Term>[]> {
  const list: StepLog<Term>[] = [];
  for await (const log of logs) list.push(log);
  return list;
}

test('each step gives a log with its number, epoch, terms and time', async () => {
  const logs = await all(
    fit({batches: numbered(), step: ({step}) => ({loss: 10 - step, kl: step})}),
  );
  assert.deepEqual(
    logs.map(({step, epoch, loss, kl}) => [step, epoch, loss, kl]),
    [
      [0, 0, 10, 0],
      [1, 0, 9, 1],
      [2, 0, 8, 2],
      [3, 1, 7, 3],
      [4, 1, 6, 4],
      [5, 1, 5, 5],
    ],
  );
  assert.ok(logs.every(({seconds}, index) => seconds >= (logs[index - 1]?.seconds ?? 0)));
});

test('batches may be asynchronous', async () => {
  async function* later() {
    for (const batch of numbered()) {
      await breathe();
      yield batch;
    }
  }
  assert.equal((await all(fit({batches: later(), step: () => ({loss: 1})}))).length, 6);
});

test('it stops after the steps asked for and lets go of the batches', async () => {
  let ended = 0;
  const batches = numbered(() => (ended += 1));
  const logs = await all(fit({batches, steps: 4, step: () => ({loss: 1})}));
  assert.deepEqual([logs.length, ended], [4, 1]);
});

test('leaving the loop lets go of the batches', async () => {
  let ended = 0;
  const batches = numbered(() => (ended += 1));
  for await (const {step} of fit({batches, step: () => ({loss: 1})})) if (step === 1) break;
  assert.equal(ended, 1);
});

test('an abort ends the training before the next step, without an error', async () => {
  const controller = new AbortController();
  const trained: number[] = [];
  const step = (batch: NumberedBatch) => {
    trained.push(batch.step);
    if (batch.step === 2) controller.abort();
    return {loss: 1};
  };
  let ended = 0;
  const batches = numbered(() => (ended += 1));
  const logs = await all(fit({batches, step, signal: controller.signal}));
  assert.deepEqual([trained, logs.length, ended], [[0, 1, 2], 3, 1]);
  const none = await all(fit({batches: numbered(), step, signal: controller.signal}));
  assert.equal(none.length, 0);
});

test('timers are served while it trains, also when nobody awaits anything slow', async () => {
  function* endless(): Generator<NumberedBatch> {
    for (let step = 0; ; step++) yield {step, epoch: 0};
  }
  const controller = new AbortController();
  const asked = performance.now();
  setTimeout(() => controller.abort(), 20);
  const busy = () => {
    const until = performance.now() + 2;
    while (performance.now() < until);
    return {loss: 1};
  };
  const logs = await all(
    fit({batches: endless(), step: busy, steps: 5000, signal: controller.signal}),
  );
  const took = performance.now() - asked;
  assert.ok(logs.length < 5000, 'the timer never ran');
  assert.ok(took < 2000, `the timer ran after ${took} ms`);
});

test('a loss that is no number is refused with the step and all terms', async () => {
  const step = ({step: number}: NumberedBatch) => ({
    loss: number === 4 ? NaN : 1,
    kl: number === 4 ? Infinity : 2,
    reconstruction: 3,
  });
  const logs: number[] = [];
  await assert.rejects(async () => {
    for await (const log of fit({batches: numbered(), step})) logs.push(log.step);
  }, /fit: step 4 \(epoch 1\) gave loss NaN, kl Infinity, reconstruction 3\. .*learning rate/);
  assert.deepEqual(logs, [0, 1, 2, 3]);
});

test('an error of the step comes through and lets go of the batches', async () => {
  let ended = 0;
  const batches = numbered(() => (ended += 1));
  const step = (): {loss: number} => {
    throw new Error('out of paper');
  };
  await assert.rejects(all(fit({batches, step})), /out of paper/);
  assert.equal(ended, 1);
});

test('impossible counts and term names that the log has are refused', async () => {
  for (const steps of [0, -1, 1.5, NaN]) {
    const never = () => fit({batches: numbered(), steps, step: () => ({loss: 1})});
    await assert.rejects(all(never()), /steps is .*, expected a positive integer/);
  }
  const taken = fit({batches: numbered(), step: () => ({loss: 1, seconds: 2})});
  await assert.rejects(all(taken as never), /a term of the loss is named "seconds"/);
});

test('a dense VAE learns under fit, and leaves no tensor behind', async () => {
  const random = new Random(4);
  const vae = new DenseVae({pixels: 6, hidden: 8, latents: 2}, random.stream('weights'));
  const x = random.stream('x').uniforms<tf.Rank.R2>([8, 6]);
  const step = trainingStep({
    weights: vae.weights,
    optimizer: adam({learningRate: 0.02}),
    loss: (inputs: {x: tf.Tensor2D; epsilon: tf.Tensor2D}) => vae.elbo(inputs.x, inputs.epsilon),
  });
  function* batches() {
    for (let number = 0; number < 60; number++) {
      const epsilon = random.stream(`epsilon ${number}`).normals<tf.Rank.R2>([8, 2]);
      try {
        yield {step: number, epoch: 0, epsilon};
      } finally {
        epsilon.dispose();
      }
    }
  }
  const train = () => all(fit({batches: batches(), step: ({epsilon}) => step.run({x, epsilon})}));
  const losses = (await train()).map(({loss}) => loss);
  const mean = (part: number[]) => part.reduce((sum, loss) => sum + loss, 0) / part.length;
  assert.ok(mean(losses.slice(-10)) < mean(losses.slice(0, 10)) - 0.1, `${losses.join(' ')}`);
  await leavesNoTensor(async () => {
    await train();
  });
});
