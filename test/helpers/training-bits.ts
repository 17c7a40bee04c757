/**
 * Prints the SHA-256 of a transformer-VAE's weights after three steps: the same bits wherever it runs.
 * Source: none.   Lesson: none; run by test/tensor/own-products.test.ts.
 */
import {createHash} from 'node:crypto';
import {splitSeed} from 'latent-lib/layers/dropout';
import {TransformerVae} from 'latent-lib/models/transformer-vae';
import {klBetweenGaussians, reparameterize} from 'latent-lib/probability/gaussian';
import {Random} from 'latent-lib/tensor/random';
import {ready, tf} from 'latent-lib/tensor/tf';
import {adam} from 'latent-lib/training/optimizer';
import {trainingStep} from 'latent-lib/training/step';

const [BATCH, LENGTH, WIDTH, WORDS] = [9, 32, 128, 300];

async function main(): Promise<void> {
  await ready();
  const random = new Random(1);
  const sizes = {vocabulary: WORDS, width: WIDTH, heads: 4, hidden: 256, layers: 1, latents: WIDTH};
  const kind = {pooling: 'gelu', segments: false, injection: 'attention', mask: 'causal'} as const;
  const model = new TransformerVae({...sizes, ...kind}, random);
  const step = trainingStep({
    weights: model.weights,
    optimizer: adam({learningRate: 1e-3}),
    loss: ({x, y, seed}: {x: tf.Tensor2D; y: tf.Tensor2D; seed: tf.Tensor1D}) => {
      const [ofEncoder, ofDecoder] = splitSeed(seed, 2).map(seed => ({rate: 0.1, seed}));
      const pooled = model.encoder.apply(x, y, ofEncoder).output;
      const [p, q] = [model.priorOf(pooled), model.posteriorOf(pooled)];
      const z = reparameterize(q, tf.fill(q.mean.shape, 0.5));
      const nats = model.negativeLogLikelihood(y, z, ofDecoder).mean();
      return {loss: nats.add(klBetweenGaussians(q, p).mean()).asScalar()};
    },
  });
  const ids = () => Int32Array.from({length: BATCH * LENGTH}, () => 3 + random.integer(WORDS - 3));
  for (let count = 0; count < 3; count++) {
    const [x, y] = [ids(), ids()].map(values => tf.tensor2d(values, [BATCH, LENGTH], 'int32'));
    step.run({x: x!, y: y!, seed: tf.tensor1d([1, count], 'int32')});
  }
  const hash = createHash('sha256');
  for (const weight of Object.values(model.weights)) hash.update(weight.dataSync<'float32'>());
  process.stdout.write(hash.digest('hex'));
}

void main();
