import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {AttentionPooling, meanPooling, VectorPooling} from 'latent-lib/layers/attention-pooling';
import {assignWeights, countWeights} from 'latent-lib/layers/weights';
import {Random} from 'latent-lib/tensor/random';
import {ready, tf} from 'latent-lib/tensor/tf';
import {close} from '../helpers/close';
import {checkGradient} from '../helpers/gradient';
import {leavesNoTensor} from '../helpers/memory';
import {loadGolden, parity, type GoldenTensors} from '../helpers/parity';

before(ready);

const golden = loadGolden('pseudo-self-attention');
const PART = 'encoder.pooling.';

function fromTorch({weights}: GoldenTensors, scores: 'scaled' | 'gelu'): AttentionPooling {
  const pooling = new AttentionPooling({width: 6, scores}, new Random(1));
  const own = Object.entries(weights()).filter(([name]) => name.startsWith(PART));
  assignWeights(
    pooling.weights,
    Object.fromEntries(own.map(([name, value]) => [name.slice(PART.length), value])),
  );
  return pooling;
}

for (const scores of ['scaled', 'gelu'] as const) {
  parity(`attention pooling, ${scores}`, golden, golden => {
    const {input, expected} = golden;
    const pooling = fromTorch(golden, scores);
    const [h, hidden] = [input<tf.Tensor3D>('h'), input<tf.Tensor2D>('padding')];
    const {output, weights} = pooling.apply(h, hidden);
    close('output', output, expected(`pooling ${scores}`), {atol: 1e-5});
    close('weights', weights, expected(`pooling ${scores} weights`), {atol: 1e-6});
    const weighed = (h: tf.Tensor) =>
      pooling
        .apply(h as tf.Tensor3D, hidden)
        .output.mul(input('weighing of pooled'))
        .sum<tf.Scalar>();
    close('d h', tf.grad(weighed)(h), expected(`pooling ${scores} d h`), {atol: 1e-4});
    const {grads} = tf.variableGrads(() => weighed(h), Object.values(pooling.weights));
    for (const [name, variable] of Object.entries(pooling.weights)) {
      const want = expected(`pooling ${scores} d ${PART}${name}`);
      close(`d ${name}`, grads[variable.name]!, want, {atol: 1e-4});
    }
  });
}

parity('average pooling', golden, ({input, expected}) => {
  const [h, hidden] = [input<tf.Tensor3D>('h'), input<tf.Tensor2D>('padding')];
  close('masked', meanPooling(h, hidden).output, expected('pooling mean'), {atol: 1e-6});
  close('plain', meanPooling(h).output, expected('pooling mean with padding'), {atol: 1e-6});
});

const states = (steps: number) => new Random(2).normals<tf.Rank.R3>([2, steps, 4]);
const hiddenFrom = (steps: number, length: number) =>
  tf.tensor2d(Array.from({length: 2}, () => Array.from({length}, (_, t) => (t < steps ? 0 : 1))));
const poolings = () => ({
  scaled: new AttentionPooling({width: 4}, new Random(1)),
  gelu: new AttentionPooling({width: 4, scores: 'gelu'}, new Random(1)),
  vector: new VectorPooling({width: 4}, new Random(1)),
  mean: {apply: meanPooling},
});

test('padding that is hidden changes nothing; where it counts, it moves the average', () => {
  const padded = states(5);
  const cut = padded.slice([0, 0, 0], [2, 3, 4]);
  for (const [name, pooling] of Object.entries(poolings())) {
    const masked = pooling.apply(padded, hiddenFrom(3, 5));
    close(`${name} output`, masked.output, pooling.apply(cut).output, {atol: 1e-6});
    close(`${name} weights`, masked.weights.slice([0, 3], [2, 2]), tf.zeros([2, 2]), {atol: 0});
  }
  const moved = meanPooling(padded).output.sub(meanPooling(cut).output).abs().max();
  assert.ok(moved.dataSync()[0]! > 0.1);
});

test('weights add up to 1, and the average of equal states is that state', () => {
  for (const [name, pooling] of Object.entries(poolings())) {
    const {weights} = pooling.apply(states(5), hiddenFrom(4, 5));
    close(`${name} sum`, weights.sum(1), [1, 1], {atol: 1e-6});
  }
  const same = tf.tensor3d([1, 2, 3, 4], [1, 1, 4]).tile<tf.Tensor3D>([1, 6, 1]);
  close('vector', poolings().vector.apply(same).output.flatten(), [1, 2, 3, 4], {atol: 1e-6});
});

test('order does not matter to any of them', () => {
  const h = states(5);
  const turned = h.reverse(1);
  for (const [name, pooling] of Object.entries(poolings())) {
    close(name, pooling.apply(turned).output, pooling.apply(h).output, {atol: 1e-6});
  }
});

test('with GELU no place gets less than e^−0.17 times the weight of one with the score 0', () => {
  const ratio = (scores: 'scaled' | 'gelu', score: number) => {
    const pooling = new AttentionPooling({width: 1, scores}, new Random(1));
    const one = (value: number) => tf.tensor2d([[value]]);
    for (const weight of Object.values(pooling.weights)) weight.assign(tf.zerosLike(weight));
    pooling.learnedQuery.assign(one(1));
    for (const layer of [pooling.query, pooling.key]) layer.kernel.assign(one(1));
    const [low, zero] = pooling.apply(tf.tensor3d([score, 0], [1, 2, 1])).weights.dataSync();
    return low! / zero!;
  };
  const lowest = [-0.5, -0.7518, -1, -3, -30].map(score => ratio('gelu', score));
  assert.ok(Math.min(...lowest) > 0.8436 && Math.min(...lowest) < 0.8438, String(lowest));
  assert.ok(ratio('scaled', -30) < 1e-9);
  assert.ok(ratio('gelu', 30) > 1e9);
});

test('gradients agree with finite differences', () => {
  for (const [name, pooling] of Object.entries(poolings())) {
    const h = states(3);
    checkGradient(({[name]: x}) => pooling.apply(x as tf.Tensor3D).output, {[name]: h});
  }
});

test('attention has 4 D² + 5 D weights, the vector D', () => {
  const {scaled, vector} = poolings();
  assert.equal(countWeights(scaled.weights), 4 * 16 + 5 * 4);
  assert.equal(countWeights(vector.weights), 4);
});

test('a second call leaves no tensor behind', async () => {
  for (const pooling of Object.values(poolings())) {
    const [h, hidden] = [states(5), hiddenFrom(3, 5)];
    await leavesNoTensor(() => ({...pooling.apply(h, hidden)}));
  }
  await leavesNoTensor(() => {
    const {scaled, gelu, vector} = poolings();
    for (const pooling of [scaled, gelu, vector]) tf.dispose(Object.values(pooling.weights));
  });
});

test('what does not fit is refused by name', () => {
  const {scaled, vector} = poolings();
  assert.throws(() => scaled.apply(tf.ones([2, 3, 5])), /AttentionPooling.apply: h has shape/);
  assert.throws(() => scaled.apply(states(3), tf.ones([2, 4])), /hidden has shape \[2,4\]/);
  assert.throws(() => vector.apply(states(3), tf.ones([2, 4])), /hidden has shape \[2,4\]/);
  assert.throws(() => meanPooling(states(3), tf.ones([2, 4])), /hidden has shape \[2,4\]/);
});
