/**
 * Two sizes of every experiment: quick for a look and for CI, full for the numbers in the text.
 * Source: none.   Lesson: all.
 */
import {tf} from '../tensor/tf';

export const PROFILES = ['quick', 'full'] as const;
export type ProfileName = (typeof PROFILES)[number];

/**
 * The profile that counts: what LATENT_PROFILE says, or else full where native TensorFlow computes,
 * quick elsewhere. Ask after `await ready()`, since the backend decides.
 * @throws RangeError when LATENT_PROFILE is neither 'quick' nor 'full'
 */
export function profileName(): ProfileName {
  const wanted = process.env['LATENT_PROFILE'];
  if (wanted === undefined || wanted === '') {
    return tf.getBackend() === 'tensorflow' ? 'full' : 'quick';
  }
  const known = PROFILES.find(name => name === wanted);
  if (known === undefined) {
    throw new RangeError(`LATENT_PROFILE is "${wanted}", expected quick or full.`);
  }
  return known;
}

/**
 * The settings of the profile that counts.
 *
 *   const budget = profile({quick: {epochs: 2, examples: 5_000}, full: {epochs: 20, examples: 60_000}});
 */
export function profile<Settings>(settings: {
  readonly quick: Settings;
  readonly full: Settings;
}): Settings {
  return settings[profileName()];
}
