import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {ready, tf} from 'latent-lib/tensor/tf';
import {Random} from 'latent-lib/tensor/random';
import {assignWeights, countWeights} from 'latent-lib/layers/weights';
import {Bart} from 'latent-lib/models/bart';
import {LatentTokens, maskedMean, PosteriorHead} from 'latent-lib/models/bart-latent';
import {hubWeight} from 'latent-lib/models/bart-names';
import {BartVae, sentenceElbo, sentenceNats} from 'latent-lib/models/bart-vae';
import {OneKeyAttention, sourceBeta, sourceLoss, viewMean} from 'latent-lib/models/bart-vae-source';
import {adam} from 'latent-lib/training/optimizer';
import {trainingStep} from 'latent-lib/training/step';
import {close} from '../helpers/close';
import {leavesNoTensor} from '../helpers/memory';
import {loadGolden, parity, type Lookup} from '../helpers/parity';

const stack = {layers: 1, heads: 2, hidden: 12};
const ids = [
  [1, 5, 6, 7, 8, 2],
  [1, 9, 10, 2, 0, 0],
  [1, 4, 4, 5, 2, 0],
];
let x: tf.Tensor2D;
let mended: BartVae;
let source: BartVae;

function makeBart(random: Random): Bart {
  const special = {padId: 0, bosId: 1, eosId: 2, startId: 1};
  const sizes = {vocabulary: 11, width: 8, positions: 8, encoder: stack, decoder: stack};
  return new Bart({...sizes, ...special}, random.stream('bart'));
}

function makeMended(random: Random): BartVae {
  const head = new PosteriorHead({width: 8, latents: 3}, random.stream('head'));
  const bridge = new LatentTokens({latents: 3, tokens: 2, width: 8}, random.stream('bridge'));
  return new BartVae({bart: makeBart(random), pool: maskedMean, head, bridge});
}

function makeSource(random: Random): BartVae {
  const head = new PosteriorHead({width: 8, latents: 8}, random.stream('head'));
  const bridge = new OneKeyAttention({width: 8}, random.stream('bridge'));
  return new BartVae({bart: makeBart(random), pool: viewMean, head, bridge});
}

before(async () => {
  await ready();
  x = tf.tensor2d(ids, [3, 6], 'int32');
  mended = makeMended(new Random(3));
  source = makeSource(new Random(4));
  for (const {weights} of [mended, source]) {
    const random = new Random(9).stream('weights'); // large ones, so that differences show
    for (const weight of Object.values(weights)) weight.assign(random.normals(weight.shape));
  }
});

const noise = (latents: number) => new Random(5).normals<tf.Rank.R2>([3, latents]);

test('viewMean of sentences full of 0, 1 and 2 is 1 for each of them; maskedMean is right', () => {
  const filled = tf.tensor1d([0, 1, 2]).reshape([3, 1, 1]).tile<tf.Tensor3D>([1, 6, 4]);
  close('view', viewMean(filled), tf.ones([3, 4]), {atol: 1e-6});
  const right = tf.tensor1d([0, 1, 2]).reshape([3, 1]).tile([1, 4]);
  close('mask', maskedMean(filled, tf.ones([3, 6])), right, {atol: 1e-6});
});

test('viewMean is the mean of a sentence that is alone in its batch', () => {
  const states = new Random(1).normals<tf.Rank.R3>([1, 5, 4]);
  close('one', viewMean(states), states.mean(1), {atol: 1e-6});
});

test('padding has no part in maskedMean', () => {
  const states = tf.tensor3d([[[1], [3], [100]]]);
  close('two of three', maskedMean(states, tf.tensor2d([[1, 1, 0]])), [[2]], {atol: 1e-6});
});

test('with viewMean another sentence changes the posterior, with maskedMean it does not', () => {
  const other = tf.tensor2d([ids[0]!, [1, 7, 7, 2, 0, 0], ids[2]!], [3, 6], 'int32');
  const change = (vae: BartVae) =>
    vae.encode(x).mean.sub(vae.encode(other).mean).abs().max(1).arraySync() as number[];
  assert.ok(change(source)[0]! > 1e-3);
  assert.ok(change(mended)[0]! < 1e-6);
});

