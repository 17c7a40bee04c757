/**
 * Hypernetworks: networks that write the weights of another network, one for each example.
 * Source: Ha, Dai & Le 2017; the Keras guide for researchers; Chang, Flokas & Lipson 2020.   Lesson: notebooks/03-hypernetwork.
 */
import {Dense} from '../layers/dense';
import {joinWeights, type Weights} from '../layers/weights';
import type {Random} from '../tensor/random';
import {sizes} from '../tensor/shapes';
import {tf} from '../tensor/tf';
import {runNetworks, type Block, type Generated, type WeightLayout} from './hypernetwork-layout';

/** What writes networks. */
export interface NetworkWriter {
  readonly layout: WeightLayout;
  /** The weights of a network for each row. @param x [B, D] @returns [B, …shape] for each name */
  write(x: tf.Tensor2D): Generated;
  readonly weights: Weights;
  dispose(): void;
}

export interface HypernetworkConfig {
  /** D */
  readonly inputs: number;
  /** H, the width of its one hidden layer */
  readonly hidden: number;
  /** of the network that it writes: W numbers */
  readonly layout: WeightLayout;
  /**
   * 'sigmoid' is the guide's: every weight and bias lies in (0, 1), so that non-negative inputs keep
   * every ReLU on and the written network is linear. 'signed' is linear, times each block's scale.
   */
  readonly output: 'sigmoid' | 'signed';
}

/** Two dense layers, D → H → W, for each example. For the guide's 784 → 16 → 50,890: 877,690 weights. */
export class Hypernetwork implements NetworkWriter {
  readonly layout: WeightLayout;
  private readonly hidden: Dense;
  private readonly output: Dense;

  /** @throws RangeError when a size is no positive integer */
  constructor(
    readonly config: HypernetworkConfig,
    random: Random,
  ) {
    const {inputs, hidden, layout, output} = config;
    this.layout = layout;
    this.hidden = new Dense({inputs, units: hidden, activation: 'relu'}, random.stream('hidden'));
    const activation = output === 'sigmoid' ? 'sigmoid' : 'linear';
    const units = layout.size;
    this.output = new Dense({inputs: hidden, units, activation}, random.stream('output'));
    if (output === 'signed') startUnitVariance(this.output, random.stream('unit variance'));
  }

  /** All weights of the written networks in rows. @param x [B, D] @returns [B, W], not yet scaled */
  generate(x: tf.Tensor2D): tf.Tensor2D {
    return tf.tidy(() => this.output.apply(this.hidden.apply(x)));
  }

  write(x: tf.Tensor2D): Generated {
    return tf.tidy(() => {
      const weights = this.layout.cut(this.generate(x));
      return this.config.output === 'sigmoid' ? weights : scaled(this.layout, weights);
    });
  }

  /** hidden.kernel [D, H], hidden.bias, output.kernel [H, W], output.bias */
  get weights(): Weights {
    return joinWeights({hidden: this.hidden, output: this.output});
  }

  dispose(): void {
    this.hidden.dispose();
    this.output.dispose();
  }
}

/**
 * Each block times the standard deviation that its network wants of it, so that a writer whose
 * outputs have a variance of one starts the written network well ("hyperfan-in").
 *
 *   kernel: √(2 / fanIn), the last one √(1 / fanIn); bias: √(1 / fanIn), with its layer's fanIn
 *
 * @see Chang, Flokas & Lipson (2020), sect. 4 — https://openreview.net/forum?id=H1lma24tPB
 */
export function scaled(layout: WeightLayout, weights: Generated): Generated {
  return tf.tidy(() =>
    Object.fromEntries(
      Object.keys(layout.blocks).map(name => [name, weights[name]!.mul(blockScale(layout, name))]),
    ),
  );
}

/** The scale of one block of a `denseLayout`. @throws RangeError when its layer has no kernel */
export function blockScale({blocks}: WeightLayout, name: string): number {
  const layer = Number(/\d+$/.exec(name)?.[0]);
  const kernel: Block | undefined = blocks[`kernel${layer}`];
  const fanIn = kernel?.shape[0];
  if (fanIn === undefined) throw new RangeError(`blockScale: ${name} belongs to no dense layer.`);
  const isRectified = name.startsWith('kernel') && blocks[`kernel${layer + 1}`] !== undefined;
  return Math.sqrt((isRectified ? 2 : 1) / fanIn);
}

/**
 * The logits of a network that is written for each example and then sees this example: the guide's
 * experiment, for any batch, with no loop.
 *
 * @param x [B, D]
 * @returns [B, O]
 */
export function classify(writer: NetworkWriter, x: tf.Tensor2D): tf.Tensor2D {
  return tf.tidy(() => runNetworks(x.expandDims(1), writer.write(x)).squeeze<tf.Tensor2D>([1]));
}

/**
 * Negative log likelihood of labels under softmax(logits).
 *
 *   −log p(label | logits) = log Σₖ exp(logitₖ) − logit_label
 *
 * @param logits [B, C]
 * @param labels [B] int32, 0 … C − 1
 * @returns [B] in nats
 * @throws ShapeError when the batches differ
 */
export function categoricalNegativeLogLikelihood(
  logits: tf.Tensor2D,
  labels: tf.Tensor1D,
): tf.Tensor1D {
  const {C} = sizes(
    'categoricalNegativeLogLikelihood',
    {logits: 'B C', labels: 'B'},
    {logits, labels},
  );
  return tf.tidy(() => {
    const ofLabel = logits.mul(tf.oneHot(labels, C)).sum(1); // [B]
    return logits.logSumExp(1).sub<tf.Tensor1D>(ofLabel);
  });
}

/** A kernel of normals with variance 1 / H: outputs of variance one where the hidden layer's is. */
function startUnitVariance({kernel}: Dense, random: Random): void {
  const [hidden] = kernel.shape;
  tf.tidy(() => kernel.assign(random.normals<tf.Rank.R2>(kernel.shape).div(Math.sqrt(hidden))));
}
