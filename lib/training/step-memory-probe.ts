/**
 * The process that `stepMemory` starts: trains for a few steps and prints what they took.
 * Source: none.   Lesson: notebooks/06-mmd-transformer-vae, through lib/training/step-memory.
 */
import fs from 'node:fs';
import {MmdTransformer} from '../models/mmd-transformer';
import {mmdTransformerLoss} from '../models/mmd-transformer-loss';
import {Random} from '../tensor/random';
import {ready, tf} from '../tensor/tf';
import {adam} from './optimizer';
import {trainingStep} from './step';
import type {StepMeasurement, StepTrial} from './step-memory';

async function measure(trial: StepTrial): Promise<StepMeasurement> {
  await ready();
  tf.tidy(
    () =>
      void tf
        .ones([64, 64])
        .matMul(tf.ones([64, 64]))
        .dataSync(),
  ); // libraries are loaded
  const before = resident('VmRSS');
  const {model: config, batch, compiled = true, steps = 3} = trial;
  const random = new Random(1);
  const model = new MmdTransformer(config, random.stream('model'));
  const step = trainingStep({
    weights: model.weights,
    optimizer: adam({learningRate: 1e-3}),
    loss: (inputs: {ids: tf.Tensor2D; prior: tf.Tensor3D}) => ({
      ...mmdTransformerLoss(model, inputs, {regulariser: 'mmd'}),
    }),
    compiled,
  });
  const ids = Int32Array.from({length: batch * config.steps}, () => {
    return 1 + random.integer(config.vocabulary - 1);
  });
  const inputs = {
    ids: tf.tensor2d(ids, [batch, config.steps], 'int32'),
    prior: random.normals<tf.Rank.R3>([batch, config.latentTokens, config.latents]),
  };
  step.run(inputs);
  step.run(inputs); // the first run of a graph prepares it
  const between = resident('VmRSS');
  fs.writeFileSync('/proc/self/clear_refs', '5'); // the peak begins anew
  const times = Array.from({length: steps}, () => {
    const start = performance.now();
    step.run(inputs);
    return performance.now() - start;
  });
  const milliseconds = times.sort((a, b) => a - b)[steps >> 1] ?? NaN;
  return {peakBytes: resident('VmHWM') - between, heldBytes: between - before, milliseconds};
}

/** Resident memory of this process in bytes: now, or the most there was. */
function resident(which: 'VmRSS' | 'VmHWM'): number {
  const status = fs.readFileSync('/proc/self/status', 'utf8');
  const kibibytes = new RegExp(`^${which}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1];
  if (kibibytes === undefined) throw new Error(`/proc/self/status has no ${which}.`);
  return Number(kibibytes) * 1024;
}

if (require.main === module) {
  void measure(JSON.parse(process.argv[2] ?? '') as StepTrial).then(result => {
    process.stdout.write(`${JSON.stringify(result)}\n`);
  });
}
