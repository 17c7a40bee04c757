// @ts-check
/**
 * Three ways to inject the latent × two poolings of the transformer-VAE, several seeds each, one budget.
 * Source: seed 000 offers all six and compares none.   Lesson: notebooks/05-transformer-vae.
 *
 *   node misc/experiments/injections.mjs                      all runs, about 20 s each on two idle cores
 *   node misc/experiments/injections.mjs --seeds 1 --steps 50 --out build/try.json
 *
 * Writes data/results/transformer-vae-injections.json: settings, versions, and for each run its log
 * and its results on held-out pairs. A run that stands there under the same settings is not repeated.
 */
import path from 'node:path';
import {parseArgs} from 'node:util';
import {continuationFaults, continuationNats} from 'latent-lib/data/grammar-continuation';
import {sentencePairs} from 'latent-lib/data/sentence-pairs';
import {TokenPairs} from 'latent-lib/data/token-pairs';
import {Vocabulary} from 'latent-lib/data/vocabulary';
import {latentAblation, pairBounds} from 'latent-lib/evaluation/pair-bounds';
import {activeUnits, mutualInformation} from 'latent-lib/evaluation/posterior-collapse';
import {selfBleu} from 'latent-lib/evaluation/bleu';
import {decodeTokens} from 'latent-lib/models/decoding';
import {TransformerVae} from 'latent-lib/models/transformer-vae';
import {reparameterize} from 'latent-lib/probability/gaussian';
import {Random} from 'latent-lib/tensor/random';
import {describeBackend, tf} from 'latent-lib/tensor/tf';
import {adam} from 'latent-lib/training/optimizer';
import {cyclicalFromZero} from 'latent-lib/training/schedules';
import {trainingStep} from 'latent-lib/training/step';
import {root} from '../setup/paths.mjs';
import {provenanceOf, readResults, rounded, writeResults} from './stored.mjs';

const INJECTIONS = /** @type {const} */ (['input', 'attention', 'output']);
const POOLINGS = /** @type {const} */ (['attention', 'mean']);

/** What all runs share. KL below `freeNats` a pair is not charged, so that there is a latent to compare. */
const SETTINGS = {
  width: 32,
  heads: 2,
  hidden: 64,
  layers: 2,
  latents: 8,
  pairs: 20_000,
  heldOut: 256,
  batch: 32,
  steps: 1200,
  learningRate: 5e-3,
  warmup: 150,
  freeNats: 4,
  annealed: 0.6,
  samples: 8,
  draws: 10,
};

/** @typedef {typeof SETTINGS} Settings */
/** @typedef {typeof INJECTIONS[number]} Injection */
/** @typedef {typeof POOLINGS[number]} Pooling */
/** @typedef {{x: tf.Tensor2D, y: tf.Tensor2D, epsilon: tf.Tensor2D, beta: tf.Scalar}} StepInputs */

/** @param {Settings} settings */
function corpus({pairs, heldOut}) {
  const train = sentencePairs({seed: 5, count: pairs}).pairs;
  const held = sentencePairs({seed: 6, count: heldOut, split: 'held-out'}).pairs;
  const vocabulary = Vocabulary.of([...train, ...held].flatMap(({x, y}) => [x, y]));
  const everything = new TokenPairs(vocabulary, [...train, ...held]);
  const lengths = {x: everything.xLength, y: everything.yLength};
  const tokens = new TokenPairs(vocabulary, train, lengths);
  return {vocabulary, held, tokens, tests: new TokenPairs(vocabulary, held, lengths)};
}

/** @typedef {ReturnType<typeof corpus>} Corpus */

/**
 * @param {TransformerVae} model
 * @param {Corpus} corpus
 * @param {Settings} settings
 * @param {Random} random
 */
function train(model, {tokens}, settings, random) {
  const {batch, steps, learningRate, warmup, freeNats, annealed} = settings;
  const step = trainingStep({
    weights: model.weights,
    optimizer: adam({learningRate, beta2: 0.98}),
    clipNorm: 5,
    loss: (/** @type {StepInputs} */ {beta, ...inputs}) => {
      const {reconstruction, kl} = model.elbo(inputs);
      const charged = kl.maximum(freeNats).mul(beta);
      const loss = /** @type {tf.Scalar} */ (reconstruction.add(charged).mean());
      return {reconstruction, kl, loss};
    },
  });
  const weight = cyclicalFromZero({steps: annealed * steps, cycles: 1});
  const noise = random.stream('noise');
  const order = {
    size: batch,
    random: random.stream('order'),
    epochs: Infinity,
    dropRemainder: true,
  };
  const log = [];
  let [sums, count] = [{reconstruction: 0, kl: 0}, 0];
  for (const {x, y, step: number} of tokens.batches(order)) {
    if (number >= steps) break;
    const rate = learningRate * Math.min((number + 1) / warmup, Math.sqrt(warmup / (number + 1)));
    const terms = tf.tidy(() => {
      const epsilon = /** @type {tf.Tensor2D} */ (noise.normals([batch, model.config.latents]));
      const inputs = {x, y, epsilon, beta: tf.scalar(weight(number))};
      return step.run(inputs, {learningRate: rate});
    });
    sums = {reconstruction: sums.reconstruction + terms.reconstruction, kl: sums.kl + terms.kl};
    count += 1;
    if ((number + 1) % Math.ceil(steps / 10) === 0) {
      log.push({
        step: number + 1,
        reconstruction: rounded(sums.reconstruction / count),
        kl: rounded(sums.kl / count),
      });
      [sums, count] = [{reconstruction: 0, kl: 0}, 0];
    }
  }
  step.dispose();
  return log;
}

