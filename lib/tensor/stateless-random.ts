/**
 * Random tensors that depend on a seed tensor alone: the same on every backend, eager or compiled.
 * Source: TensorFlow's stateless_random_ops; Philox 4x32-10 (Salmon et al. 2011); Box & Muller 1958.   Lesson: notebooks/05.
 */
import {DTYPE, nativeBackend, type NativeBackend} from './native-backend';
import {philoxBlocks, standardNormals, unitUniforms} from './philox';
import {sizes} from './shapes';
import {tf} from './tf';

/**
 * Standard normals.
 *
 * @param shape any shape
 * @param seed  [2] int32; an input of a compiled function, so that each call draws anew
 * @returns float32 of that shape; caller disposes
 * @throws ShapeError when the seed is not [2], TypeError when it is not int32
 */
export function statelessNormal<R extends tf.Rank>(
  shape: tf.ShapeMap[R],
  seed: tf.Tensor1D,
): tf.Tensor<R> {
  return draw('StatelessRandomNormal', 'statelessNormal', shape, seed);
}

/**
 * Uniforms in [0, 1).
 *
 * @param shape any shape
 * @param seed  [2] int32; an input of a compiled function, so that each call draws anew
 * @returns float32 of that shape; caller disposes
 * @throws ShapeError when the seed is not [2], TypeError when it is not int32
 */
export function statelessUniform<R extends tf.Rank>(
  shape: tf.ShapeMap[R],
  seed: tf.Tensor1D,
): tf.Tensor<R> {
  return draw('StatelessRandomUniform', 'statelessUniform', shape, seed);
}

function draw<R extends tf.Rank>(
  op: 'StatelessRandomNormal' | 'StatelessRandomUniform',
  where: string,
  shape: tf.ShapeMap[R],
  seed: tf.Tensor1D,
): tf.Tensor<R> {
  sizes(where, {seed: '2'}, {seed});
  if (seed.dtype !== 'int32')
    throw new TypeError(`${where}: seed is ${seed.dtype}, expected int32.`);
  const backend = nativeBackend();
  if (backend === undefined) return drawInJavaScript(op, shape, seed);
  return drawNatively(backend, op, shape, seed);
}

function drawNatively<R extends tf.Rank>(
  backend: NativeBackend,
  op: string,
  shape: tf.ShapeMap[R],
  seed: tf.Tensor1D,
): tf.Tensor<R> {
  return tf.tidy(() => {
    const type = (name: string, value: number) => {
      return {name, type: backend.binding.TF_ATTR_TYPE, value};
    };
    const attributes = [
      type('dtype', DTYPE.float32),
      type('T', DTYPE.int32),
      type('Tseed', DTYPE.int32),
    ];
    const wanted = tf.tensor1d(shape, 'int32');
    return backend.executeSingleOutput(op, attributes, [wanted, seed]) as tf.Tensor<R>;
  });
}

function drawInJavaScript<R extends tf.Rank>(
  op: 'StatelessRandomNormal' | 'StatelessRandomUniform',
  shape: tf.ShapeMap[R],
  seed: tf.Tensor1D,
): tf.Tensor<R> {
  const size = (shape as number[]).reduce((product, length) => product * length, 1);
  const [first = 0, second = 0] = seed.dataSync();
  const bits = philoxBlocks(first, second, size);
  const values = op === 'StatelessRandomNormal' ? standardNormals(bits) : unitUniforms(bits);
  return tf.tensor(values.subarray(0, size), shape, 'float32');
}
