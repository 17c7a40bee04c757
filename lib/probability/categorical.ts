/**
 * The categorical likelihood of tokens, from logits: one number a sequence, in nats.
 * Source: the log of a softmax, Bridle 1990; label smoothing, Szegedy et al. 2016, sect. 7.   Lesson: notebooks/04-bart-vae.
 */
import {dtypeNumber, nativeBackend} from '../tensor/native-backend';
import {sizes} from '../tensor/shapes';
import {tf} from '../tensor/tf';

/**
 * Negative log likelihood of token sequences, each token under a categorical distribution of its own.
 *
 *   −log p(ids | logits) = Σₜ countedₜ · (log Σᵥ exp(logitsₜᵥ) − logitsₜ,idₜ)
 *
 * The gradient is softmax minus one-hot, without a one-hot of the vocabulary being made.
 *
 * @param logits  [B, T, V] before any softmax; finite
 * @param ids     [B, T] int32 in 0 … V − 1: the tokens that the logits are to predict
 * @param counted [B, T] float32, 1 where a token counts and 0 where it is padding, see `countedTokens`; all count
 *   without it. No gradient reaches it.
 * @returns [B] in nats; summed over the counted tokens, not averaged
 * @throws ShapeError when the shapes do not fit, TypeError when ids are not int32
 */
export function tokenNegativeLogLikelihood(
  logits: tf.Tensor3D,
  ids: tf.Tensor2D,
  counted?: tf.Tensor2D,
): tf.Tensor1D {
  return tf.tidy(() => summed(perToken('tokenNegativeLogLikelihood', logits, ids), counted));
}

/**
 * The terms of `tokenNegativeLogLikelihood`, one a token, padding too.
 * @returns [B, T] in nats, ≥ 0
 * @throws ShapeError when the shapes do not fit, TypeError when ids are not int32
 */
export function negativeLogLikelihoodPerToken(logits: tf.Tensor3D, ids: tf.Tensor2D): tf.Tensor2D {
  return tf.tidy(() => perToken('negativeLogLikelihoodPerToken', logits, ids));
}

/**
 * Cross-entropy against smoothed targets: 1 − smoothing on the token itself, and smoothing shared
 * evenly by all V tokens. A training loss, no likelihood: it does not go to 0.
 *
 *   Σₜ countedₜ · [(1 − s) · (−log pₜ,idₜ) + (s / V) · Σᵥ −log pₜᵥ]
 *
 * @param logits    [B, T, V]
 * @param ids       [B, T] int32
 * @param smoothing s in 0 … 1
 * @param counted   [B, T] float32 as for `tokenNegativeLogLikelihood`
 * @returns [B] in nats; summed over the counted tokens
 * @throws ShapeError when the shapes do not fit, TypeError when ids are not int32, RangeError when s is out of range
 * @see Szegedy et al. (2016), sect. 7 — https://arxiv.org/abs/1512.00567
 */
export function smoothedTokenCrossEntropy(
  logits: tf.Tensor3D,
  ids: tf.Tensor2D,
  smoothing: number,
  counted?: tf.Tensor2D,
): tf.Tensor1D {
  if (!(smoothing >= 0 && smoothing <= 1)) {
    throw new RangeError(`smoothedTokenCrossEntropy: smoothing is ${smoothing}, expected 0 to 1.`);
  }
  return tf.tidy(() =>
    summed(perToken('smoothedTokenCrossEntropy', logits, ids, smoothing), counted),
  );
}

/**
 * 1 where a token is none of padding: the last argument of the losses here.
 * @param ids   [B, T] int32
 * @param padId 0 unless given
 * @returns [B, T] float32
 */
export function countedTokens(ids: tf.Tensor2D, padId = 0): tf.Tensor2D {
  sizes('countedTokens', {ids: 'B T'}, {ids});
  return tf.tidy(() => ids.notEqual(padId).toFloat() as tf.Tensor2D);
}

