/**
 * The hub's config.json of a BART, read and written: what it says, and what of it cannot be done here.
 * Source: the fields of transformers' BartConfig.   Lesson: notebooks/04-bart-vae.
 */
import type {Activation} from '../layers/activations';
import {fullBartConfig, type BartConfig, type FullBartConfig} from './bart-config';

/** A config.json that is damaged, or asks for what this BART does not have. */
export class BartConfigError extends Error {
  override readonly name = 'BartConfigError';
}

const ACTIVATIONS: Readonly<Record<string, Activation>> = {
  gelu: 'gelu',
  relu: 'relu',
  tanh: 'tanh',
  sigmoid: 'sigmoid',
  linear: 'linear',
  gelu_new: 'geluTanh',
};

/** Settings of other models of the family, with the one value that is BART. */
const ONLY: Readonly<Record<string, readonly unknown[]>> = {
  model_type: ['bart'],
  is_encoder_decoder: [true, undefined],
  is_decoder: [false, undefined],
  tie_word_embeddings: [true, undefined],
  normalize_before: [false, undefined],
  normalize_embedding: [true, undefined],
  add_final_layer_norm: [false, undefined],
  add_bias_logits: [false, undefined],
  static_position_embeddings: [false, undefined],
  extra_pos_embeddings: [2, undefined],
  quantization_config: [undefined, null],
};

/**
 * The configuration in a config.json. Settings that matter in training alone (layer drop, dropout
 * within attention) are passed over.
 * @param json  parsed
 * @param where the file's name, for errors
 * @throws BartConfigError naming the field, its value and what is expected
 */
export function bartConfigFromHub(json: unknown, where = 'config.json'): FullBartConfig {
  const fail = (what: string): never => {
    throw new BartConfigError(`${where}: ${what}`);
  };
  if (typeof json !== 'object' || json === null) return fail('is no JSON object.');
  const fields = json as Readonly<Record<string, unknown>>;
  for (const [field, known] of Object.entries(ONLY)) {
    if (known.includes(fields[field])) continue;
    fail(`${field} is ${said(fields[field])}, expected ${said(known[0])}: not supported.`);
  }
  const number = (field: string, otherwise?: number): number => {
    const value = fields[field] ?? otherwise;
    if (typeof value === 'number') return value;
    return fail(`${field} is ${said(value)}, expected a number.`);
  };
  const stack = (side: string) => ({
    layers: number(`${side}_layers`),
    heads: number(`${side}_attention_heads`),
    hidden: number(`${side}_ffn_dim`),
  });
  const name = fields['activation_function'] ?? 'gelu';
  const activation =
    typeof name === 'string' && Object.hasOwn(ACTIVATIONS, name) ? ACTIVATIONS[name] : undefined;
  if (activation === undefined) {
    const known = Object.keys(ACTIVATIONS).join(', ');
    return fail(`activation_function is ${said(name)}, expected one of ${known}.`);
  }
  const eosId = number('eos_token_id', 2);
  try {
    return fullBartConfig({
      vocabulary: number('vocab_size'),
      width: number('d_model'),
      positions: number('max_position_embeddings'),
      encoder: stack('encoder'),
      decoder: stack('decoder'),
      activation,
      scaleEmbedding: fields['scale_embedding'] === true,
      dropout: number('dropout', 0.1),
      padId: number('pad_token_id', 1),
      bosId: number('bos_token_id', 0),
      eosId,
      startId: number('decoder_start_token_id', eosId),
    });
  } catch (error) {
    if (error instanceof RangeError) return fail(error.message);
    throw error;
  }
}

/**
 * The config.json of a model, as transformers reads it. Without the layer drop, 0.0 there unless given:
 * transformers refuses the whole number that JSON would make of it here.
 */
export function bartConfigToHub(config: BartConfig): Record<string, unknown> {
  const full = fullBartConfig(config);
  const activation = Object.keys(ACTIVATIONS).find(name => ACTIVATIONS[name] === full.activation);
  const stack = (side: 'encoder' | 'decoder') => ({
    [`${side}_layers`]: full[side].layers,
    [`${side}_attention_heads`]: full[side].heads,
    [`${side}_ffn_dim`]: full[side].hidden,
  });
  return {
    architectures: ['BartForConditionalGeneration'],
    model_type: 'bart',
    is_encoder_decoder: true,
    vocab_size: full.vocabulary,
    d_model: full.width,
    max_position_embeddings: full.positions,
    ...stack('encoder'),
    ...stack('decoder'),
    activation_function: activation,
    scale_embedding: full.scaleEmbedding,
    dropout: full.dropout,
    attention_dropout: 0,
    activation_dropout: 0,
    tie_word_embeddings: true,
    pad_token_id: full.padId,
    bos_token_id: full.bosId,
    eos_token_id: full.eosId,
    decoder_start_token_id: full.startId,
    forced_eos_token_id: null,
    dtype: 'float32',
  };
}

function said(value: unknown): string {
  return value === undefined ? 'missing' : JSON.stringify(value);
}