test('attention over one key does not depend on the query, nor on how many ask', () => {
  const z = noise(8);
  const bridge = source.parts.bridge as OneKeyAttention;
  const memory = (seed: number) => new Random(seed).normals<tf.Rank.R3>([3, 6, 8]);
  const [one, two] = [1, 2].map(seed => bridge.apply(z, {memory: memory(seed)}).memory);
  close('another query', one!, two!, {atol: 1e-5});
  close('alone', one!.slice([0, 3, 0], [3, 1, 8]), bridge.apply(z).memory, {atol: 1e-5});
});

test('the loss is the batch mean of reconstruction + beta · KL, or of the floor', () => {
  for (const beta of [0, 1, 2.5]) {
    const {reconstruction, kl, loss} = sentenceElbo(mended, x, noise(3), {beta});
    close(`beta ${beta}`, loss, reconstruction.add(kl.mul(beta)).mean(), {atol: 1e-4, rtol: 1e-5});
  }
  const {reconstruction, loss} = sentenceElbo(mended, x, noise(3), {freeBits: 1e6});
  close('floor', loss, reconstruction.mean().add(3e6), {atol: 0, rtol: 1e-6});
});

test('the decoder knows the sentence through z alone', () => {
  const z = noise(3);
  const given = x.slice([0, 0], [3, 5]);
  const other = tf.tensor2d(
    [1, 2, 3].map(() => [1, 8, 8, 8, 8, 2]),
    [3, 6],
    'int32',
  );
  const {bart, bridge} = mended.parts;
  const logits = (encoded: tf.Tensor2D) =>
    bart.logits(bart.decode({ids: given, ...bridge.apply(z, mended.read(encoded))}));
  close('whatever was read', logits(x), logits(other), {atol: 0});
});

test('the source’s weight rises to 0.1 and is 0.5 at one update in 200', () => {
  const cycle = Array.from({length: 400}, (_, update) => sourceBeta(update));
  assert.equal(cycle[0], 0);
  assert.ok(Math.abs(cycle[198]! - 0.1) < 1e-12);
  assert.deepEqual(
    cycle.flatMap((beta, update) => (beta > 0.1 + 1e-9 ? [update] : [])),
    [199, 399],
  );
  assert.equal(cycle[199], 0.5);
  const mean = cycle.reduce((sum, beta) => sum + beta, 0) / 400;
  assert.ok(Math.abs(mean - 0.0193) < 1e-4, `${mean}`);
});

test('the weights have dotted names: BART’s, the head’s, the bridge’s', () => {
  const names = Object.keys(mended.weights);
  assert.ok(names.includes('bart.shared.table'));
  const own = names.filter(name => !name.startsWith('bart.'));
  assert.deepEqual(own.slice(0, 2), ['head.mean.hidden.kernel', 'head.mean.hidden.bias']);
  assert.deepEqual(own.slice(-2), ['bridge.kernel', 'bridge.bias']);
  assert.equal(countWeights(mended.parts.bridge.weights), 3 * 16 + 16);
});

test('a second call leaves no tensor behind, and a compiled step neither', async () => {
  const [few, many] = [noise(3), noise(8)];
  await leavesNoTensor(() => [
    {...mended.encode(x)},
    {...sentenceElbo(mended, x, few)},
    {...sourceLoss(source, x, many, 0.1)},
    mended.negativeLogLikelihood(x, few),
  ]);
  const step = trainingStep({
    weights: mended.weights,
    optimizer: adam({learningRate: 1e-3}),
    loss: ({ids, epsilon, beta}: {ids: tf.Tensor2D; epsilon: tf.Tensor2D; beta: tf.Scalar}) =>
      sentenceElbo(mended, ids, epsilon, {beta, freeBits: 0.1}),
  });
  await leavesNoTensor(() => {
    const beta = tf.scalar(0.5);
    step.run({ids: x, epsilon: few, beta});
    beta.dispose();
  });
});

test('dispose leaves nothing', () => {
  const {numTensors} = tf.memory();
  makeMended(new Random(1)).dispose();
  assert.equal(tf.memory().numTensors, numTensors);
});

const whereCompiled = {skip: !tf.findBackendFactory('tensorflow')};

