/**
 * Optimizers as plain configuration: what they keep for a weight, and their update, eager and as one kernel.
 * Source: Kingma & Ba 2015, arXiv:1412.6980, section 2; Keras 3's Adam and SGD.   Lesson: notebooks/01-dense-vae.
 */
import {tf} from '../tensor/tf';
import type {Attribute, Graph} from '../tensor/graph';
import {DTYPE} from '../tensor/native-backend';
import {nativeKernels} from '../tensor/native-kernels';

/** Where one weight stands in a graph when it is updated: outputs of nodes. */
export interface UpdatePlace {
  readonly weight: string;
  readonly slots: readonly string[];
  readonly gradient: string;
  /** Given if the gradient is leftᵀ · right, [K, M] and [K, N] with a small K, and has no other use. */
  readonly product?: {readonly left: string; readonly right: string} | undefined;
  readonly stepSize: string;
  /** What has to run first: '^node'. */
  readonly after: readonly string[];
}

/** An optimizer, without any state of its own. */
export interface OptimizerConfig {
  readonly name: string;
  readonly learningRate: number;
  /** What is kept for each weight, of the weight's shape, zero at first. */
  readonly slots: readonly string[];
  /** The step size of step number `step`, which counts from 1. */
  stepSize(learningRate: number, step: number): number;
  /** Updates a weight and its slots eagerly. */
  update(
    weight: tf.Variable,
    slots: readonly tf.Variable[],
    gradient: tf.Tensor,
    stepSize: number,
  ): void;
  /** Adds TensorFlow's fused kernel of the same update to a graph; returns the node's name. */
  kernel(graph: Graph, place: UpdatePlace): string;
}

const FLOAT: Attribute = {type: DTYPE.float32};
const NOT_LOCKED = {use_locking: {bool: false}};

/**
 * Adam with Keras's formula: epsilon is added outside of the bias correction.
 *
 *   m ← m + (1 − β₁)(g − m)      v ← v + (1 − β₂)(g² − v)
 *   w ← w − α √(1 − β₂ᵗ) / (1 − β₁ᵗ) · m / (√v + ε)
 *
 * Porting note: PyTorch, JAX's optax and the paper's algorithm 1 add epsilon to the corrected √v̂
 * instead, so their ε = 1e-8 is not this ε = 1e-7.
 *
 * @throws RangeError when a number is out of its range
 */
export function adam(options: {
  readonly learningRate: number;
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
}): OptimizerConfig {
  const {learningRate, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7} = options;
  const names = {learningRate, beta1, beta2, epsilon};
  for (const name of ['beta1', 'beta2'] as const) {
    demand('adam', name, names[name], names[name] >= 0 && names[name] < 1, 'in [0, 1)');
  }
  demand('adam', 'learningRate', learningRate, learningRate >= 0, 'at least 0');
  demand('adam', 'epsilon', epsilon, epsilon > 0, 'above 0');
  // Porting note: TensorFlow's kernel has float32 betas, and 1 − 0.999 is 1.3e-5 off in them.
  const [single1, single2] = [Math.fround(beta1), Math.fround(beta2)];
  return {
    name: 'adam',
    learningRate,
    slots: ['m', 'v'],
    stepSize: (rate, step) => (rate * Math.sqrt(1 - single2 ** step)) / (1 - single1 ** step),
    update: (weight, [m, v], gradient, stepSize) => {
      if (m === undefined || v === undefined)
        throw new Error('adam: the slots m and v are missing.');
      tf.tidy(() => {
        m.assign(m.add(gradient.sub(m).mul(1 - single1)));
        v.assign(
          v.add(
            gradient
              .square()
              .sub(v)
              .mul(1 - single2),
          ),
        );
        weight.assign(weight.sub(m.mul(stepSize).div(v.sqrt().add(epsilon))));
      });
    },
    kernel: (graph, {weight, slots, gradient, product, stepSize, after}) => {
      const variables = [weight, ...slots];
      const settings = [beta1, beta2, epsilon].map(value => graph.scalar(value));
      if (!nativeKernels().used) {
        // The step size carries the bias correction, so both powers of beta are given as 0.
        const powers = [graph.scalar(0), graph.scalar(0)];
        const inputs = [...variables, ...powers, stepSize, ...settings, gradient, ...after];
        const attributes = {T: FLOAT, ...NOT_LOCKED, use_nesterov: {bool: false}};
        return graph.add('ResourceApplyAdam', inputs, attributes);
      }
      const shared = [...variables, stepSize, ...settings];
      return product === undefined
        ? graph.add('LatentAdam', [...shared, gradient, ...after], {})
        : graph.add('LatentAdamProduct', [...shared, product.left, product.right, ...after], {});
    },
  };
}

/**
 * Stochastic gradient descent, with Keras's momentum.
 *
 *   u ← momentum · u − α g      w ← w + u
 *
 * @throws RangeError when a number is out of its range
 */
export function sgd(options: {
  readonly learningRate: number;
  readonly momentum?: number;
}): OptimizerConfig {
  const {learningRate, momentum = 0} = options;
  demand('sgd', 'learningRate', learningRate, learningRate >= 0, 'at least 0');
  demand('sgd', 'momentum', momentum, momentum >= 0 && momentum < 1, 'in [0, 1)');
  return {
    name: 'sgd',
    learningRate,
    slots: momentum > 0 ? ['momentum'] : [],
    stepSize: rate => rate,
    update: (weight, [velocity], gradient, stepSize) => {
      tf.tidy(() => {
        const change = gradient.mul(-stepSize);
        velocity?.assign(velocity.mul(momentum).add(change));
        weight.assign(weight.add(velocity ?? change));
      });
    },
    kernel: (graph, {weight, slots, gradient, stepSize, after}) => {
      if (momentum === 0) {
        const inputs = [weight, stepSize, gradient, ...after];
        return graph.add('ResourceApplyGradientDescent', inputs, {T: FLOAT, ...NOT_LOCKED});
      }
      const inputs = [weight, ...slots, stepSize, gradient, graph.scalar(momentum), ...after];
      const attributes = {T: FLOAT, ...NOT_LOCKED, use_nesterov: {bool: false}};
      return graph.add('ResourceApplyKerasMomentum', inputs, attributes);
    },
  };
}

/**
 * Scales gradients so that their global norm √(Σ‖g‖²) is at most `clipNorm`; caller disposes.
 * @see Pascanu et al. 2013, arXiv:1211.5063, algorithm 1
 */
export function clipByGlobalNorm(
  gradients: readonly tf.Tensor[],
  clipNorm: number,
): readonly tf.Tensor[] {
  return tf.tidy(() => {
    const squares = gradients.map(gradient => gradient.square().sum());
    const norm = tf.addN(squares).sqrt();
    const scale = tf.scalar(clipNorm).div(norm.maximum(clipNorm));
    return gradients.map(gradient => gradient.mul(scale));
  });
}

function demand(where: string, name: string, value: number, holds: boolean, wanted: string): void {
  if (!holds || !Number.isFinite(value)) {
    throw new RangeError(`${where}: ${name} is ${value}, expected a number ${wanted}.`);
  }
}