/**
 * @param {TransformerVae} model
 * @param {Corpus} corpus
 * @param {Settings} settings
 */
async function evaluate(model, {vocabulary, held, tests}, {samples, draws, latents}) {
  const random = new Random(77);
  const {x, y} = tests.tensors();
  const bounds = await pairBounds(model, {x, y}, random.stream('bounds'), {samples, batch: 256});
  const ablation = await latentAblation(model, {x, y}, random.stream('ablation'), {batch: 256});
  const [p, q] = [model.prior(x), model.posterior(x, y)];
  const beyond = tf.tidy(() => {
    const apart = q.mean.sub(p.mean).div(p.logVar.mul(0.5).exp());
    return /** @type {tf.Tensor2D} */ (apart);
  });
  const epsilon = /** @type {tf.Tensor2D} */ (random.stream('mi').normals([x.shape[0], latents]));
  const information = await mutualInformation(q, epsilon);
  const rows = 32;
  const answers = held.slice(0, rows).map(() => /** @type {string[]} */ ([]));
  let faults = 0;
  for (let draw = 0; draw < draws; draw++) {
    const own = random.stream(`draw ${draw}`);
    const z = tf.tidy(() => {
      const noise = /** @type {tf.Tensor2D} */ (own.normals([x.shape[0], latents]));
      return reparameterize(p, noise).slice([0, 0], [rows, latents]);
    });
    const state = model.decoder.start(z);
    const next = model.decoder.step.bind(model.decoder);
    // Greedily: what differs between two draws comes from z.
    for (const [row, ids] of decodeTokens({
      next,
      state,
      batch: rows,
      length: y.shape[1],
    }).entries()) {
      const text = vocabulary.decode(ids);
      answers[row]?.push(text);
      faults += Number(continuationFaults(held[row]?.x ?? '', text).length > 0);
    }
    tf.dispose([z, state]);
  }
  const alike = answers.map(texts => selfBleu(texts));
  const results = {
    reconstruction: bounds.reconstruction.mean,
    kl: bounds.kl.mean,
    elbo: bounds.elbo.mean,
    priorBound: bounds.prior.mean,
    importanceBound: bounds.importance.mean,
    activeUnits: activeUnits(q.mean).count,
    activeBeyondPrior: activeUnits(beyond).count,
    mutualInformation: information.mutualInformation,
    selfBleu: alike.reduce((sum, value) => sum + value, 0) / alike.length,
    rightAnswers: 1 - faults / (rows * draws),
    shuffled: ablation.shuffled,
    prior: ablation.prior,
    zero: ablation.zero,
  };
  tf.dispose([x, y, p.mean, p.logVar, q.mean, q.logVar, beyond, epsilon]);
  return Object.fromEntries(Object.entries(results).map(([name, value]) => [name, rounded(value)]));
}

async function main() {
  const {values} = parseArgs({
    options: {
      seeds: {type: 'string', default: '5'},
      steps: {type: 'string', default: String(SETTINGS.steps)},
      out: {type: 'string', default: 'data/results/transformer-vae-injections.json'},
      fresh: {type: 'boolean', default: false},
    },
  });
  const settings = {...SETTINGS, steps: Number(values.steps)};
  const file = path.resolve(root, values.out);
  const before = readResults(file);
  const isSame = JSON.stringify(before?.settings) === JSON.stringify(settings);
  /** @type {{injection: Injection, pooling: Pooling, seed: number, seconds: number, log: object[],
   *   results: Record<string, number>}[]} */
  const runs = isSame && !values.fresh ? before.runs : [];
  console.log(await describeBackend());
  const data = corpus(settings);
  const entropy = data.held.reduce((sum, {x, y}) => sum + continuationNats(x, y), 0);
  const provenance = provenanceOf(
    'node misc/experiments/injections.mjs',
    'nats a pair, on held-out pairs; selfBleu and rightAnswers are shares',
  );
  for (let seed = 1; seed <= Number(values.seeds); seed++) {
    for (const injection of INJECTIONS) {
      for (const pooling of POOLINGS) {
        const isThis = (/** @type {typeof runs[number]} */ run) =>
          run.injection === injection && run.pooling === pooling && run.seed === seed;
        if (runs.some(isThis)) continue;
        const start = performance.now();
        const random = new Random(seed);
        const form = /** @type {const} */ ({segments: true, mask: 'causal'});
        const size = data.vocabulary.size;
        const model = new TransformerVae(
          {...settings, vocabulary: size, injection, pooling, ...form},
          random.stream('model'),
        );
        const log = train(model, data, settings, random);
        const results = await evaluate(model, data, settings);
        model.dispose();
        const seconds = Math.round((performance.now() - start) / 1000);
        runs.push({injection, pooling, seed, seconds, log, results});
        const content = {provenance, settings, floor: rounded(entropy / data.held.length), runs};
        writeResults(file, content);
        const {reconstruction, kl, elbo} = results;
        console.log(
          `seed ${seed} ${injection}, ${pooling}: reconstruction ${reconstruction}, kl ${kl}, elbo ${elbo}, ${seconds} s`,
        );
      }
    }
  }
}

await main();