function summed(perToken: tf.Tensor2D, counted: tf.Tensor2D | undefined): tf.Tensor1D {
  if (counted === undefined) return perToken.sum(1);
  sizes('tokenNegativeLogLikelihood', {ids: 'B T', counted: 'B T'}, {ids: perToken, counted});
  return perToken.mul(counted).sum(1);
}

function perToken(
  where: string,
  logits: tf.Tensor3D,
  ids: tf.Tensor2D,
  smoothing = 0,
): tf.Tensor2D {
  const {B, T, V} = sizes(where, {logits: 'B T V', ids: 'B T'}, {logits, ids});
  if (ids.dtype !== 'int32') {
    throw new TypeError(`${where}: ids are ${ids.dtype}, expected int32.`);
  }
  const run = tf.customGrad((...args: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const [rows, save] = args as [tf.Tensor2D, tf.GradSaveFunc];
    const labels = smoothing === 0 ? ids.reshape([B * T]) : smoothed(ids, V, smoothing);
    const {value, slope} = crossEntropy(rows, labels as tf.Tensor1D | tf.Tensor2D);
    save([slope]);
    return {
      value,
      gradFunc: (upstream: tf.Tensor, saved: tf.Tensor[]) =>
        saved[0]!.mul(upstream.reshape([B * T, 1])), // [B·T, V]
    };
  });
  return run(logits.reshape([B * T, V])).reshape<tf.Tensor2D>([B, T]);
}

/** [B, T] → [B·T, V]: 1 − s on the token, and s / V on each. */
function smoothed(ids: tf.Tensor2D, vocabulary: number, smoothing: number): tf.Tensor2D {
  const share = smoothing / vocabulary;
  const oneHot = tf.oneHot(ids.flatten(), vocabulary).toFloat() as tf.Tensor2D;
  return oneHot.mul<tf.Tensor2D>(1 - smoothing).add<tf.Tensor2D>(share);
}

interface CrossEntropy {
  /** [N] */
  readonly value: tf.Tensor1D;
  /** [N, V] its gradient: softmax minus target */
  readonly slope: tf.Tensor2D;
}

/** Cross-entropy of rows and its gradient; labels are [N] ids or [N, V] shares that add up to 1. */
function crossEntropy(logits: tf.Tensor2D, labels: tf.Tensor1D | tf.Tensor2D): CrossEntropy {
  const backend = nativeBackend();
  if (backend === undefined) return composed(logits, labels);
  // Porting note: TensorFlow has one kernel for both; tfjs has none, so it is called by name.
  const {TF_ATTR_TYPE: type} = backend.binding;
  const isSparse = labels.rank === 1;
  const op = `${isSparse ? 'Sparse' : ''}SoftmaxCrossEntropyWithLogits`;
  const attributes = [{name: 'T', type, value: dtypeNumber('float32')}];
  if (isSparse) attributes.push({name: 'Tlabels', type, value: dtypeNumber('int32')});
  const inputs = backend.getInputTensorIds([logits, labels]);
  const [value, slope] = backend.binding
    .executeOp(op, attributes, inputs, 2)
    .map(handle => backend.createOutputTensor(handle));
  return {value: value as tf.Tensor1D, slope: slope as tf.Tensor2D};
}

function composed(logits: tf.Tensor2D, labels: tf.Tensor1D | tf.Tensor2D): CrossEntropy {
  const shifted = logits.sub(logits.max(1, true)); // [N, V] ≤ 0
  const logTotal = shifted.exp().sum(1, true).log(); // [N, 1]
  const targets = labels.rank === 1 ? tf.oneHot(labels, logits.shape[1]).toFloat() : labels;
  const logProbabilities = shifted.sub(logTotal); // [N, V]
  return {
    value: logProbabilities.mul(targets).sum<tf.Tensor1D>(1).neg(),
    slope: logProbabilities.exp().sub(targets),
  };
}
