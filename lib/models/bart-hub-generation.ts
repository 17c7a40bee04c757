/**
 * How a checkpoint wants its texts generated: generation_config.json, or config.json of older ones.
 * Source: the fields of transformers' GenerationConfig.   Lesson: notebooks/04-bart-vae.
 */
import type {GenerationOptions} from './bart-generation';
import {BartConfigError} from './bart-hub-config';

/** Fields that would change a text, with the values that leave it alone. */
const NEUTRAL: Readonly<Record<string, readonly unknown[]>> = {
  do_sample: [false],
  num_beam_groups: [1],
  num_return_sequences: [1],
  repetition_penalty: [1],
  encoder_no_repeat_ngram_size: [0],
  diversity_penalty: [0],
  penalty_alpha: [0],
  bad_words_ids: [],
  suppress_tokens: [],
  begin_suppress_tokens: [],
};

/**
 * The options in a generation_config.json or config.json; what it does not say is left out.
 * @param json  parsed
 * @param where the file's name, for errors
 * @throws BartConfigError naming a field that cannot be done here
 */
export function generationFromHub(
  json: unknown,
  where = 'generation_config.json',
): GenerationOptions {
  if (typeof json !== 'object' || json === null) {
    throw new BartConfigError(`${where}: is no JSON object.`);
  }
  const fields = json as Readonly<Record<string, unknown>>;
  const fail = (field: string, wanted: string): never => {
    const got = JSON.stringify(fields[field]);
    throw new BartConfigError(`${where}: ${field} is ${got}, expected ${wanted}.`);
  };
  for (const [field, values] of Object.entries(NEUTRAL)) {
    const value = fields[field] ?? undefined;
    const isNeutral = value === undefined || values.includes(value);
    if (!isNeutral) fail(field, `${values.length > 0 ? String(values[0]) : 'none'}: not supported`);
  }
  const number = (field: string): number | undefined => {
    const value = fields[field] ?? undefined;
    if (typeof value === 'number') return value;
    return value === undefined ? undefined : fail(field, 'a number');
  };
  const early = fields['early_stopping'] ?? undefined;
  if (early !== undefined && typeof early !== 'boolean' && early !== 'never') {
    fail('early_stopping', 'true, false or "never"');
  }
  const options: GenerationOptions = {
    beams: number('num_beams'),
    maxLength: number('max_length'),
    minLength: number('min_length'),
    lengthPenalty: number('length_penalty'),
    earlyStopping: early as boolean | 'never' | undefined,
    noRepeatNgram: number('no_repeat_ngram_size'),
    forcedBosId: number('forced_bos_token_id'),
    forcedEosId: number('forced_eos_token_id'),
  };
  const said = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(said);
}
