/**
 * A variational autoencoder of signals: one GRU reads the samples, another writes them frame by frame.
 * Source: AdamGabrys/WorkshopOnSignalReconstructionWithVAE, notebook 2.   Lesson: notebooks/02-gru-sinusoids.
 */
import {Dense} from '../layers/dense';
import {Gru} from '../layers/gru';
import {joinWeights, type Weights} from '../layers/weights';
import {gaussianNegativeLogLikelihood} from '../probability/gaussian-likelihood';
import {klToStandardNormal, reparameterize, type Posterior} from '../probability/gaussian';
import type {Random} from '../tensor/random';
import {ShapeError, sizes, type NamedTensors} from '../tensor/shapes';
import {tf} from '../tensor/tf';
import type {ElboTerms} from './dense-vae';
import {FrameDecoder} from './frame-decoder';
import type {TeacherForcing} from './teacher-forcing';

export interface SinusoidAutoencoderConfig {
  /** L */
  readonly latents: number;
  /** F, samples that the decoder writes at each step */
  readonly samplesPerFrame: number;
  /** state of the GRU that reads */
  readonly encoderUnits: number;
  /** state of the GRU that writes */
  readonly decoderUnits: number;
}

/** The source's sizes: 2,279 weights. */
export const SOURCE_SIZES: SinusoidAutoencoderConfig = {
  latents: 2,
  samplesPerFrame: 5,
  encoderUnits: 10,
  decoderUnits: 20,
};

/** [N] one coin a step, or [B, N] one an example: see `TeacherForcing`. */
export type Coins = TeacherForcing['coins'];

/** What `reconstruct` can be told. */
export interface ReconstructOptions {
  /** without them the decoder runs freely */
  readonly coins?: Coins | undefined;
  /** [B, L], or [1, L] for all: decoded in place of a sample of the posterior */
  readonly latents?: tf.Tensor2D | undefined;
}

/** What `reconstruct` returns. */
export interface Reconstruction extends Posterior {
  /** [B, L] what was decoded: a sample of the posterior, or the override */
  readonly latents: tf.Tensor2D;
  /** [B, T] */
  readonly decoded: tf.Tensor2D;
}

/** The source's two losses, an example. */
export interface SinusoidLosses {
  /** [B] half the mean, over time, of the squared error: gluon's L2Loss */
  readonly l2: tf.Tensor1D;
  /** [B] KL(q(z|x) ‖ N(0, I)) in nats, summed over latents */
  readonly kl: tf.Tensor1D;
}

export class SinusoidAutoencoder {
  private readonly encoder: Gru;
  private readonly latent: Dense;
  private readonly decoder: FrameDecoder;

  /** @throws RangeError when a size is no positive integer */
  constructor(
    readonly config: SinusoidAutoencoderConfig,
    random: Random,
  ) {
    const {latents, samplesPerFrame, encoderUnits, decoderUnits} = config;
    this.encoder = new Gru({inputs: 1, units: encoderUnits}, random.stream('encoder'));
    this.latent = new Dense({inputs: encoderUnits, units: 2 * latents}, random.stream('latent'));
    this.decoder = new FrameDecoder(
      {latents, samplesPerFrame, units: decoderUnits},
      random.stream('decoder'),
    );
  }

  /** q(z|x) from the state after the last sample. @param signal [B, T] @returns [B, L] twice */
  encode(signal: tf.Tensor2D): Posterior {
    sizes('SinusoidAutoencoder.encode', {signal: 'B T'}, {signal});
    return tf.tidy(() => {
      const embedding = this.encoder.last(signal.expandDims(2)); // [B, encoderUnits]
      const both = this.latent.apply(embedding); // [B, 2L]
      const [mean, logVar] = tf.split(both, 2, 1) as [tf.Tensor2D, tf.Tensor2D]; // 2 × [B, L]
      return {mean, logVar};
    });
  }

  /** See `FrameDecoder.apply`. @param z [B, L] @param length T @returns [B, T] */
  decode(z: tf.Tensor2D, length: number, forcing?: TeacherForcing): tf.Tensor2D {
    return this.decoder.apply(z, length, forcing);
  }

