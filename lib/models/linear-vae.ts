/**
 * The linear VAE: probabilistic PCA with an encoder, the one VAE whose log p(x) is known exactly.
 * Source: Tipping & Bishop 1999; Lucas et al. 2019 (arXiv:1911.02469).   Lesson: notebooks/01-dense-vae.
 */
import {CholeskyDecomposition, Matrix} from 'ml-matrix';
import {Dense} from '../layers/dense';
import {assignWeights, joinWeights, type Weights} from '../layers/weights';
import {klToStandardNormal, reparameterize, type Posterior} from '../probability/gaussian';
import {gaussianNegativeLogLikelihood} from '../probability/gaussian-likelihood';
import type {Random} from '../tensor/random';
import {sizes} from '../tensor/shapes';
import {tf} from '../tensor/tf';
import type {ElboTerms} from './dense-vae';

export interface LinearVaeConfig {
  /** D */
  readonly pixels: number;
  /** L, at most D */
  readonly latents: number;
  /** σ² of the decoder, the same for every pixel and fixed */
  readonly variance: number;
}

/** The data's principal directions, as `covarianceSpectrum` gives them: largest first. */
export interface PrincipalDirections {
  /** [D] */
  readonly mean: ArrayLike<number>;
  /** The variance along each direction. */
  readonly eigenvalues: ArrayLike<number>;
  /** Directions of length one, [D] each. */
  readonly eigenvectors: ArrayLike<ArrayLike<number>>;
}

/** p(z) = N(0, I), p(x|z) = N(W z + b, σ² I), q(z|x) = N(V x + c, diag(exp(logVar))) */
export class LinearVae {
  private readonly mean: Dense;
  private readonly decoder: Dense;
  /** [L] the same for every x, as the exact posterior's */
  private readonly logVar: tf.Variable<tf.Rank.R1>;

  /** @throws RangeError when a size or the variance is not positive, or latents exceed pixels */
  constructor(
    readonly config: LinearVaeConfig,
    random: Random,
  ) {
    const {pixels, latents, variance} = config;
    if (!(variance > 0 && variance < Infinity) || latents > pixels) {
      throw new RangeError(
        `LinearVae: variance ${variance} and ${latents} latents for ${pixels} pixels, ` +
          'expected a positive variance and no more latents than pixels.',
      );
    }
    this.mean = new Dense({inputs: pixels, units: latents}, random.stream('encoder.mean'));
    this.decoder = new Dense({inputs: latents, units: pixels}, random.stream('decoder'));
    this.logVar = tf.tidy(() => tf.variable(tf.zeros([latents])));
  }

  /** q(z|x). @param x [B, D] @returns [B, L] twice */
  encode(x: tf.Tensor2D): Posterior {
    return tf.tidy(() => {
      const mean = this.mean.apply(x); // [B, L]
      return {mean, logVar: tf.zerosLike(mean).add<tf.Tensor2D>(this.logVar)};
    });
  }

  /** The mean of p(x|z). @param z [B, L] @returns [B, D] */
  decode(z: tf.Tensor2D): tf.Tensor2D {
    return this.decoder.apply(z);
  }

  /** −log p(x|z). @param x [B, D] @param z [B, L] @returns [B] in nats, summed over pixels */
  negativeLogLikelihood(x: tf.Tensor2D, z: tf.Tensor2D): tf.Tensor1D {
    return tf.tidy(() => gaussianNegativeLogLikelihood(x, this.decode(z), this.config.variance));
  }

  /** As DenseVae.elbo. @param x [B, D] @param epsilon [B, L] */
  elbo(x: tf.Tensor2D, epsilon: tf.Tensor2D, beta = 1): ElboTerms {
    return tf.tidy(() => {
      const q = this.encode(x);
      const reconstruction = this.negativeLogLikelihood(x, reparameterize(q, epsilon)); // [B]
      const kl = klToStandardNormal(q); // [B]
      return {reconstruction, kl, loss: reconstruction.add(kl.mul(beta)).mean<tf.Scalar>()};
    });
  }

