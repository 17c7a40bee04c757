/**
 * Activations by name, GELU among them: exact, and as the tanh that stands in for it.
 * Source: Hendrycks & Gimpel 2016, arXiv:1606.08415; Keras's names.   Lesson: notebooks/04.
 */
import {tf} from '../tensor/tf';

/**
 * The Gaussian error linear unit, exact: each number times the share of a standard normal below it.
 *
 *   gelu(x) = x Φ(x) = ½ x (1 + erf(x / √2))      gelu′(x) = Φ(x) + x φ(x)
 *
 * BART, BERT and PyTorch's default mean this one by "gelu".
 *
 * @param x any shape
 * @returns the same shape
 */
export function gelu<T extends tf.Tensor>(x: T): T {
  return exactGelu(x) as T;
}

/**
 * GELU's approximation by a tanh; GPT-2's "gelu", Hugging Face's "gelu_new". Off by up to 5e-4.
 *
 *   ½ x (1 + tanh(√(2/π) (x + 0.044715 x³)))
 *
 * @param x any shape
 * @returns the same shape
 */
export function geluTanh<T extends tf.Tensor>(x: T): T {
  return tf.tidy(() => {
    const cubic = x.square().mul(0.044715).add(1).mul(x); // x + 0.044715 x³
    const share = cubic
      .mul(Math.sqrt(2 / Math.PI))
      .tanh()
      .add(1)
      .mul(0.5);
    return share.mul<T>(x);
  });
}

const ACTIVATIONS = {
  linear: <T extends tf.Tensor>(x: T): T => x,
  relu: <T extends tf.Tensor>(x: T): T => x.relu<T>(),
  tanh: <T extends tf.Tensor>(x: T): T => x.tanh<T>(),
  sigmoid: <T extends tf.Tensor>(x: T): T => x.sigmoid<T>(),
  gelu,
  geluTanh,
} as const;

/** What a layer does to its sums. */
export type Activation = keyof typeof ACTIVATIONS;

/** The function of that name. @throws RangeError naming those that there are, when there is none */
export function activationNamed(where: string, name: Activation): <T extends tf.Tensor>(x: T) => T {
  if (!Object.hasOwn(ACTIVATIONS, name)) {
    const known = Object.keys(ACTIVATIONS).join(', ');
    throw new RangeError(`${where}: activation is "${name}", expected one of ${known}.`);
  }
  return ACTIVATIONS[name];
}

/** One gradient written by hand: the tape would keep and multiply three times as many tensors. */
const exactGelu: (x: tf.Tensor) => tf.Tensor = tf.customGrad(
  (...args: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const [x, save] = args as [tf.Tensor, tf.GradSaveFunc];
    const below = x.mul(Math.SQRT1_2).erf().mul(0.5).add(0.5); // Φ(x)
    save([x, below]);
    return {
      value: x.mul(below),
      gradFunc: (gradient: tf.Tensor, saved: tf.Tensor[]) => {
        const [x, below] = saved as [tf.Tensor, tf.Tensor];
        const density = x
          .square()
          .mul(-0.5)
          .exp()
          .mul(Math.sqrt(0.5 / Math.PI)); // φ(x)
        return gradient.mul(density.mul(x).add(below));
      },
    };
  },
);
