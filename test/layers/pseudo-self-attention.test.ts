import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {scaledDotProductAttention} from 'latent-lib/layers/attention';
import {causalMask, paddingMask} from 'latent-lib/layers/masks';
import {
  latentCausalMask,
  PseudoSelfAttention,
  sourceLatentMask,
  withLatentColumn,
} from 'latent-lib/layers/pseudo-self-attention';
import {DecoderLayer} from 'latent-lib/layers/decoder-layer';
import {assignWeights, countWeights} from 'latent-lib/layers/weights';
import {Random} from 'latent-lib/tensor/random';
import {ShapeError} from 'latent-lib/tensor/shapes';
import {ready, tf} from 'latent-lib/tensor/tf';
import {close} from '../helpers/close';
import {checkGradient} from '../helpers/gradient';
import {leavesNoTensor} from '../helpers/memory';
import {loadGolden, parity} from '../helpers/parity';

before(ready);

const golden = loadGolden('pseudo-self-attention');
const SIZES = {latents: 3, width: 6, heads: 2};
const small = () => new PseudoSelfAttention(SIZES, new Random(1));
const x = () => new Random(2).normals<tf.Rank.R3>([2, 4, 6]);
const z = () => new Random(3).normals<tf.Rank.R2>([2, 3]);

/** PyTorch's names for the first decoder layer, in ours. */
const renamed = (name: string) =>
  name
    .replace('decoder.layer_0.self_attention.', 'attention.')
    .replace('decoder.latent_0.', 'latent.');

for (const [name, mask] of [
  ['right', latentCausalMask],
  ['source', sourceLatentMask],
] as const) {
  parity(`pseudo-self-attention, ${name} mask`, golden, ({input, weights, expected}) => {
    const layer = small();
    const own = Object.entries(weights()).map(([key, value]) => [renamed(key), value] as const);
    const names = Object.keys(layer.weights);
    assignWeights(layer.weights, Object.fromEntries(own.filter(([key]) => names.includes(key))));
    const at = [input('h'), input('z')];
    const run = (h: tf.Tensor, z: tf.Tensor) =>
      layer.apply(h as tf.Tensor3D, z as tf.Tensor2D, mask(5)).output;
    const weighed = (h: tf.Tensor, z: tf.Tensor) =>
      run(h, z).mul(input('weighing')).sum<tf.Scalar>();
    close('output', run(at[0]!, at[1]!), expected(`attention ${name}`), {atol: 1e-5});
    const [ofH, ofZ] = tf.grads(weighed)(at);
    close('d h', ofH!, expected(`attention ${name} d h`), {atol: 1e-4});
    close('d z', ofZ!, expected(`attention ${name} d z`), {atol: 1e-4});
    const {grads} = tf.variableGrads(() => weighed(at[0]!, at[1]!), Object.values(layer.weights));
    for (const key of Object.keys(weights()).filter(key => names.includes(renamed(key)))) {
      const got = grads[layer.weights[renamed(key)]!.name]!;
      close(`d ${key}`, got, expected(`attention ${name} d ${key}`), {atol: 1e-4});
    }
  });
}

test('the mask shows a token the latent, those before it, and itself', () => {
  close(
    'right',
    latentCausalMask(3).reshape([3, 4]),
    tf.tensor2d([
      [0, 0, 1, 1],
      [0, 0, 0, 1],
      [0, 0, 0, 0],
    ]),
    {atol: 0},
  );
});

test("the source's mask hides each token from itself", () => {
  close(
    'source',
    sourceLatentMask(3).reshape([3, 4]),
    tf.tensor2d([
      [0, 1, 1, 1],
      [0, 0, 1, 1],
      [0, 0, 0, 1],
    ]),
    {atol: 0},
  );
});

test('the latent is never hidden by padding', () => {
  const mask = withLatentColumn(
    paddingMask(
      tf.tensor2d(
        [
          [5, 0],
          [0, 0],
        ],
        [2, 2],
        'int32',
      ),
      0,
    ),
  );
  close(
    'mask',
    mask.reshape([2, 3]),
    tf.tensor2d([
      [0, 0, 1],
      [0, 1, 1],
    ]),
    {atol: 0},
  );
});

/** 1 where the gradient of output i with respect to key j, the latent's first, is not zero. */
function reaches(mask: tf.Tensor4D): number[][] {
  const draw = (name: string, steps: number) =>
    new Random(8).stream(name).normals<tf.Rank.R4>([1, 1, steps, 3]);
  const [query, value] = [draw('query', 3), draw('value', 4)];
  return [0, 1, 2].map(i => {
    const ofRow = (key: tf.Tensor) =>
      scaledDotProductAttention({query, key: key as tf.Tensor4D, value, mask})
        .output.slice([0, 0, i, 0], [1, 1, 1, 3])
        .square()
        .sum<tf.Scalar>();
    const gradient = tf.grad(ofRow)(draw('key', 4)).abs().sum([0, 1, 3]).dataSync();
    return Array.from(gradient, value => (value > 1e-6 ? 1 : 0));
  });
}

