/**
 * The models of the bench on our side: the library's, each with its loss and its batches.
 */
import {splitSeed} from 'latent-lib/layers/dropout';
import {Bart} from 'latent-lib/models/bart';
import {maskedMean, PosteriorHead} from 'latent-lib/models/bart-latent';
import {BartVae, sentenceElbo} from 'latent-lib/models/bart-vae';
import {OneKeyAttention} from 'latent-lib/models/bart-vae-source';
import {DenseVae, guideLoss} from 'latent-lib/models/dense-vae';
import {
  categoricalNegativeLogLikelihood,
  classify,
  Hypernetwork,
} from 'latent-lib/models/hypernetwork';
import {denseLayout} from 'latent-lib/models/hypernetwork-layout';
import {
  SinusoidAutoencoder,
  SOURCE_SIZES,
  sourceObjective,
} from 'latent-lib/models/sinusoid-autoencoder';
import {shifted, TransformerVae} from 'latent-lib/models/transformer-vae';
import {countedTokens} from 'latent-lib/probability/categorical';
import {klBetweenGaussians, reparameterize} from 'latent-lib/probability/gaussian';
import {Random} from 'latent-lib/tensor/random';
import {statelessNormal} from 'latent-lib/tensor/stateless-random';
import {tf} from 'latent-lib/tensor/tf';
import {readTable, SENTENCES} from './data.mjs';

/**
 * What a step is made of. Noise is drawn inside the step, as the originals do, from the seed.
 * Calm, the sentences' models have no dropout and noise that is 0.5 everywhere: see check.mjs.
 * @typedef {object} OurModel
 * @property {Readonly<Record<string, tf.Variable>>} weights
 * @property {number} learningRate
 * @property {Record<string, tf.Tensor>[]} batches
 * @property {(inputs: Record<string, tf.Tensor>) => {loss: tf.Scalar}} loss of a batch and `seed` [2]
 */

