/**
 * A sequence as one vector: an average of its states, plain or weighed by attention to a learnt query.
 * Source: Fang et al. 2021, arXiv:2101.00828, sect. 3.2; VAEEncoder of seed 000.   Lesson: notebooks/05-transformer-vae.
 */
import type {Random} from '../tensor/random';
import {sizes} from '../tensor/shapes';
import {tf} from '../tensor/tf';
import {gelu} from './activations';
import {Dense} from './dense';
import {joinWeights, type Weights} from './weights';

/** A sequence's vector, and how much each of its places went into it. */
export interface Pooled {
  /** [B, D] */
  readonly output: tf.Tensor2D;
  /** [B, T] ≥ 0, each row's sum 1 */
  readonly weights: tf.Tensor2D;
}

export interface AttentionPoolingConfig {
  /** D */
  readonly width: number;
  /**
   * 'scaled' divides the scores by √D, as attention does. 'gelu' does not divide and takes the GELU of
   * the scores before the mask, as the source does: no score falls below −0.17, so that no place gets
   * less than e^−0.17 = 0.84 times the weight of one with the score 0.
   */
  readonly scores?: 'scaled' | 'gelu';
}

/**
 * Attention with one head, whose one query is learnt and the same for every sequence.
 *
 *   scores = key(h) · query(q)      output = output(Σₜ softmax(scores)ₜ value(h)ₜ)
 *
 * Since the query is the same everywhere, key(h) · query(q) = h · u + c with one vector u for all
 * places; and since the weights add up to 1, value can be taken of the average. So no place needs a
 * key or a value of its own.
 */
export class AttentionPooling {
  /** [1, D] */
  readonly learnedQuery: tf.Variable<tf.Rank.R2>;
  readonly query: Dense;
  readonly key: Dense;
  readonly value: Dense;
  readonly output: Dense;

  /**
   * Starts with a query of standard deviation 0.02, as the source does: nearly an average.
   * @throws RangeError when the width is no positive integer
   */
  constructor(
    readonly config: AttentionPoolingConfig,
    random: Random,
  ) {
    const {width} = config;
    const dense = (name: string) => new Dense({inputs: width, units: width}, random.stream(name));
    this.query = dense('query');
    this.key = dense('key');
    this.value = dense('value');
    this.output = dense('output');
    const start = () => random.stream('learned query').normals<tf.Rank.R2>([1, width]);
    this.learnedQuery = tf.tidy(() => tf.variable(start().mul<tf.Tensor2D>(0.02)));
  }

  /**
   * @param h      [B, T, D]
   * @param hidden [B, T], 1 where a place is padding; none without it
   * @throws ShapeError when h has another width, or `hidden` other sizes
   */
  apply(h: tf.Tensor3D, hidden?: tf.Tensor2D): Pooled {
    const {width: D, scores: kind = 'scaled'} = this.config;
    const {B, T} = sizes('AttentionPooling.apply', {h: `B T ${D}`}, {h});
    if (hidden !== undefined) sizes('AttentionPooling.apply', {hidden: `${B} ${T}`}, {hidden});
    return tf.tidy(() => {
      const query = this.query.apply(this.learnedQuery); // [1, D]
      const common = this.key.bias.mul(query).sum(); // []
      const u = tf.matMul(this.key.kernel, query, false, true); // [D, 1]
      const products = tf.matMul(h.reshape<tf.Tensor2D>([B * T, D]), u).add(common);
      const scores = kind === 'gelu' ? gelu(products) : products.div(Math.sqrt(D));
      const weights = pooledWeights(scores.reshape([B, T]), hidden); // [B, T]
      const average = tf.matMul(weights.reshape<tf.Tensor3D>([B, 1, T]), h);
      const output = this.output.apply(this.value.apply(average.reshape<tf.Tensor2D>([B, D])));
      return {output, weights};
    });
  }

  get weights(): Weights {
    const {query, key, value, output} = this;
    return {learned_query: this.learnedQuery, ...joinWeights({query, key, value, output})};
  }

  dispose(): void {
    tf.dispose(Object.values(this.weights));
  }
}

/**
 * The same with one vector of D numbers in place of 4 D² + 5 D: scores = h · u, and the average itself.
 * @see Fang et al. (2021), sect. 3.2, with a GELU there — https://arxiv.org/abs/2101.00828
 */
export class VectorPooling {
  /** [D, 1] */
  readonly vector: tf.Variable<tf.Rank.R2>;

  /** Starts with a vector of standard deviation 0.02. */
  constructor({width}: {readonly width: number}, random: Random) {
    const start = () => random.normals<tf.Rank.R2>([width, 1]).mul<tf.Tensor2D>(0.02);
    this.vector = tf.tidy(() => tf.variable(start()));
  }

  /**
   * @param h      [B, T, D]
   * @param hidden [B, T], 1 where a place is padding; none without it
   * @throws ShapeError when h has another width, or `hidden` other sizes
   */
  apply(h: tf.Tensor3D, hidden?: tf.Tensor2D): Pooled {
    const shapes = {vector: 'D 1', h: 'B T D'} as const;
    const {B, T, D} = sizes('VectorPooling.apply', shapes, {vector: this.vector, h});
    if (hidden !== undefined) sizes('VectorPooling.apply', {hidden: `${B} ${T}`}, {hidden});
    return tf.tidy(() => {
      const scores = tf.matMul(h.reshape<tf.Tensor2D>([B * T, D]), this.vector);
      const weights = pooledWeights(scores.reshape([B, T]), hidden);
      const output = tf.matMul(weights.reshape<tf.Tensor3D>([B, 1, T]), h);
      return {output: output.reshape<tf.Tensor2D>([B, D]), weights};
    });
  }

  get weights(): Weights {
    return {vector: this.vector};
  }

  dispose(): void {
    this.vector.dispose();
  }
}

/**
 * The average of the states.
 *
 *   Σₜ shownₜ hₜ / Σₜ shownₜ
 *
 * @param h      [B, T, D]
 * @param hidden [B, T], 1 where a place is padding and does not count. Without it all count: what the
 *               source does, so that the padding of its batch moves a sentence's average.
 * @throws ShapeError when `hidden` has other sizes
 */
export function meanPooling(h: tf.Tensor3D, hidden?: tf.Tensor2D): Pooled {
  const {B, T, D} = sizes('meanPooling', {h: 'B T D'}, {h});
  if (hidden !== undefined) sizes('meanPooling', {hidden: `${B} ${T}`}, {hidden});
  return tf.tidy(() => {
    const shown = hidden === undefined ? tf.ones<tf.Rank.R2>([B, T]) : tf.sub(1, hidden); // [B, T]
    const weights = shown.div<tf.Tensor2D>(shown.sum(1, true));
    const output = tf.matMul(weights.reshape<tf.Tensor3D>([B, 1, T]), h);
    return {output: output.reshape<tf.Tensor2D>([B, D]), weights};
  });
}

function pooledWeights(scores: tf.Tensor2D, hidden: tf.Tensor2D | undefined): tf.Tensor2D {
  return tf.softmax(hidden === undefined ? scores : scores.add<tf.Tensor2D>(hidden.mul(-1e9)));
}
