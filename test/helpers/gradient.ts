/**
 * Gradients from the tape against finite differences.
 * Source: the five-point stencil (Fornberg 1988), as in tinygrad's and micrograd's checks.   Lesson: notebooks/01.
 */
import {tf} from 'latent-lib/tensor/tf';
import {close, type Tolerance} from './close';

/**
 * Asserts that the tape's gradient of `fn` is what finite differences give, element by element.
 *
 *   checkGradient(({mean, logVar}) => klToStandardNormal({mean, logVar}), {mean, logVar});
 *
 * A result with several elements is weighed with fixed unequal weights and summed. Four evaluations
 * an element: keep the inputs small, and away from kinks such as relu's at zero.
 *
 * @param fn     from tensors of these names to one tensor
 * @param inputs float32, each of any shape
 * @param step   distance of the stencil's points; rounding dominates below 1e-2
 */
export function checkGradient<Name extends string>(
  fn: (inputs: Readonly<Record<Name, tf.Tensor>>) => tf.Tensor,
  inputs: Readonly<Record<Name, tf.Tensor>>,
  tolerance: Tolerance = {atol: 2e-3, rtol: 2e-3},
  step = 0.03,
): void {
  const names = Object.keys(inputs) as Name[];
  const scalar = (values: readonly tf.Tensor[]): tf.Scalar => {
    const named = Object.fromEntries(names.map((name, index) => [name, values[index]]));
    return weigh(fn(named as Record<Name, tf.Tensor>));
  };
  tf.tidy(() => {
    const values = names.map(name => inputs[name]);
    const gradients = tf.grads((...args: tf.Tensor[]) => scalar(args))(values);
    for (const [which, name] of names.entries()) {
      const at = inputs[name];
      const numeric = finiteDifferences(
        moved => scalar(values.map((value, index) => (index === which ? moved : value))),
        at,
        step,
      );
      close(
        `gradient with respect to ${name}`,
        gradients[which] ?? tf.scalar(NaN),
        numeric,
        tolerance,
      );
    }
  });
}

function weigh(result: tf.Tensor): tf.Scalar {
  const weights = Array.from({length: result.size}, (_, index) => 1 + 0.5 * Math.sin(index + 1));
  return result.flatten().mul(tf.tensor1d(weights)).sum();
}

function finiteDifferences(
  fn: (moved: tf.Tensor) => tf.Scalar,
  at: tf.Tensor,
  step: number,
): tf.Tensor {
  const data = at.dataSync();
  const evaluate = (index: number, distance: number): number =>
    tf.tidy(() => {
      const moved = Float32Array.from(data);
      moved[index] = (moved[index] ?? NaN) + distance;
      return fn(tf.tensor(moved, at.shape)).dataSync()[0] ?? NaN;
    });
  const slopes = Array.from(data, (_, index) => {
    const near = evaluate(index, step) - evaluate(index, -step);
    const far = evaluate(index, 2 * step) - evaluate(index, -2 * step);
    return (8 * near - far) / (12 * step);
  });
  return tf.tensor(slopes, at.shape, 'float32');
}
