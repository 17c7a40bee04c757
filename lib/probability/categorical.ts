/**
 * The categorical likelihood of tokens, from logits: one number a sequence, in nats.
 * Source: the log of a softmax, Bridle 1990; label smoothing, Szegedy et al. 2016, sect. 7.   Lesson: notebooks/04-bart-vae.
 */
import {DTYPE, nativeBackend} from '../tensor/native-backend';
import {ownKernels, type KernelCall} from '../tensor/own-kernels';
import {sizes} from '../tensor/shapes';
import {tf} from '../tensor/tf';

/**
 * Negative log likelihood of token sequences, each token under a categorical distribution of its own.
 *
 *   −log p(ids | logits) = Σₜ countedₜ · (log Σᵥ exp(logitsₜᵥ) − logitsₜ,idₜ)
 *
 * The gradient is softmax minus one-hot, with the ones scattered to their places.
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
  const call = ownKernels();
  if (call !== undefined && smoothing === 0) {
    return byKernel(call, logits.reshape([B * T, V]), ids).reshape([B, T]);
  }
  const run = tf.customGrad((...args: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const [rows, save] = args as [tf.Tensor2D, tf.GradSaveFunc];
    const logProbabilities = logSoftmax(rows); // [B·T, V]
    const places = tf.stack([tf.range(0, B * T, 1, 'int32'), ids.reshape([B * T])], 1); // [B·T, 2]
    const own = tf.gatherND(logProbabilities, places).neg(); // [B·T]
    save([logProbabilities, places]);
    return {
      value: smoothing === 0 ? own : smoothed(own, logProbabilities, smoothing),
      gradFunc: (upstream: tf.Tensor, [logs, at]: tf.Tensor[]) =>
        slope(upstream.reshape([B * T, 1]), logs as tf.Tensor2D, at as tf.Tensor2D, smoothing),
    };
  });
  return run(logits.reshape([B * T, V])).reshape<tf.Tensor2D>([B, T]);
}

/** (1 − s) · own − s · mean log probability: [N] */
function smoothed(own: tf.Tensor, logProbabilities: tf.Tensor2D, smoothing: number): tf.Tensor {
  return own.mul(1 - smoothing).sub(logProbabilities.mean(1).mul(smoothing));
}

/** Softmax minus targets, times what arrives from above: [N, V]. @param upstream [N, 1] */
function slope(
  upstream: tf.Tensor,
  logProbabilities: tf.Tensor2D,
  places: tf.Tensor2D,
  smoothing: number,
): tf.Tensor2D {
  const [rows, vocabulary] = logProbabilities.shape;
  const probabilities = logProbabilities.exp();
  const excess = smoothing === 0 ? probabilities : probabilities.sub(smoothing / vocabulary);
  const own = upstream.reshape([rows]).mul(1 - smoothing);
  const targets = tf.scatterND(places, own, [rows, vocabulary]);
  return excess.mul(upstream).sub(targets);
}

/** [N, V] and N ids → [N], by misc/native/likelihood.h. */
function byKernel(call: KernelCall, logits: tf.Tensor2D, ids: tf.Tensor): tf.Tensor {
  const run = tf.customGrad((...args: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const [rows, save] = args as [tf.Tensor2D, tf.GradSaveFunc];
    const [nats, normaliser] = call('LatentTokenLikelihood', [rows, ids], 2);
    save([rows, ids, normaliser!]);
    return {
      value: nats!,
      gradFunc: (gradient: tf.Tensor, saved: tf.Tensor[]) =>
        call('LatentTokenLikelihoodGradient', [...saved, gradient], 1)[0]!,
    };
  });
  return run(logits);
}

/**
 * Porting note: TensorFlow has a kernel for it; tfjs composes it of five ops, so it is called by name.
 * Beside SparseSoftmaxCrossEntropyWithLogits, which does all in one, it took half the time: that one
 * does its exponentials one by one.
 */
function logSoftmax(logits: tf.Tensor2D): tf.Tensor2D {
  const backend = nativeBackend();
  if (backend === undefined) return tf.logSoftmax(logits, 1);
  const type = {name: 'T', type: backend.binding.TF_ATTR_TYPE, value: DTYPE.float32};
  return backend.executeSingleOutput('LogSoftmax', [type], [logits]) as tf.Tensor2D;
}
