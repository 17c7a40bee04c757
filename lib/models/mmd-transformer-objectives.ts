/**
 * Four objectives for one transformer of digits: the seed's as it is, and three in nats a sequence.
 * Source: Fraser-Greenlee/transformer-vae, model.py; Zhao et al. 2019 (InfoVAE).   Lesson: notebooks/06-mmd-transformer-vae.
 */
import {imqKernel} from '../probability/kernels';
import {
  mmdTransformerLoss,
  seedLoss,
  type MmdInputs,
  type MmdObjective,
  type MmdTerms,
} from './mmd-transformer-loss';
import type {CodeKind, MmdTransformer} from './mmd-transformer';

export const RIVALS = ['source', 'MMD', 'KL', 'InfoVAE'] as const;
export type RivalName = (typeof RIVALS)[number];

/** A way to train: what a code is, and what is minimised. */
export interface Rival {
  readonly code: CodeKind;
  readonly loss: (
    model: MmdTransformer,
    given: MmdInputs,
  ) => Pick<MmdTerms, 'reconstruction' | 'mmd' | 'loss'>;
}

/**
 * The rivals of the comparison. All but the seed's compare whole codes with the prior by the
 * multi-scale kernel, unbiased.
 * @param scale nats a sequence for each unit of MMD; λ of the InfoVAE, whose α is ½
 */
export function rivalOf(name: RivalName, scale: number): Rival {
  if (name === 'source') return {code: 'tanh', loss: seedLoss};
  const mended = (objective: MmdObjective): Rival['loss'] => {
    const whole = {kernel: imqKernel, sampleOf: 'code', ...objective} as const;
    return (model, given) => mmdTransformerLoss(model, given, whole);
  };
  if (name === 'MMD') {
    return {code: 'linear', loss: mended({regulariser: 'mmd', scale: scale})};
  }
  if (name === 'KL') return {code: 'gaussian', loss: mended({regulariser: 'kl'})};
  const mixed = {regulariser: 'infoVae', alpha: 0.5, lambda: scale} as const;
  return {code: 'gaussian', loss: mended(mixed)};
}
