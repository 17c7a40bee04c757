/**
 * What the MMD transformer is trained on: the seed's loss as it is, and losses in nats a sequence.
 * Source: Fraser-Greenlee/transformer-vae, model.py; Zhao et al. 2019 (InfoVAE).   Lesson: notebooks/06-mmd-transformer-vae.
 */
import {countedTokens, tokenNegativeLogLikelihood} from '../probability/categorical';
import {klToStandardNormal} from '../probability/gaussian';
import {priorKernel, seedKernel, type Kernel} from '../probability/kernels';
import {
  biasedMmd,
  infoVaeRegulariser,
  seedRegulariser,
  unbiasedMmd,
  type InfoVaeWeights,
} from '../probability/mmd';
import {sizes} from '../tensor/shapes';
import {tf} from '../tensor/tf';
import type {LatentTokens, MmdTransformer} from './mmd-transformer';

/** A batch and its noise. */
export type MmdInputs = {
  /** [B, T] int32, padded with 0 */
  readonly ids: tf.Tensor2D;
  /** [B, n, L] draws of the prior, fresh at every step, that codes are compared with */
  readonly prior: tf.Tensor3D;
  /** [B, n, L] standard normal noise, of a Gaussian code */
  readonly epsilon?: tf.Tensor3D;
  /** [] of the regulariser, where a schedule changes it; 1 unless given */
  readonly weight?: tf.Scalar;
};

/** What keeps codes near the prior. */
export interface MmdObjective extends Partial<InfoVaeWeights> {
  /** 'infoVae' needs `alpha` and `lambda`; 'kl' and 'infoVae' need a Gaussian code */
  readonly regulariser: 'none' | 'mmd' | 'kl' | 'infoVae';
  /** For codes of this width; `priorKernel` unless given */
  readonly kernel?: (width: number) => Kernel;
  /**
   * What a sample is: each latent 'token' by itself (unless given), which leaves the tokens of a
   * sequence free to depend on each other, or the whole 'code' of n · L numbers.
   */
  readonly sampleOf?: 'token' | 'code';
  /** Times `weight` of the inputs; 1 unless given. Nats a sequence for each unit of MMD */
  readonly scale?: number;
}

export interface MmdTerms {
  /** [B] −log p(x|z) in nats, summed over tokens */
  readonly reconstruction: tf.Tensor1D;
  /** [B] KL(q(z|x) ‖ p(z)) in nats; 0 where the code is no Gaussian and has none */
  readonly kl: tf.Tensor1D;
  /** [] of the batch's codes against the prior's draws: the unbiased estimate */
  readonly mmd: tf.Scalar;
  /** [] mean of reconstruction + weight · scale · regulariser */
  readonly loss: tf.Scalar;
}

export interface SeedTerms {
  /** [B] −log p(x|z) in nats, summed over tokens: for the log, beside those of other losses */
  readonly reconstruction: tf.Tensor1D;
  /** [] cross-entropy a token, in nats: a mean over all tokens of the batch */
  readonly crossEntropy: tf.Scalar;
  /** [] the biased estimate with the seed's kernel */
  readonly mmd: tf.Scalar;
  /** [] MMD / B · n */
  readonly regulariser: tf.Scalar;
  /** [] crossEntropy + weight · regulariser */
  readonly loss: tf.Scalar;
}

/**
 * −log p(x|z), each token given those before it.
 * @param z   [B, n, L]
 * @param ids [B, T] int32, padded with 0
 * @returns [B] in nats, summed over the tokens that are no padding
 */
export function reconstruction(
  model: MmdTransformer,
  z: tf.Tensor3D,
  ids: tf.Tensor2D,
): tf.Tensor1D {
  return tf.tidy(() => tokenNegativeLogLikelihood(model.decode(z, ids), ids, countedTokens(ids)));
}

/**
 * The loss in nats a sequence.
 *
 *   mean over B of [−log p(x|z) + weight · scale · regulariser]
 *
 * With 'kl', weight and scale 1 it is the negative evidence lower bound; with an MMD it is no bound.
 *
 * @throws Error when a KL is asked of a code that is no Gaussian, or `alpha` or `lambda` is missing
 */
