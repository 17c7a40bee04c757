/**
 * Collapse predicted before training: the data's covariance spectrum against the decoder's variance.
 * Source: Tipping & Bishop 1999; Lucas et al. 2019 (arXiv:1911.02469), sect. 4.   Lesson: notebooks/01-dense-vae.
 */
import {EigenvalueDecomposition, Matrix} from 'ml-matrix';
import {sizes} from '../tensor/shapes';
import {tf} from '../tensor/tf';

/** The principal directions of data, the one that varies most first. */
export interface Spectrum {
  /** [D] */
  readonly mean: Float64Array;
  /** [D] variances along the directions, falling; none below 0 */
  readonly eigenvalues: Float64Array;
  /** [D] directions of length one, each [D] */
  readonly eigenvectors: readonly Float64Array[];
  /** The sum of the eigenvalues, and of the pixels' variances. */
  readonly totalVariance: number;
}

/** Rows whose outer products are summed at once. */
const ROWS = 4096;

/**
 * Eigenvalues and eigenvectors of the data's covariance, divided by N. For 784 pixels it takes some
 * seconds.
 *
 * @param x [N, D]
 * @throws ShapeError when x has no two axes; RangeError when it has less than two rows
 */
export function covarianceSpectrum(x: tf.Tensor2D): Spectrum {
  const {N, D} = sizes('covarianceSpectrum', {x: 'N D'}, {x});
  if (N < 2) throw new RangeError(`covarianceSpectrum: ${N} rows, expected two or more.`);
  const mean = sumOverRows(x, [D], rows => rows.sum(0)).map(sum => sum / N);
  const centre = tf.tensor1d(Float32Array.from(mean));
  const products = sumOverRows(x, [D, D], rows => {
    const centred = rows.sub<tf.Tensor2D>(centre);
    return centred.matMul(centred, true);
  });
  centre.dispose();
  const covariance = Matrix.from1DArray(
    D,
    D,
    Array.from(products, sum => sum / N),
  );
  const {realEigenvalues, eigenvectorMatrix} = new EigenvalueDecomposition(covariance, {
    assumeSymmetric: true,
  });
  const order = realEigenvalues.map((_, index) => index);
  order.sort((a, b) => realEigenvalues[b]! - realEigenvalues[a]!);
  return {
    mean,
    eigenvalues: Float64Array.from(order, index => Math.max(0, realEigenvalues[index]!)),
    eigenvectors: order.map(index => Float64Array.from(eigenvectorMatrix.getColumn(index))),
    totalVariance: covariance.trace(),
  };
}

/** What the best linear VAE of a fixed decoder variance does with data. */
export interface Prediction {
  /** How many latents are used. */
  readonly active: number;
  /** [L] in nats; 0 for those that collapse */
  readonly klPerLatent: Float64Array;
  /** Their sum in nats. */
  readonly kl: number;
  /** The expected squared error of a reconstruction from a sample of z, summed over pixels. */
  readonly squaredError: number;
}

/**
 * Predicts which latents collapse, from the spectrum alone. A linear VAE at its optimum uses a
 * direction only if the data vary more along it than the decoder's noise:
 *
 *   latent i is active iff λᵢ > σ²;   KLᵢ = ½ log(λᵢ / σ²);   E‖x − x̂‖² = Σ unused λᵢ + active · σ²
 *
 * For a nonlinear model it is the rule at the start of training, where every model is nearly linear.
 *
 * @param eigenvalues falling, as `covarianceSpectrum` gives them
 * @param options.variance σ², e.g. `impliedBeta(…).decoderVariance`
 * @throws RangeError when the variance is not positive, or there are no latents
 */
export function predictCollapse(
  eigenvalues: ArrayLike<number>,
  {variance, latents}: {readonly variance: number; readonly latents: number},
): Prediction {
  if (!(variance > 0) || !(Number.isInteger(latents) && latents > 0)) {
    throw new RangeError(
      `predictCollapse: variance ${variance} and ${latents} latents, expected positive numbers.`,
    );
  }
  const klPerLatent = Float64Array.from({length: latents}, (_, latent) =>
    Math.max(0, 0.5 * Math.log((eigenvalues[latent] ?? 0) / variance)),
  );
  const active = klPerLatent.filter(kl => kl > 0).length;
  const unused = Array.from(eigenvalues).slice(active);
  return {
    active,
    klPerLatent,
    kl: klPerLatent.reduce((sum, kl) => sum + kl, 0),
    squaredError: unused.reduce((sum, value) => sum + value, 0) + active * variance,
  };
}

/** A sum over all rows, taken part by part and added up in double precision. */
function sumOverRows(
  x: tf.Tensor2D,
  shape: readonly number[],
  sumOf: (rows: tf.Tensor2D) => tf.Tensor,
): Float64Array {
  const [count, width] = x.shape;
  const total = new Float64Array(shape.reduce((product, size) => product * size, 1));
  for (let first = 0; first < count; first += ROWS) {
    const part = tf.tidy(() => sumOf(x.slice([first, 0], [Math.min(ROWS, count - first), width])));
    part.dataSync().forEach((value, index) => (total[index]! += value));
    part.dispose();
  }
  return total;
}
