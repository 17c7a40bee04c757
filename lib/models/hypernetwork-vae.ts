/**
 * A variational autoencoder whose decoder is a hypernetwork: each z becomes a network that draws one image.
 * Source: both halves of the Keras guide joined; Dupont, Teh & Doucet 2022 (GASP) for images as networks.   Lesson: notebooks/03-hypernetwork.
 */
import {Dense} from '../layers/dense';
import {joinWeights, type Weights} from '../layers/weights';
import {bernoulliNegativeLogLikelihood} from '../probability/bernoulli';
import {klToStandardNormal, reparameterize, type Posterior} from '../probability/gaussian';
import type {Random} from '../tensor/random';
import {tf} from '../tensor/tf';
import type {ElboTerms} from './dense-vae';
import {Hypernetwork} from './hypernetwork';
import {denseLayout, runNetworks} from './hypernetwork-layout';

export interface HypernetworkVaeConfig {
  /** height and width of an image; D = height · width */
  readonly height: number;
  readonly width: number;
  /** hidden width of the encoder, and of the hypernetwork */
  readonly hidden: number;
  /** L */
  readonly latents: number;
  /** hidden widths of the networks that are written */
  readonly drawing: readonly number[];
  /** octaves of sines and cosines in which a pixel's place is told, see `pixelPlaces` */
  readonly octaves: number;
}

export class HypernetworkVae {
  /** Writes the networks that draw. */
  readonly writer: Hypernetwork;
  private readonly hidden: Dense;
  private readonly mean: Dense;
  private readonly logVar: Dense;

  /** @throws RangeError when a size is no positive integer */
  constructor(
    readonly config: HypernetworkVaeConfig,
    random: Random,
  ) {
    const {height, width, hidden, latents, drawing, octaves} = config;
    const dense = (name: string, inputs: number, units: number, activation: 'relu' | 'linear') =>
      new Dense({inputs, units, activation}, random.stream(name));
    this.hidden = dense('encoder.hidden', height * width, hidden, 'relu');
    this.mean = dense('encoder.mean', hidden, latents, 'linear');
    this.logVar = dense('encoder.logVar', hidden, latents, 'linear');
    const layout = denseLayout([placeSize(octaves), ...drawing, 1]);
    const output = 'signed';
    this.writer = new Hypernetwork(
      {inputs: latents, hidden, layout, output},
      random.stream('decoder'),
    );
  }

  /** q(z|x). @param x [B, D] in 0 … 1 @returns [B, L] twice */
  encode(x: tf.Tensor2D): Posterior {
    return tf.tidy(() => {
      const h = this.hidden.apply(x);
      return {mean: this.mean.apply(h), logVar: this.logVar.apply(h)};
    });
  }

  /**
   * Log odds of each pixel: the network of each z, asked at every place.
   * @param z    [B, L]
   * @param size of the images, if not as trained: a network can be asked between the pixels
   * @returns [B, height · width]
   */
  decode(z: tf.Tensor2D, size: {readonly height: number; readonly width: number} = this.config) {
    return tf.tidy(() => {
      const places = pixelPlaces(size.height, size.width, this.config.octaves); // [D, P]
      const drawn = runNetworks(places.expandDims(0), this.writer.write(z), 'tanh'); // [B, D, 1]
      return drawn.squeeze<tf.Tensor2D>([2]);
    });
  }

  /**
   * The evidence lower bound with one sample of z an example.
   * @param x       [B, D] in 0 … 1
   * @param epsilon [B, L] standard normal noise
   */
  elbo(x: tf.Tensor2D, epsilon: tf.Tensor2D): ElboTerms {
    return tf.tidy(() => {
      const q = this.encode(x);
      const logits = this.decode(reparameterize(q, epsilon)); // [B, D]
      const reconstruction = bernoulliNegativeLogLikelihood(x, logits); // [B]
      const kl = klToStandardNormal(q); // [B]
      return {reconstruction, kl, loss: reconstruction.add(kl).mean<tf.Scalar>()};
    });
  }

  get weights(): Weights {
    return joinWeights({
      'encoder.hidden': this.hidden,
      'encoder.mean': this.mean,
      'encoder.logVar': this.logVar,
      decoder: this.writer,
    });
  }

  dispose(): void {
    for (const part of [this.hidden, this.mean, this.logVar, this.writer]) part.dispose();
  }
}

/** P, how many numbers tell a place: both coordinates, and a sine and a cosine of each an octave. */
export function placeSize(octaves: number): number {
  return 2 + 4 * octaves;
}

/**
 * The places of an image's pixels, row by row: coordinates v and u in [−1, 1], then for each octave
 * k = 0, 1, … the sines and cosines of 2ᵏ π v / 2 and 2ᵏ π u / 2, without which a small network draws
 * smooth shapes only (Tancik et al. 2020).
 * @returns [height · width, P]
 */
export function pixelPlaces(height: number, width: number, octaves: number): tf.Tensor2D {
  const along = (index: number, length: number) =>
    length === 1 ? 0 : (2 * index) / (length - 1) - 1;
  const places = Array.from({length: height * width}, (_, pixel) => {
    const place = [along(Math.floor(pixel / width), height), along(pixel % width, width)];
    const waves = Array.from({length: octaves}, (_, octave) =>
      place.flatMap(coordinate => {
        const angle = 2 ** octave * (Math.PI / 2) * coordinate;
        return [Math.sin(angle), Math.cos(angle)];
      }),
    );
    return [...place, ...waves.flat()];
  });
  return tf.tensor2d(places, [height * width, placeSize(octaves)]);
}