export function mmdTransformerLoss(
  model: MmdTransformer,
  {ids, prior, epsilon, weight}: MmdInputs,
  objective: MmdObjective,
): MmdTerms {
  const {regulariser, kernel = priorKernel, sampleOf = 'token', scale = 1} = objective;
  return tf.tidy(() => {
    const q = model.encode(ids);
    const z = model.sample(q, epsilon); // [B, n, L]
    const nats = reconstruction(model, z, ids); // [B]
    const kl = klOf(q, regulariser); // [B]
    const [codes, draws] = [samples(z, sampleOf), samples(prior, sampleOf)];
    const mmd = unbiasedMmd(codes, draws, kernel(codes.shape[1]));
    const added = regularised({kl, mmd}, objective)
      .mul(scale)
      .mul(weight ?? 1); // [B]
    return {reconstruction: nats, kl, mmd, loss: nats.add(added).mean<tf.Scalar>()};
  });
}

/**
 * The loss of the seed as it stands: means over tokens, and a weight that depends on batch and tokens.
 * @see Source: transformer_vae/model.py, forward
 */
export function seedLoss(
  model: MmdTransformer,
  {ids, prior, epsilon, weight}: MmdInputs,
): SeedTerms {
  return tf.tidy(() => {
    const z = model.sample(model.encode(ids), epsilon); // [B, n, L]
    const [batch, tokens, width] = z.shape;
    const counted = countedTokens(ids).sum();
    const nats = reconstruction(model, z, ids); // [B]
    const crossEntropy = nats.sum().div<tf.Scalar>(counted);
    const mmd = biasedMmd(samples(prior, 'token'), samples(z, 'token'), seedKernel(width));
    const regulariser = seedRegulariser(mmd, batch, tokens);
    const loss = crossEntropy.add<tf.Scalar>(regulariser.mul(weight ?? 1));
    return {reconstruction: nats, crossEntropy, mmd, regulariser, loss};
  });
}

/**
 * How often the likeliest token, given the right ones before it, is right.
 * @param z   [B, n, L]
 * @param ids [B, T] int32, padded with 0
 * @returns token: [B] share of a sequence's tokens; sequence: [B] 1 where all are right
 */
export function accuracy(
  model: MmdTransformer,
  z: tf.Tensor3D,
  ids: tf.Tensor2D,
): {token: tf.Tensor1D; sequence: tf.Tensor1D} {
  return tf.tidy(() => {
    const counted = countedTokens(ids); // [B, T]
    const isRight = model.decode(z, ids).argMax(2).equal(ids).toFloat().mul(counted);
    const [right, all] = [isRight.sum<tf.Tensor1D>(1), counted.sum<tf.Tensor1D>(1)];
    return {token: right.div(all), sequence: right.equal(all).cast<tf.Tensor1D>('float32')};
  });
}

/** [B, n, L] → [B·n, L], or [B, n·L] */
function samples(z: tf.Tensor3D, of: 'token' | 'code'): tf.Tensor2D {
  const {B, n, L} = sizes('mmdTransformerLoss', {z: 'B n L'}, {z});
  return of === 'token' ? z.reshape([B * n, L]) : z.reshape([B, n * L]);
}

function klOf({mean, logVar}: LatentTokens, regulariser: string): tf.Tensor1D {
  if (logVar !== undefined) {
    return klToStandardNormal({mean: samples(mean, 'code'), logVar: samples(logVar, 'code')});
  }
  if (regulariser === 'kl' || regulariser === 'infoVae') {
    throw new Error(
      `mmdTransformerLoss: '${regulariser}' needs a Gaussian code: a code without a variance has no KL.`,
    );
  }
  return tf.zeros([mean.shape[0]]);
}

function regularised(
  terms: {readonly kl: tf.Tensor1D; readonly mmd: tf.Scalar},
  {regulariser, alpha, lambda}: MmdObjective,
): tf.Tensor {
  if (regulariser === 'none') return tf.scalar(0);
  if (regulariser !== 'infoVae') return terms[regulariser];
  if (alpha === undefined || lambda === undefined) {
    throw new Error("mmdTransformerLoss: 'infoVae' needs alpha and lambda.");
  }
  return infoVaeRegulariser(terms, {alpha, lambda});
}