test('ten compiled steps of both losses equal eager ones', whereCompiled, () => {
  type Inputs = {epsilon: tf.Tensor2D; beta: tf.Scalar};
  const losses = {
    mended: (vae: BartVae, {epsilon, beta}: Inputs) =>
      sentenceElbo(vae, x, epsilon, {beta, freeBits: 0.2}),
    source: (vae: BartVae, {epsilon, beta}: Inputs) => sourceLoss(vae, x, epsilon, beta),
  };
  for (const [name, loss] of Object.entries(losses)) {
    const sides = [true, false].map(compiled => {
      const vae = name === 'mended' ? makeMended(new Random(2)) : makeSource(new Random(2));
      const optimizer = adam({learningRate: 3e-3});
      const terms = (inputs: Inputs): Record<string, tf.Tensor> & {loss: tf.Scalar} => ({
        ...loss(vae, inputs),
      });
      const {weights} = vae;
      return {vae, step: trainingStep({weights, optimizer, clipNorm: 1, loss: terms, compiled})};
    });
    for (let update = 0; update < 10; update++) {
      const epsilon = new Random(update).normals<tf.Rank.R2>([3, name === 'mended' ? 3 : 8]);
      const beta = tf.scalar(sourceBeta(20 * update + 19));
      const [got, want] = sides.map(({step}) => step.run({epsilon, beta}));
      for (const [term, value] of Object.entries(want!)) {
        close(`${name} ${term} at ${update}`, got![term]!, value, {atol: 1e-6, rtol: 1e-5});
      }
      tf.dispose([epsilon, beta]);
    }
    for (const {vae, step} of sides) {
      step.dispose();
      vae.dispose();
    }
  }
});

/** Stored tensors under our names: BART's are stored as the hub has them. */
function renamed(vae: BartVae, look: Lookup, ofBart: string, ofLatent: string) {
  const entries = Object.keys(vae.weights).map(name => {
    if (!name.startsWith('bart.')) return [name, look(`${ofLatent}${name}`)] as const;
    const {name: hub, isTransposed} = hubWeight(name.slice('bart.'.length));
    const stored = look(`${ofBart}${hub}`);
    return [name, isTransposed ? stored.transpose() : stored] as const;
  });
  return Object.fromEntries(entries);
}

parity('BART VAE', loadGolden('bart-vae'), ({input, weight, expected, setting}) => {
  const tokens = input<tf.Tensor2D>('ids');
  const beta = setting('beta');
  for (const [which, vae] of Object.entries({source, mended})) {
    assignWeights(vae.weights, renamed(vae, weight, 'bart.', `${which}.`));
    const epsilon = input<tf.Tensor2D>(`${which} epsilon`);
    const encoded = vae.read(tokens);
    const q = vae.encode(tokens);
    const z = q.mean.add<tf.Tensor2D>(q.logVar.mul(0.5).exp().mul(epsilon));
    const logits = vae.logits(tokens, z);
    const loss = () =>
      which === 'source'
        ? {...sourceLoss(vae, tokens, epsilon, beta)}
        : {...sentenceElbo(vae, tokens, epsilon, {beta, freeBits: setting('freeBits')})};
    const {memory} = vae.parts.bridge.apply(z, encoded);
    const ours = {
      ...{states: encoded.memory, mean: q.mean, logVar: q.logVar, z, memory, logits},
      ...{reconstruction: sentenceNats(logits, tokens), ...loss()},
    };
    for (const [name, value] of Object.entries(ours)) {
      close(`${which} ${name}`, value, expected(`${which} ${name}`), {atol: 2e-5, rtol: 2e-5});
    }
    const {grads} = tf.variableGrads(() => loss().loss, Object.values(vae.weights));
    const places = [`${which} gradient bart.`, `${which} gradient `] as const;
    const wanted = renamed(vae, expected, ...places);
    for (const [name, variable] of Object.entries(vae.weights)) {
      // PyTorch gives the row of padding no gradient; viewMean lets padding in, and so one through.
      const isTable = name === 'bart.shared.table';
      const rows = (tensor: tf.Tensor) => (isTable ? tensor.slice([1, 0], [10, 8]) : tensor);
      const gradient = rows(grads[variable.name]!);
      close(`${which} gradient ${name}`, gradient, rows(wanted[name]!), {atol: 2e-5, rtol: 1e-4});
    }
  }
});
