/**
 * The loss of the transformer-VAE as seed 000 trains it: a KL that charges nothing, in units that do not fit.
 * Source: VAETransformer of seed 000, code_highlights.md — AMDonati/variational-transformer@3db07be.   Lesson: notebooks/05-transformer-vae.
 */
import {countedTokens} from '../probability/categorical';
import {klBetweenGaussians, reparameterize} from '../probability/gaussian';
import {tf} from '../tensor/tf';
import {shifted, type PairInputs, type TransformerVae} from './transformer-vae';

/** The terms of `sourceLoss`. */
export interface SourceTerms {
  /** [] cross-entropy, mean over the tokens of the batch */
  readonly crossEntropy: tf.Scalar;
  /** [] KL between the two heads, mean over the batch */
  readonly kl: tf.Scalar;
  /** [] crossEntropy + klWeight · kl */
  readonly loss: tf.Scalar;
}

/**
 * The training loss of seed 000 as it stands.
 *
 *   Σ tokens −log p / number of tokens  +  klWeight · mean KL(posterior head ‖ prior head)
 *
 * Both heads read the same vector, that of x and y together. So they can agree on anything: the KL
 * falls to zero while z tells all of y. And the cross-entropy is per token where the KL is per
 * sequence: multiplied by the tokens of a sentence, so many times klWeight is the β of a bound.
 *
 * @param klWeight a number, or a scalar where a compiled step is to change it
 * @see Source: code_highlights.md, VAETransformer.call — AMDonati/variational-transformer@3db07be
 */
export function sourceLoss(
  model: TransformerVae,
  {x, y, epsilon}: PairInputs,
  klWeight: number | tf.Scalar = 1,
): SourceTerms {
  return tf.tidy(() => {
    const pooled = model.encoder.apply(x, y).output; // [B, D]
    const [p, q] = [model.priorOf(pooled), model.posteriorOf(pooled)];
    const nats = model.negativeLogLikelihood(y, reparameterize(q, epsilon)).sum(); // []
    const crossEntropy = nats.div<tf.Scalar>(countedTokens(shifted(y).targets).sum());
    const kl = klBetweenGaussians(q, p).mean<tf.Scalar>();
    return {crossEntropy, kl, loss: crossEntropy.add<tf.Scalar>(kl.mul(klWeight))};
  });
}