  /**
   * Encodes, samples z = mean + exp(½ logVar) · epsilon, or takes the override, and decodes.
   * @param signal  [B, T]
   * @param epsilon [B, L] standard normal noise
   * @throws ShapeError when a shape does not fit
   */
  reconstruct(
    signal: tf.Tensor2D,
    epsilon: tf.Tensor2D,
    {coins, latents: override}: ReconstructOptions = {},
  ): Reconstruction {
    return tf.tidy(() => {
      const q = this.encode(signal);
      const sample = reparameterize(q, epsilon); // [B, L]
      const latents = override === undefined ? sample : likeSample(override, sample);
      const forcing = coins === undefined ? undefined : {signal, coins};
      return {...q, latents, decoded: this.decode(latents, signal.shape[1], forcing)};
    });
  }

  /**
   * The source's losses with one sample of z an example.
   * @param signal  [B, T]
   * @param epsilon [B, L] standard normal noise
   * @param coins   without them the decoder runs freely
   */
  calcLoss(signal: tf.Tensor2D, epsilon: tf.Tensor2D, coins?: Coins): SinusoidLosses {
    return tf.tidy(() => {
      const {decoded, ...q} = this.reconstruct(signal, epsilon, {coins});
      const l2 = signal.sub(decoded).square().mean<tf.Tensor1D>(1).mul<tf.Tensor1D>(0.5); // [B]
      return {l2, kl: klToStandardNormal(q)};
    });
  }

  /**
   * The evidence lower bound with one sample of z an example, and Gaussian samples of this variance.
   *
   * With a variance of 0.5 reconstruction is the sum of squared errors and T/2 · log π. For 50 samples
   * the loss is then 100 times `sourceObjective`, up to that constant: what the source minimises.
   */
  elbo(
    signal: tf.Tensor2D,
    epsilon: tf.Tensor2D,
    {coins, variance = 0.5}: {readonly coins?: Coins; readonly variance?: number} = {},
  ): ElboTerms {
    return tf.tidy(() => {
      const {decoded, ...q} = this.reconstruct(signal, epsilon, {coins});
      const reconstruction = gaussianNegativeLogLikelihood(signal, decoded, variance); // [B]
      const kl = klToStandardNormal(q); // [B]
      return {reconstruction, kl, loss: reconstruction.add(kl).mean<tf.Scalar>()};
    });
  }

  /** encoder.weight_ih …, latent.kernel …, decoder.cell.weight_ih …, decoder.projection.kernel … */
  get weights(): Weights {
    return joinWeights({encoder: this.encoder, latent: this.latent, decoder: this.decoder});
  }

  dispose(): void {
    for (const part of [this.encoder, this.latent, this.decoder]) part.dispose();
  }
}

/** What the source minimises: the batch's mean of l2 + klWeight · kl. */
export function sourceObjective({l2, kl}: SinusoidLosses, klWeight = 0.01): tf.Scalar {
  return tf.tidy(() => l2.add(kl.mul(klWeight)).mean<tf.Scalar>());
}

/**
 * Weights of the same model trained in PyTorch or MXNet, under our names, for `assignWeights`.
 *
 * Wanted are a GRU and GRUCell's weight_ih, weight_hh, bias_ih, bias_hh (gates in the order r, z, n),
 * kept as they are, and two linear layers' weight [outputs, inputs] and bias; weights are transposed:
 *
 *   encoder.weight_ih_l0 [30, 1] …   latent.weight [4, 10] (mean above logVar)   latent.bias [4]
 *   decoder.cell.weight_ih [60, 7] (latents, then frame) …   decoder.projection.weight [5, 20]   …
 *
 * @param state e.g. what safetensors' `save_file(model.state_dict())` stored; caller disposes both
 */
export function sinusoidWeightsFromTorch(state: NamedTensors): Record<string, tf.Tensor> {
  return Object.fromEntries(
    Object.entries(state).map(([name, tensor]) =>
      name.endsWith('.weight')
        ? [name.replace(/weight$/, 'kernel'), tensor.transpose()]
        : [name.replace(/_l0$/, ''), tensor.clone()],
    ),
  );
}

function likeSample(override: tf.Tensor2D, sample: tf.Tensor2D): tf.Tensor2D {
  const {B, L} = sizes('SinusoidAutoencoder.reconstruct', {sample: 'B L'}, {sample});
  const {R} = sizes('SinusoidAutoencoder.reconstruct', {latents: `R ${L}`}, {latents: override});
  if (R !== 1 && R !== B) {
    throw new ShapeError(
      `SinusoidAutoencoder.reconstruct: latents has ${R} rows, expected 1 or the signal's ${B}.`,
    );
  }
  return override.broadcastTo([B, L]);
}
