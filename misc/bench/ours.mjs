/**
 * Our side of the bench, as a process: runs steps for as many seconds as each line of stdin says.
 *
 *   node misc/bench/ours.mjs MODEL FOLDER compiled|eager|check
 *
 * misc/reference/peers/peer.py is its counterpart, and says what a step is. With `check` it writes its
 * weights to FOLDER and says the losses of a few calm steps: see check.mjs.
 */
import path from 'node:path';
import readline from 'node:readline';

const start = performance.now();
const {ready, describeBackend, tf} = await import('latent-lib/tensor/tf');
const {adam} = await import('latent-lib/training/optimizer');
const {writeSafetensors} = await import('latent-lib/training/safetensors');
const {trainingStep} = await import('latent-lib/training/step');
const {OUR_MODELS} = await import('./our-models.mjs');
await ready();
const importSeconds = (performance.now() - start) / 1e3;

const WARM_UP_STEPS = 20;
const LEAST_STEPS = 10;
const CHECKED_STEPS = 3;

const [name = '', folder = '', mode = 'compiled'] = process.argv.slice(2);
const model = OUR_MODELS[name];
if (model === undefined) throw new RangeError(`There is no model "${name}".`);
const isCheck = mode === 'check';
const {weights, learningRate, batches, loss} = model(folder, isCheck);
const trained = trainingStep({
  weights,
  optimizer: adam({learningRate}),
  loss,
  compiled: mode !== 'eager',
});
let count = 0;

function step() {
  const seed = tf.tensor1d([1, count], 'int32');
  const terms = trained.run({...batches[count % batches.length], seed});
  seed.dispose();
  count += 1;
  return terms['loss'] ?? NaN;
}

if (isCheck) {
  const {Random} = await import('latent-lib/tensor/random');
  const random = new Random(4);
  const tensors = Object.fromEntries(
    Object.entries(weights).map(([key, weight]) => {
      // No zero among them, biases neither: zeros hide mistakes.
      const drawn = random.stream(key).normals(weight.shape).mul(0.02);
      weight.assign(weight.add(drawn));
      const data = /** @type {Float32Array} */ (weight.dataSync());
      return [key, {dtype: /** @type {const} */ ('F32'), shape: weight.shape, data}];
    }),
  );
  writeSafetensors(path.join(folder, `${name}.safetensors`), {tensors, metadata: {}});
  say({losses: Array.from({length: CHECKED_STEPS}, step)});
  process.exit();
}

const before = performance.now();
step();
const firstStepSeconds = (performance.now() - before) / 1e3;
for (let warmUp = 0; warmUp < WARM_UP_STEPS; warmUp++) step();
const recording = trained.recordings[0];
process.stdout.on('error', () => process.exit()); // nobody listens any more
say({
  weights: Object.values(weights).reduce((sum, {size}) => sum + size, 0),
  importSeconds,
  firstStepSeconds,
  versions: {backend: await describeBackend()},
  ...(recording === undefined ? {} : {recording}),
});

for await (const line of readline.createInterface({input: process.stdin})) {
  const end = performance.now() + Number(line) * 1e3;
  const used = process.cpuUsage();
  const milliseconds = [];
  let sum = 0;
  while (milliseconds.length < LEAST_STEPS || performance.now() < end) {
    const from = performance.now();
    sum += step();
    milliseconds.push(performance.now() - from);
  }
  const peakMegabytes = process.resourceUsage().maxRSS / 1024;
  const {user, system} = process.cpuUsage(used);
  const processorSeconds = (user + system) / 1e6;
  say({milliseconds, processorSeconds, loss: sum / milliseconds.length, peakMegabytes});
}

/** @param {object} message */
function say(message) {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}
