import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {compile} from 'latent-lib/tensor/compile';
import {philoxBlocks, standardNormals, unitUniforms} from 'latent-lib/tensor/philox';
import {statelessNormal, statelessUniform} from 'latent-lib/tensor/stateless-random';
import {ready, tf} from 'latent-lib/tensor/tf';
import {close} from '../helpers/close';

before(ready);

const seedOf = (first: number, second: number) => tf.tensor1d([first, second], 'int32');

test('the same seed gives the same numbers, eager and compiled; another seed gives others', () => {
  const draw = ({seed}: {seed: tf.Tensor1D}) => ({
    normal: statelessNormal([3, 5], seed),
    uniform: statelessUniform([7], seed),
  });
  const compiled = compile(draw);
  const [first, again, other] = [
    draw({seed: seedOf(1, 2)}),
    compiled({seed: seedOf(1, 2)}),
    compiled({seed: seedOf(1, 3)}),
  ];
  assert.deepEqual(again.normal.arraySync(), first.normal.arraySync());
  assert.deepEqual(again.uniform.arraySync(), first.uniform.arraySync());
  assert.notDeepEqual(other.normal.arraySync(), first.normal.arraySync());
  compiled.dispose();
});

test("TensorFlow's numbers and those of the JavaScript port are the same", () => {
  for (const [first, second] of [
    [0, 0],
    [1, -2],
    [-2147483648, 2147483647],
    [123456789, 42],
  ] as const) {
    for (const size of [1, 5, 1001]) {
      const bits = philoxBlocks(first, second, size);
      const seed = seedOf(first, second);
      close('normals', statelessNormal([size], seed), standardNormals(bits).subarray(0, size), {
        atol: 1e-6,
      });
      close('uniforms', statelessUniform([size], seed), unitUniforms(bits).subarray(0, size), {
        atol: 0,
      });
    }
  }
});

test('the numbers are those of TensorFlow 2.21', () => {
  // tf.raw_ops.StatelessRandomNormal and …Uniform(shape=[6], seed=[1, -2]) in Python
  const normals = [-0.76193959, 0.03173809, 0.58354843, 0.01765489, -0.24707565, 0.79207987];
  const uniforms = [0.74768043, 0.75662565, 0.84331036, 0.24518633, 0.70877409, 0.95187664];
  close('normals', statelessNormal([6], seedOf(1, -2)), normals, {atol: 1e-6});
  close('uniforms', statelessUniform([6], seedOf(1, -2)), uniforms, {atol: 1e-6});
});

test('a hundred thousand draws have the right moments', () => {
  const {mean, variance} = tf.moments(statelessNormal([100_000], seedOf(5, 6)));
  close('mean', mean, 0, {atol: 0.012});
  close('variance', variance, 1, {atol: 0.02});
  const uniform = tf.moments(statelessUniform([100_000], seedOf(5, 6)));
  close('mean', uniform.mean, 0.5, {atol: 0.004});
  close('variance', uniform.variance, 1 / 12, {atol: 0.002});
});

test('a seed of another shape or dtype is refused', () => {
  assert.throws(() => statelessNormal([2], tf.tensor1d([1, 2, 3], 'int32')), {name: 'ShapeError'});
  assert.throws(
    () => statelessUniform([2], tf.tensor1d([1, 2])),
    /seed is float32, expected int32/,
  );
});