  /**
   * log p(x), exactly, in double precision: x is Gaussian with covariance W Wᵀ + σ² I, whose inverse
   * and determinant need M = WᵀW + σ² I only, of size [L, L].
   *
   *   −½ (D log 2π + (D − L) log σ² + log det M + (‖x − b‖² − tᵀ M⁻¹ t) / σ²),   t = Wᵀ (x − b)
   *
   * @param x [B, D]
   * @returns [B] in nats
   * @see Tipping & Bishop (1999), eqs. 4 to 9
   */
  logLikelihood(x: tf.Tensor2D): Float64Array {
    const {pixels, latents, variance} = this.config;
    sizes('LinearVae.logLikelihood', {x: `B ${pixels}`}, {x});
    const kernel = matrix(this.decoder.kernel); // [L, D]
    const centred = matrix(x).subRowVector(Array.from(this.decoder.bias.dataSync())); // [B, D]
    const M = kernel.mmul(kernel.transpose()).add(Matrix.eye(latents, latents, variance));
    const factor = new CholeskyDecomposition(M);
    const t = kernel.mmul(centred.transpose()); // [L, B]
    const explained = Matrix.mul(t, factor.solve(t)).sum('column');
    const length = Matrix.mul(centred, centred).sum('row');
    const logDet =
      2 * factor.lowerTriangularMatrix.diagonal().reduce((sum, d) => sum + Math.log(d), 0);
    const constant =
      pixels * Math.log(2 * Math.PI) + (pixels - latents) * Math.log(variance) + logDet;
    return Float64Array.from(
      length,
      (square, index) => -0.5 * (constant + (square - (explained[index] ?? NaN)) / variance),
    );
  }

  /**
   * Sets the weights that make the data likeliest, in closed form; the encoder is then the exact
   * posterior, so that the ELBO is log p(x). Directions that vary less than σ² stay unused.
   *
   *   wᵢ = √(λᵢ − σ²) uᵢ,   posterior variance σ² / λᵢ
   *
   * @see Tipping & Bishop (1999), eq. 15; Lucas et al. (2019), sect. 4
   */
  setOptimum({mean, eigenvalues, eigenvectors}: PrincipalDirections): void {
    const {pixels, latents, variance} = this.config;
    const used = Array.from({length: latents}, (_, latent) => {
      const eigenvalue = Math.max(eigenvalues[latent] ?? NaN, variance);
      const direction = Array.from(eigenvectors[latent] ?? []);
      const scale = Math.sqrt(eigenvalue - variance);
      const along = direction.reduce((sum, u, pixel) => sum + u * (mean[pixel] ?? NaN), 0);
      return {
        decode: direction.map(u => u * scale),
        encode: direction.map(u => (u * scale) / eigenvalue),
        bias: (-along * scale) / eigenvalue,
        logVar: Math.log(variance / eigenvalue),
      };
    });
    tf.tidy(() =>
      assignWeights(this.weights, {
        'encoder.mean.kernel': tf
          .tensor2d(
            used.map(({encode}) => encode),
            [latents, pixels],
          )
          .transpose(),
        'encoder.mean.bias': tf.tensor1d(used.map(({bias}) => bias)),
        'encoder.logVar': tf.tensor1d(used.map(({logVar}) => logVar)),
        'decoder.kernel': tf.tensor2d(
          used.map(({decode}) => decode),
          [latents, pixels],
        ),
        'decoder.bias': tf.tensor1d(Array.from(mean)),
      }),
    );
  }

  get weights(): Weights {
    const {mean, decoder, logVar} = this;
    return {
      ...joinWeights({'encoder.mean': mean}),
      'encoder.logVar': logVar,
      ...joinWeights({decoder}),
    };
  }

  dispose(): void {
    this.mean.dispose();
    this.decoder.dispose();
    this.logVar.dispose();
  }
}

/** A tensor's numbers in double precision. */
function matrix(tensor: tf.Tensor2D): Matrix {
  const [rows, columns] = tensor.shape;
  return Matrix.from1DArray(rows, columns, Array.from(tensor.dataSync()));
}
