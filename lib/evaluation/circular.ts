/**
 * What latents say about the factors behind the data, where a factor may be an angle.
 * Source: Mardia & Jupp 2000, ch. 2 (angles as points of the circle); least squares.   Lesson: notebooks/02-gru-sinusoids.
 */
import {Matrix, solve} from 'ml-matrix';
import {sizes} from '../tensor/shapes';
import {type tf} from '../tensor/tf';

/**
 * Angles as points of the unit circle, so that those a whole turn apart are the same.
 * @param angles [N] in radians
 * @returns cosines and sines, [N] each: two targets for `explainedVariance`
 */
export function onCircle(angles: ArrayLike<number>): readonly Float64Array[] {
  return [Math.cos, Math.sin].map(of => Float64Array.from(angles, of));
}

/** An angle's twin in (−π, π]. */
export function wrapped(angle: number): number {
  return Math.PI - ((((Math.PI - angle) % (2 * Math.PI)) + 2 * Math.PI) % (2 * Math.PI));
}

/**
 * The length of the mean of the points: 1 where all angles are equal, near 0 where they are spread
 * evenly over the circle.
 * @param angles [N] in radians
 * @see Mardia & Jupp (2000), eq. 2.3.1
 */
export function resultantLength(angles: ArrayLike<number>): number {
  const means = onCircle(angles).map(values => values.reduce((sum, v) => sum + v, 0));
  return Math.hypot(...means) / angles.length;
}

/**
 * All products of powers of the latents whose exponents add up to at most `degree`.
 * @param row [L]
 * @returns 1, z₀, z₁, z₀², z₀z₁, … : for two latents and degree 2, six numbers
 */
export function powers(row: readonly number[], degree: number): number[] {
  const [first, ...others] = row;
  if (first === undefined) return [1];
  return Array.from({length: degree + 1}, (_, exponent) =>
    powers(others, degree - exponent).map(product => first ** exponent * product),
  ).flat();
}

/**
 * R²: the share of the targets' variance that the best polynomial in the latents explains. Fitted by
 * least squares on the first half of the examples and judged on the second, so that it may be
 * negative, and a polynomial with too many terms is no better.
 *
 *   R² = 1 − Σ ‖target − prediction‖² / Σ ‖target − mean target‖²
 *
 * @param z       [N, L] e.g. posterior means
 * @param targets one factor or more, [N] each; an angle is two, see `onCircle`
 * @param degree  of the polynomial: 1 reads the axes off, more may bend them
 * @throws ShapeError when z has no two axes; RangeError when a target has another length, or the
 *   halves are too small for the polynomial's terms
 */
export function explainedVariance(
  z: tf.Tensor2D,
  targets: readonly ArrayLike<number>[],
  degree = 1,
): number {
  const {N} = sizes('explainedVariance', {z: 'N L'}, {z});
  const terms = new Matrix(z.arraySync().map(row => powers(row, degree))); // [N, P]
  const half = Math.floor(N / 2);
  demandFit(N, targets, half, terms.columns);
  const wanted = new Matrix(targets.map(target => Array.from(target))).transpose(); // [N, F]
  const rows = (matrix: Matrix, from: number, to: number) =>
    matrix.subMatrix(from, to - 1, 0, matrix.columns - 1);
  const fit = solve(rows(terms, 0, half), rows(wanted, 0, half)); // [P, F]
  const truth = rows(wanted, half, N);
  const missed = Matrix.sub(truth, rows(terms, half, N).mmul(fit));
  const spread = truth.clone().subRowVector(truth.mean('column'));
  return 1 - missed.norm() ** 2 / spread.norm() ** 2;
}

function demandFit(
  count: number,
  targets: readonly ArrayLike<number>[],
  half: number,
  terms: number,
): void {
  const other = targets.find(({length}) => length !== count);
  if (targets.length === 0 || other !== undefined) {
    throw new RangeError(
      `explainedVariance: ${targets.length} targets, of ${other?.length ?? 0} numbers for ${count} rows.`,
    );
  }
  if (half < 2 * terms) {
    throw new RangeError(
      `explainedVariance: ${count} rows for a polynomial of ${terms} terms, expected ${4 * terms}.`,
    );
  }
}
