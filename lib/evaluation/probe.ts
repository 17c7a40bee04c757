/**
 * A linear probe: which factors of the data can be read off the latents by softmax regression?
 * Source: Alain & Bengio 2016, arXiv:1610.01644; the step from Böhning 1992, Ann. Inst. Stat. Math. 44.   Lesson: notebooks/04-bart-vae.
 */
import {EigenvalueDecomposition, Matrix} from 'ml-matrix';
import {compile} from '../tensor/compile';
import {sizes, type NamedTensors} from '../tensor/shapes';
import {tf} from '../tensor/tf';

/** A factor with named classes. */
export interface ClassFactor {
  /** [C] */
  readonly names: readonly string[];
  /** [N] 0 … C − 1 */
  readonly indices: ArrayLike<number>;
}

/** How well a factor is told from the latents, on examples that the probe was not fitted to. */
export interface Probe {
  readonly classes: number;
  /** Share of examples whose most likely class is the right one, 0 … 1. */
  readonly accuracy: number;
  /** The same for the class that is most frequent in the examples fitted to: what a blind guess reaches. */
  readonly majority: number;
  /** Of the accuracy. */
  readonly standardError: number;
  /** −log p(class) in nats: of the probe's probabilities, and of the frequencies alone. */
  readonly crossEntropy: number;
  readonly baseline: number;
}

export interface ProbeOptions {
  /** The penalty ½ · ridge · ‖W‖² on weights of whitened latents; 1e-3 unless given. */
  readonly ridge?: number;
  /** 200 unless given. */
  readonly steps?: number;
}

/**
 * Fits p(class | z) = softmax(W z + b) to the first half of the examples and judges it on the second, so
 * that examples must be in random order. `baseline − crossEntropy` are nats that z tells about the
 * factor, at least: a probe that is not linear may find more.
 *
 * The latents are whitened, so that Böhning's bound on the Hessian, ½ I, is good in all directions, and
 * gradient steps of its inverse, accelerated, need no rate to be tuned. Nothing is random.
 *
 * @param z [N, L] e.g. posterior means
 * @throws ShapeError when z has no two axes; RangeError when the factor has another number of examples, an
 *   index without a class, or there are fewer than four examples
 */
export function probeFactor(
  z: tf.Tensor2D,
  factor: ClassFactor,
  options: ProbeOptions = {},
): Probe {
  const {N} = sizes('probeFactor', {z: 'N L'}, {z});
  demandClasses(N, factor);
  const labels = Array.from(factor.indices);
  const [classes, half] = [factor.names.length, Math.floor(N / 2)];
  const [fitted, judged] = [labels.slice(0, half), labels.slice(half)];
  const frequencies = factor.names.map((_, which) => {
    return fitted.filter(label => label === which).length;
  });
  const mostFrequent = frequencies.indexOf(Math.max(...frequencies));
  const probabilities = predicted(whitened(z, half), fitted, half, classes, options);
  const share = (is: (label: number, row: number) => boolean) =>
    judged.filter(is).length / judged.length;
  const nats = (of: (label: number, row: number) => number) =>
    judged.reduce((sum, label, row) => sum - Math.log(of(label, row)), 0) / judged.length;
  const accuracy = share((label, row) => {
    const own = probabilities[row]!;
    return own.indexOf(Math.max(...own)) === label;
  });
  return {
    classes,
    accuracy,
    majority: share(label => label === mostFrequent),
    standardError: Math.sqrt((accuracy * (1 - accuracy)) / judged.length),
    crossEntropy: nats((label, row) => probabilities[row]![label]!),
    // One more of each class: none that was not met is impossible.
    baseline: nats(label => (frequencies[label]! + 1) / (half + classes)),
  };
}

/**
 * `probeFactor` for several factors: one record each, for a table or `pl.DataFrame(…)`.
 * @param z [N, L]
 */
export function probeFactors(
  z: tf.Tensor2D,
  factors: Readonly<Record<string, ClassFactor>>,
  options: ProbeOptions = {},
): ({factor: string} & Probe)[] {
  return Object.entries(factors).map(([factor, of]) => ({factor, ...probeFactor(z, of, options)}));
}

