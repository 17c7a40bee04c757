/**
 * The sinusoid nearest to a signal, and what is left of the signal beside it: are samples sinusoids?
 * Source: least squares on a grid of frequencies (the periodogram with an offset).   Lesson: notebooks/02-gru-sinusoids.
 */
import {Matrix, QrDecomposition} from 'ml-matrix';
import {sizes} from '../tensor/shapes';
import {tf} from '../tensor/tf';

/** Of N signals, [N] each: x[n] ≈ amplitude · sin(n · frequency + phase) + offset. */
export interface SinusoidFits {
  /** Radians a sample. */
  readonly frequency: Float64Array;
  /** Radians, in (−π, π], at sample 0. */
  readonly phase: Float64Array;
  readonly amplitude: Float64Array;
  readonly offset: Float64Array;
  /** Mean squared error of the fit over the samples. */
  readonly residual: Float64Array;
}

/** From 0.2 to 0.8 radians a sample in steps of 0.002: around the lesson's 0.5 ± 0.05. */
export const FREQUENCIES: readonly number[] = Array.from({length: 301}, (_, n) => 0.2 + 0.002 * n);

/**
 * Fits each signal by the sinusoid, of the given frequencies, that is nearest to it.
 *
 * For one frequency the nearest a · sin + b · cos + c is a projection onto three directions; the
 * frequency whose projection is longest leaves the least.
 *
 * @param signals     [N, T] with T of at least 4
 * @param frequencies candidates in radians a sample, in (0, π)
 * @throws ShapeError when `signals` has no two axes; RangeError when it is too short for a fit, or a
 *   frequency lies outside
 */
export function bestSinusoids(
  signals: tf.Tensor2D,
  frequencies: readonly number[] = FREQUENCIES,
): SinusoidFits {
  const {N, T} = sizes('bestSinusoids', {signals: 'N T'}, {signals});
  const outside = frequencies.find(frequency => !(frequency > 0 && frequency < Math.PI));
  if (T < 4 || frequencies.length === 0 || outside !== undefined) {
    throw new RangeError(
      `bestSinusoids: ${T} samples and the frequency ${outside ?? 'none'}, expected 4 and one in (0, π).`,
    );
  }
  const bases = frequencies.map(frequency => new QrDecomposition(waves(frequency, T)));
  const {which, coordinates, residual} = nearest(signals, bases);
  const fits = Array.from({length: N}, (_, row) =>
    coefficients(coordinates.subarray(3 * row, 3 * row + 3), bases[which[row]!]!),
  );
  return {
    frequency: Float64Array.from(which, index => frequencies[index]!),
    phase: Float64Array.from(fits, ({sine, cosine}) => Math.atan2(cosine, sine)),
    amplitude: Float64Array.from(fits, ({sine, cosine}) => Math.hypot(sine, cosine)),
    offset: Float64Array.from(fits, ({offset}) => offset),
    residual: Float64Array.from(residual),
  };
}

/** [T, 3] sin, cos and 1 */
function waves(frequency: number, length: number): Matrix {
  return new Matrix(
    Array.from({length}, (_, n) => [Math.sin(n * frequency), Math.cos(n * frequency), 1]),
  );
}

/** Of each signal: the frequency with the longest projection, its coordinates there, what is left. */
function nearest(signals: tf.Tensor2D, bases: readonly QrDecomposition[]) {
  const directions = bases.map(({orthogonalMatrix}) => orthogonalMatrix.to2DArray());
  const [best, own, left] = tf.tidy(() => {
    const all = tf.concat(
      directions.map(basis => tf.tensor2d(basis)),
      1,
    ); // [T, F · 3]
    const [N, T] = signals.shape;
    const coordinates = signals.matMul(all).reshape<tf.Tensor3D>([N, bases.length, 3]);
    const explained = coordinates.square().sum<tf.Tensor2D>(2); // [N, F]
    const best = explained.argMax<tf.Tensor1D>(1); // [N]
    const chosen = tf.oneHot(best, bases.length).expandDims<tf.Tensor3D>(1); // [N, 1, F]
    const own = chosen.cast('float32').matMul(coordinates); // [N, 1, 3]
    const left = signals.square().sum(1).sub(explained.max(1)).div(T).maximum(0); // [N]
    return [best, own, left];
  });
  const which = best.dataSync();
  const found = {which, coordinates: own.dataSync(), residual: left.dataSync()};
  tf.dispose([best, own, left]);
  return found;
}

/** From coordinates in the orthonormal basis back to the three waves. @param own [3] */
function coefficients(own: ArrayLike<number>, {upperTriangularMatrix: triangle}: QrDecomposition) {
  const at = (row: number, column: number) => triangle.get(row, column);
  const offset = own[2]! / at(2, 2);
  const cosine = (own[1]! - at(1, 2) * offset) / at(1, 1);
  const sine = (own[0]! - at(0, 1) * cosine - at(0, 2) * offset) / at(0, 0);
  return {sine, cosine, offset};
}
