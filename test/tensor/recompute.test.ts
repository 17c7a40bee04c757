import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {ready, tf} from 'latent-lib/tensor/tf';
import {compile} from 'latent-lib/tensor/compile';
import {Random} from 'latent-lib/tensor/random';
import {recompute} from 'latent-lib/tensor/recompute';
import {statelessNormal} from 'latent-lib/tensor/stateless-random';
import {close} from '../helpers/close';
import {leavesNoTensor} from '../helpers/memory';

before(ready);

const normals = (name: string, rows: number, width: number): tf.Tensor2D =>
  new Random(91).stream(name).normals([rows, width]);
const variable = (name: string): tf.Variable<tf.Rank.R2> =>
  tf.tidy(() => tf.variable(normals(name, 4, 4)));

/** Parts of six layers of tanh, whose insides are kept or not. */
function loss(x: tf.Tensor2D, weights: tf.Variable<tf.Rank.R2>[], isForgotten: boolean): tf.Scalar {
  return tf.tidy(() => {
    let end = x;
    for (const weight of weights) {
      const part = (x: tf.Tensor2D): tf.Tensor2D => {
        let made = x;
        for (let layer = 0; layer < 6; layer++)
          made = tf.tanh(tf.matMul<tf.Tensor2D>(made, weight));
        return made;
      };
      end = isForgotten ? recompute(part, {inputs: [end] as const, weights: [weight]}) : part(end);
    }
    return end.pow(3).sum<tf.Scalar>();
  });
}

test('value and gradients are the same, eager and compiled', () => {
  const weights = ['a', 'b', 'c'].map(variable);
  const x = normals('x', 3, 4);
  const slopes = (x: tf.Tensor2D, isForgotten: boolean) => {
    const {value, grads} = tf.variableGrads(() => loss(x, weights, isForgotten), weights);
    const ofX = tf.grad(x => loss(x as tf.Tensor2D, weights, isForgotten))(x);
    const [a, b, c] = weights.map(({name}) => grads[name]!);
    return {value, ofX, a: a!, b: b!, c: c!};
  };
  const want = slopes(x, false);
  const compiled = compile((inputs: {x: tf.Tensor2D}) => slopes(inputs.x, true));
  const got = {eager: slopes(x, true), graph: compiled({x}), 'graph again': compiled({x})};
  for (const [how, values] of Object.entries(got)) {
    for (const name of ['value', 'ofX', 'a', 'b', 'c'] as const) {
      close(`${how} ${name}`, values[name], want[name], {atol: 1e-5, rtol: 1e-5});
    }
  }
  compiled.dispose();
});

test('a part runs once for its value, and once more for its gradient', () => {
  let runs = 0;
  const part = (x: tf.Tensor): tf.Tensor => {
    runs += 1;
    return x.square();
  };
  const again = (x: tf.Tensor): tf.Tensor => recompute(part, {inputs: [x] as const, weights: []});
  again(tf.scalar(3));
  assert.equal(runs, 1);
  close('gradient', tf.grad(again)(tf.scalar(3)), 6, {atol: 1e-6});
  assert.equal(runs, 3);
});

test('parts within parts, and several inputs', () => {
  const inner = (x: tf.Tensor): tf.Tensor =>
    recompute(y => y.exp(), {inputs: [x] as const, weights: []});
  const outer = (a: tf.Tensor, b: tf.Tensor): tf.Tensor => inner(a.mul(b)).mul(b);
  const again = (a: tf.Tensor, b: tf.Tensor): tf.Tensor =>
    recompute(outer, {inputs: [a, b] as const, weights: []});
  const [a, b] = [tf.scalar(0.5), tf.scalar(-2)];
  const [dA, dB] = tf.grads((a, b) => again(a, b))([a, b]) as [tf.Tensor, tf.Tensor];
  close('a', dA, 4 * Math.exp(-1), {atol: 1e-5}); // b² exp(ab)
  close('b', dB, (1 - 1) * Math.exp(-1), {atol: 1e-5}); // (1 + ab) exp(ab)
});

test('constants outlive their maker, get no gradient, and an input without influence gets zeros', () => {
  const gather = (x: tf.Tensor): tf.Tensor =>
    tf.tidy(() => {
      const ids = tf.tensor1d([2, 0], 'int32');
      const unused = tf.zeros([3]);
      const part = (x: tf.Tensor, _unused: tf.Tensor, ids: tf.Tensor): tf.Tensor =>
        tf.gather(x, ids as tf.Tensor1D).square();
      return recompute(part, {
        inputs: [x, unused] as const,
        constants: [ids] as const,
        weights: [],
      });
    });
  const x = tf.tensor1d([1, 2, 3]);
  close('gradient', tf.grad(x => gather(x).sum())(x), [2, 0, 6], {atol: 1e-6});
  const zeros = tf.grads((_x, y) =>
    recompute((x, y) => x.square().add(y.mul(0)).sum(), {
      inputs: [x, y] as const,
      weights: [],
    }).sum(),
  );
  close('none', zeros([x, tf.tensor1d([4, 5, 6])])[1]!, [0, 0, 0], {atol: 0});
});

test('noise from a seed is the same in both runs', () => {
  const seed = tf.tensor1d([3, 4], 'int32');
  const noisy = (x: tf.Tensor, seed: tf.Tensor): tf.Tensor =>
    x.mul(statelessNormal<tf.Rank.R1>([3], seed as tf.Tensor1D));
  const again = (x: tf.Tensor): tf.Tensor =>
    recompute(noisy, {inputs: [x] as const, constants: [seed] as const, weights: []}).sum();
  const want = statelessNormal<tf.Rank.R1>([3], seed);
  close('gradient', tf.grad(again)(tf.ones([3])), want, {atol: 1e-6});
});

test('what is forgotten is not in memory: eagerly, 12 parts need less than half', async () => {
  const weights = Array.from({length: 12}, (_, index) => variable(`w ${index}`));
  const x = normals('long', 2000, 4);
  const peak = async (isForgotten: boolean): Promise<number> => {
    const before = tf.memory().numBytes;
    const {peakBytes} = await tf.profile(() => {
      tf.dispose(tf.variableGrads(() => loss(x, weights, isForgotten), weights));
    });
    return peakBytes - before;
  };
  const [kept, forgotten] = [await peak(false), await peak(true)];
  assert.ok(forgotten < 0.5 * kept, `${forgotten} of ${kept} bytes`);
});

test('a graph waits for a gradient whose op the simplification takes out', () => {
  const x = normals('x', 3, 4);
  const slope = (x: tf.Tensor2D): tf.Tensor =>
    tf.grad(x => {
      const end = recompute(x => x.tanh(), {inputs: [x] as const, weights: []});
      return end.mul(x).reshape([3, 4]).reshape([12]).reshape([3, 4]).sum();
    })(x);
  const compiled = compile((inputs: {x: tf.Tensor2D}) => ({slope: slope(inputs.x)}));
  close('gradient', compiled({x}).slope, slope(x), {atol: 1e-6});
  compiled.dispose();
});

test('a second call leaves no tensor behind, with gradients too', async () => {
  const weights = ['a', 'b'].map(variable);
  const x = normals('x', 3, 4);
  await leavesNoTensor(() => {
    const {value, grads} = tf.variableGrads(() => loss(x, weights, true), weights);
    return [value, grads, loss(x, weights, true)];
  });
});