/** @type {Record<string, (folder: string, calm?: boolean) => OurModel>} */
export const OUR_MODELS = {
  'dense-vae': folder => {
    const vae = new DenseVae({pixels: 784, hidden: 64, latents: 32}, new Random(1));
    return {
      weights: vae.weights,
      learningRate: 1e-3,
      batches: rows(folder, 'images', 32, 784).map(x => ({x})),
      loss: ({x, seed}) => {
        const {loss} = guideLoss(vae, /** @type {tf.Tensor2D} */ (x), noise([32, 32], seed));
        return {loss};
      },
    };
  },
  'sinusoid-autoencoder': folder => {
    const model = new SinusoidAutoencoder(SOURCE_SIZES, new Random(1));
    const signals = rows(folder, 'signals', 32, 50);
    const coins = rows(folder, 'coins', 1, 10).map(row => row.reshape([10]));
    return {
      weights: model.weights,
      learningRate: 1e-3,
      batches: signals.map((signal, which) => ({signal, coins: coins[which] ?? tf.zeros([10])})),
      loss: ({signal, coins, seed}) => {
        const losses = model.calcLoss(
          /** @type {tf.Tensor2D} */ (signal),
          noise([32, 2], seed),
          /** @type {tf.Tensor1D} */ (coins),
        );
        return {loss: sourceObjective(losses)};
      },
    };
  },
  hypernetwork: folder => {
    const layout = denseLayout([784, 64, 10]);
    const config = /** @type {const} */ ({inputs: 784, hidden: 16, layout, output: 'sigmoid'});
    const writer = new Hypernetwork(config, new Random(1));
    const labels = rows(folder, 'labels', 1, 1).map(row => row.reshape([1]).cast('int32'));
    const images = rows(folder, 'images', 1, 784);
    return {
      weights: writer.weights,
      learningRate: 1e-4,
      batches: images.map((x, which) => ({x, y: labels[which] ?? tf.zeros([1], 'int32')})),
      loss: ({x, y}) => {
        const logits = classify(writer, /** @type {tf.Tensor2D} */ (x));
        const nats = categoricalNegativeLogLikelihood(logits, /** @type {tf.Tensor1D} */ (y));
        return {loss: /** @type {tf.Scalar} */ (nats.mean())};
      },
    };
  },
  'bart-vae': (folder, calm = false) => {
    const {vocabulary, length: positions} = SENTENCES;
    const side = {layers: LAYERS, heads: HEADS, hidden: HIDDEN};
    const ids = {padId: 0, bosId: 1, eosId: 2, startId: 1};
    const sizes = {vocabulary, width: WIDTH, positions, encoder: side, decoder: side, ...ids};
    const vae = new BartVae({
      bart: new Bart(sizes, new Random(1)),
      pool: maskedMean,
      head: new PosteriorHead({width: WIDTH, latents: WIDTH}, new Random(2)),
      bridge: new OneKeyAttention({width: WIDTH}, new Random(3)),
    });
    return {
      weights: vae.weights,
      learningRate: 1e-3,
      batches: sentences(folder, 'targets').map(x => ({x})),
      loss: ({x, seed}) => {
        const epsilon = calm
          ? halves([SENTENCE_BATCH, WIDTH])
          : noise([SENTENCE_BATCH, WIDTH], seed);
        const {loss} = sentenceElbo(vae, /** @type {tf.Tensor2D} */ (x), epsilon, {
          beta: KL_WEIGHT,
        });
        return {loss};
      },
    };
  },
  // As seed 000 trains it: both heads on the encoding of x and y, tokens averaged, dropout.
  'transformer-vae': (folder, calm = false) => {
    const sizes = {width: WIDTH, heads: HEADS, hidden: HIDDEN, layers: LAYERS, latents: WIDTH};
    const kind = /** @type {const} */ ({
      pooling: 'gelu',
      segments: false,
      injection: 'attention',
      mask: 'causal',
    });
    const {vocabulary} = SENTENCES;
    const model = new TransformerVae({vocabulary, ...sizes, ...kind}, new Random(1));
    const targets = sentences(folder, 'targets');
    const nothing = tf.zeros([SENTENCE_BATCH, SENTENCES.length], 'int32');
    return {
      weights: model.weights,
      learningRate: 1e-3,
      batches: sentences(folder, 'sources').map((x, which) => ({x, y: targets[which] ?? nothing})),
      loss: inputs => {
        const {x, y} = /** @type {Record<'x' | 'y', tf.Tensor2D>} */ (inputs);
        const seeds = splitSeed(/** @type {tf.Tensor1D} */ (inputs['seed']), 3);
        const [ofEncoder, ofDecoder] = seeds.map(seed => (calm ? undefined : {rate: 0.1, seed}));
        const pooled = model.encoder.apply(x, y, ofEncoder).output;
        const [p, q] = [model.priorOf(pooled), model.posteriorOf(pooled)];
        const shape = /** @type {[number, number]} */ (q.mean.shape);
        const z = reparameterize(q, calm ? halves(shape) : noise(shape, seeds[2]));
        const nats = model.negativeLogLikelihood(y, z, ofDecoder).sum();
        const perToken = nats.div(countedTokens(shifted(y).targets).sum());
        const kl = klBetweenGaussians(q, p).mean();
        return {loss: /** @type {tf.Scalar} */ (perToken.add(kl.mul(KL_WEIGHT)))};
      },
    };
  },
};

/** What both models of sentences have: width, heads, feed-forward width, layers a side. */
const [WIDTH, HEADS, HIDDEN, LAYERS, SENTENCE_BATCH, KL_WEIGHT] = [128, 4, 512, 2, 16, 0.1];

/**
 * @param {string} folder
 * @param {'sources' | 'targets'} name
 * @returns {tf.Tensor2D[]} int32
 */
function sentences(folder, name) {
  return rows(folder, name, SENTENCE_BATCH, SENTENCES.length).map(batch => batch.toInt());
}

/** @param {[number, number]} shape */
const halves = shape => /** @type {tf.Tensor2D} */ (tf.fill(shape, 0.5));

/**
 * @param {[number, number]} shape
 * @param {tf.Tensor | undefined} seed [2]
 */
function noise(shape, seed) {
  const drawn = statelessNormal(shape, /** @type {tf.Tensor1D} */ (seed));
  return /** @type {tf.Tensor2D} */ (drawn);
}

/**
 * The batches of one table.
 * @param {string} folder
 * @param {Parameters<typeof readTable>[1]} name
 * @param {number} batch
 * @param {number} width
 * @returns {tf.Tensor2D[]}
 */
function rows(folder, name, batch, width) {
  const values = readTable(folder, name);
  const size = batch * width;
  return Array.from({length: Math.floor(values.length / size)}, (_, which) =>
    tf.tensor2d(values.slice(which * size, (which + 1) * size), [batch, width]),
  );
}