test('output i depends on the keys of z and of tokens up to i; by the source, on fewer', () => {
  assert.deepEqual(reaches(latentCausalMask(3)), [
    [1, 1, 0, 0],
    [1, 1, 1, 0],
    [1, 1, 1, 1],
  ]);
  assert.deepEqual(reaches(sourceLatentMask(3)), [
    [0, 0, 0, 0], // one key alone: its weight is 1 whatever it is
    [1, 1, 0, 0],
    [1, 1, 1, 0],
  ]);
});

test('z reaches every position under both masks', () => {
  for (const mask of [latentCausalMask, sourceLatentMask]) {
    const ofZ = tf.grad((z: tf.Tensor) =>
      small()
        .apply(x(), z as tf.Tensor2D, mask(4))
        .output.square()
        .sum(),
    );
    assert.ok(ofZ(z()).abs().min().dataSync()[0]! > 0);
    const column = small().apply(x(), z(), mask(4)).weights.slice([0, 0, 0, 0], [2, 2, 4, 1]);
    assert.ok(column.min().dataSync()[0]! > 0);
  }
});

test('the first token sees only itself and z; by the source, only z, wholly', () => {
  const first = (mask: tf.Tensor4D) =>
    small().apply(x(), z(), mask).weights.slice([0, 0, 0, 0], [2, 2, 1, 5]).reshape([4, 5]);
  const right = first(latentCausalMask(4));
  close('later ones', right.slice([0, 2], [4, 3]), tf.zeros([4, 3]), {atol: 0});
  assert.ok(right.slice([0, 1], [4, 1]).min().dataSync()[0]! > 0);
  close('source', first(sourceLatentMask(4)), tf.tensor2d([1, 0, 0, 0, 0], [1, 5]).tile([4, 1]), {
    atol: 1e-6,
  });
});

test("a decoder layer that takes the latent's key and value as its past attends the same", () => {
  const layer = small();
  const whole = new DecoderLayer({...SIZES, hidden: 5, crossAttention: false}, new Random(4));
  assignWeights(whole.selfAttention.weights, layer.attention.weights);
  const mask = latentCausalMask(4);
  const {weights} = whole.apply({x: x(), mask, past: layer.latent.apply(z())});
  close('weights', weights, layer.apply(x(), z(), mask).weights, {atol: 1e-6});
});

test('a latent whose key and value are zero still takes its share of the attention', () => {
  const layer = small();
  for (const weight of Object.values(layer.weights)) weight.assign(tf.zerosLike(weight));
  const {weights} = layer.apply(x(), z(), latentCausalMask(4));
  close('first row', weights.slice([0, 0, 0, 0], [1, 1, 1, 5]).flatten(), [0.5, 0.5, 0, 0, 0], {
    atol: 1e-6,
  });
});

test('gradients agree with finite differences', () => {
  const layer = new PseudoSelfAttention({latents: 2, width: 4, heads: 2}, new Random(5));
  checkGradient(
    ({x, z}) => layer.apply(x as tf.Tensor3D, z as tf.Tensor2D, latentCausalMask(3)).output,
    {x: new Random(6).normals([1, 3, 4]), z: new Random(7).normals([1, 2])},
  );
});

test('it has the weights of attention and one map of z into a key and a value', () => {
  assert.equal(countWeights(small().weights), 4 * (36 + 6) + (3 * 12 + 12));
});

test('a second call leaves no tensor behind', async () => {
  const layer = small();
  const [h, latent, ofLatent] = [x(), z(), latentCausalMask(4)];
  await leavesNoTensor(() => ({...layer.apply(h, latent, ofLatent)}));
  await leavesNoTensor(() => small().dispose());
  await leavesNoTensor(() => sourceLatentMask(4));
  const mask = causalMask(4);
  await leavesNoTensor(() => withLatentColumn(mask));
});

test('what does not fit is refused by name', () => {
  assert.throws(
    () => small().apply(x(), tf.ones([2, 4])),
    /LatentPrefix.apply: z has shape \[2,4\]/,
  );
  assert.throws(() => small().apply(x(), z(), causalMask(4)), ShapeError);
  assert.throws(
    () => new PseudoSelfAttention({...SIZES, heads: 4}, new Random(1)),
    /heads is 4, expected a divisor of the width 6/,
  );
  assert.throws(() => latentCausalMask(0), /expected a positive integer/);
});