/** Latents with mean 0 and covariance I over the first half, as rows. Directions that do not vary are left out. */
function whitened(z: tf.Tensor2D, half: number): Matrix {
  const all = new Matrix(z.arraySync());
  const first = all.subMatrix(0, half - 1, 0, all.columns - 1);
  const centred = all.subRowVector(first.mean('column'));
  const base = centred.subMatrix(0, half - 1, 0, all.columns - 1);
  const covariance = base.transpose().mmul(base).div(half);
  const {realEigenvalues, eigenvectorMatrix} = new EigenvalueDecomposition(covariance, {
    assumeSymmetric: true,
  });
  const largest = Math.max(...realEigenvalues);
  const kept = realEigenvalues.flatMap((value, column) => {
    return value > 1e-9 * largest && value > 0 ? [column] : [];
  });
  if (kept.length === 0) return Matrix.zeros(all.rows, 1);
  const columns = kept.map(column => {
    const deviation = Math.sqrt(realEigenvalues[column]!);
    return eigenvectorMatrix.getColumn(column).map(value => value / deviation);
  });
  return centred.mmul(new Matrix(columns).transpose());
}

/** Probabilities of the second half's rows after fitting to the first half. */
function predicted(
  latents: Matrix,
  labels: readonly number[],
  half: number,
  classes: number,
  {ridge = 1e-3, steps = 200}: ProbeOptions,
): number[][] {
  const columns = Math.max(classes, 2); // C, and a class that never is where there is one alone
  const step = compile(({x, targets, penalty, weights, ahead, momentum}: Fit) => {
    const errors = tf.softmax(tf.matMul(x, ahead), 1).sub<tf.Tensor2D>(targets); // [N, C]
    const slope = tf.matMul(x, errors, true).div(half).add(ahead.mul(penalty)); // [L + 1, C]
    const moved = ahead.sub<tf.Tensor2D>(slope.div(0.5 + ridge));
    return {moved, carried: moved.add<tf.Tensor2D>(moved.sub(weights).mul(momentum))};
  });
  const probabilities = tf.tidy(() => {
    const rows = tf.tensor2d(latents.to2DArray());
    const [N, L] = rows.shape;
    const all = tf.concat2d([rows, tf.ones([N, 1])], 1); // [N, L + 1]
    const x = all.slice([0, 0], [half, -1]);
    const targets = tf.oneHot(tf.tensor1d([...labels], 'int32'), columns).toFloat() as tf.Tensor2D;
    const penalty = tf.concat2d([tf.fill([L, 1], ridge), tf.zeros([1, 1])], 0); // b is free
    let weights = tf.zeros<tf.Rank.R2>([L + 1, columns]);
    let ahead = weights.clone();
    for (let count = 0; count < steps; count++) {
      const momentum = tf.scalar(count / (count + 3));
      const {moved, carried} = step({x, targets, penalty, weights, ahead, momentum});
      tf.dispose([weights, ahead, momentum]);
      [weights, ahead] = [moved, carried];
    }
    const logits = tf.matMul(all.slice([half, 0], [-1, -1]), weights);
    return tf.softmax(logits, 1) as tf.Tensor2D;
  });
  const values = probabilities.arraySync();
  probabilities.dispose();
  step.dispose();
  return values;
}

/** What a step of the fit takes. */
interface Fit extends NamedTensors {
  /** [N, L + 1] latents and a 1 */
  readonly x: tf.Tensor2D;
  /** [N, C] */
  readonly targets: tf.Tensor2D;
  /** [L + 1, 1] */
  readonly penalty: tf.Tensor2D;
  /** [L + 1, C], and where the momentum has carried them */
  readonly weights: tf.Tensor2D;
  readonly ahead: tf.Tensor2D;
  readonly momentum: tf.Scalar;
}

function demandClasses(count: number, {names, indices}: ClassFactor): void {
  if (indices.length !== count) {
    throw new RangeError(`probeFactor: ${indices.length} classes for ${count} examples.`);
  }
  if (count < 4) throw new RangeError(`probeFactor: ${count} examples, expected four at least.`);
  const stranger = Array.from(indices).find(index => names[index] === undefined);
  if (stranger !== undefined) {
    throw new RangeError(`probeFactor: there is no class ${stranger} among ${names.length}.`);
  }
}
