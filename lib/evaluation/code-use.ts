/**
 * What a code is worth: to the decoder, as a bound, and as a source of pictures.
 * Source: Bowman et al. 2016, sect. 3 (decoders that ignore the code); Gretton et al. 2012.   Lesson: notebooks/06-mmd-transformer-vae.
 */
import {accuracy, reconstruction} from '../models/mmd-transformer-loss';
import type {MmdTransformer} from '../models/mmd-transformer';
import {klToStandardNormal} from '../probability/gaussian';
import {imqKernel} from '../probability/kernels';
import {unbiasedMmd} from '../probability/mmd';
import type {Random} from '../tensor/random';
import {sizes} from '../tensor/shapes';
import {tf} from '../tensor/tf';

/** Means over sequences. */
export interface CodeUse {
  /** −log p(x|z) in nats a sequence, z the mean of q(z|x) */
  readonly own: number;
  /** The same with the code of another sequence: `other − own` is what the code carries */
  readonly other: number;
  /** Share of tokens that are the likeliest, given the right ones before them */
  readonly tokens: number;
  /** Share of sequences all of whose tokens are */
  readonly sequences: number;
}

/**
 * Reads sequences with their own codes, then each with another's: the k-th with that of the k-th last.
 * @param ids [N, T] int32, padded with 0
 * @param batch how many at once; 100 unless given
 * @throws RangeError with fewer than two sequences
 */
export function codeUse(model: MmdTransformer, ids: tf.Tensor2D, batch = 100): CodeUse {
  const {N} = sizes('codeUse', {ids: 'N T'}, {ids});
  if (N < 2) throw new RangeError(`codeUse: ${N} sequence, expected two or more.`);
  const codes = encodeAll(model, ids, {batch});
  const others = codes.reverse(0);
  const total = {own: 0, other: 0, tokens: 0, sequences: 0};
  for (const part of parts(N, batch)) {
    tf.tidy(() => {
      const [x, own, other] = [ids, codes, others].map(all => rowsOf(all, part));
      const right = accuracy(model, own as tf.Tensor3D, x as tf.Tensor2D);
      const found = {
        own: reconstruction(model, own as tf.Tensor3D, x as tf.Tensor2D),
        other: reconstruction(model, other as tf.Tensor3D, x as tf.Tensor2D),
        tokens: right.token,
        sequences: right.sequence,
      };
      for (const name of ['own', 'other', 'tokens', 'sequences'] as const) {
        total[name] += found[name].sum().dataSync()[0]! / N;
      }
    });
  }
  tf.dispose([codes, others]);
  return total;
}

/** In nats a sequence, means over sequences; `bound` is the sum: −ELBO. */
export interface CodeBound {
  readonly reconstruction: number;
  readonly kl: number;
  readonly bound: number;
}

/**
 * The negative evidence lower bound of a Gaussian code, one draw of q(z|x) a sequence.
 *
 *   E_q[−log p(x|z)] + KL(q(z|x) ‖ N(0, I)) ≥ −log p(x)
 *
 * @param ids [N, T] int32, padded with 0
 * @throws Error when the code is no Gaussian: it has no bound
 */
export function negativeElbo(
  model: MmdTransformer,
  ids: tf.Tensor2D,
  random: Random,
  batch = 100,
): CodeBound {
  const {N} = sizes('negativeElbo', {ids: 'N T'}, {ids});
  const {latentTokens, latents} = model.config;
  const total = {reconstruction: 0, kl: 0};
  for (const part of parts(N, batch)) {
    tf.tidy(() => {
      const x = rowsOf(ids, part);
      const q = model.encode(x);
      if (q.logVar === undefined) {
        throw new Error('negativeElbo: a code without a variance has no KL, and no bound.');
      }
      const flat = (z: tf.Tensor3D): tf.Tensor2D => z.reshape([part.size, latentTokens * latents]);
      const kl = klToStandardNormal({mean: flat(q.mean), logVar: flat(q.logVar)});
      const epsilon = random.normals<tf.Rank.R3>([part.size, latentTokens, latents]);
      const nats = reconstruction(model, model.sample(q, epsilon), x);
      total.reconstruction += nats.sum().dataSync()[0]! / N;
      total.kl += kl.sum().dataSync()[0]! / N;
    });
  }
  return {...total, bound: total.reconstruction + total.kl};
}

/**
 * The codes of many sequences: what `encode` gives, or the means of Gaussians.
 * @param ids     [N, T] int32, padded with 0
 * @param options random: of Gaussians a sample in place of the mean; batch: 100 unless given
 * @returns [N, n, L]
 */
export function encodeAll(
  model: MmdTransformer,
  ids: tf.Tensor2D,
  {random, batch = 100}: {readonly random?: Random; readonly batch?: number} = {},
): tf.Tensor3D {
  const {N} = sizes('encodeAll', {ids: 'N T'}, {ids});
  const codes = (part: Part): tf.Tensor3D =>
    tf.tidy(() => {
      const q = model.encode(rowsOf(ids, part));
      return model.sample(q, random?.normals<tf.Rank.R3>(q.mean.shape));
    });
  return tf.tidy(() => tf.concat3d(parts(N, batch).map(codes), 0));
}

/**
 * How unlike two samples of pictures are: the unbiased MMD² of their pixels, by the multi-scale
 * kernel. 0 on average where both are drawn from one distribution, below it half the time.
 * @throws RangeError when pictures differ in size, or a sample has fewer than two
 */
export function unlikeness(
  some: readonly ArrayLike<number>[],
  others: readonly ArrayLike<number>[],
): number {
  const pixels = some[0]?.length ?? 0;
  if (some.length < 2 || others.length < 2) {
    throw new RangeError(
      `unlikeness: samples of ${some.length} and ${others.length} pictures, expected two or more each.`,
    );
  }
  const odd = [...some, ...others].find(picture => picture.length !== pixels);
  if (odd !== undefined) {
    throw new RangeError(`unlikeness: pictures of ${pixels} and of ${odd.length} pixels.`);
  }
  return tf.tidy(() => {
    const [x, y] = [some, others].map(list => tf.tensor2d(list.map(one => Array.from(one))));
    return unbiasedMmd(x!, y!, imqKernel(pixels)).dataSync()[0]!;
  });
}

interface Part {
  readonly from: number;
  readonly size: number;
}

function parts(count: number, batch: number): Part[] {
  return Array.from({length: Math.ceil(count / batch)}, (_, number) => {
    const from = number * batch;
    return {from, size: Math.min(batch, count - from)};
  });
}

function rowsOf<T extends tf.Tensor>(all: T, {from, size}: Part): T {
  const rest = all.shape.slice(1);
  return all.slice<T>([from, ...rest.map(() => 0)], [size, ...rest]);
}
