/**
 * The names and layouts of a BART's weights in Hugging Face's checkpoints, and ours.
 * Source: transformers' modeling_bart, whose modules the names are; PyTorch's Linear keeps [out, in].   Lesson: notebooks/04-bart-vae.
 */

/** A weight in a checkpoint. */
export interface HubWeight {
  /** Without the leading 'model.', which checkpoints of the bare model lack */
  readonly name: string;
  /** Whether it is stored as the transpose of ours */
  readonly isTransposed: boolean;
}

/** Our words and the hub's, for each part of a name; the first that fits. */
const WORDS: readonly (readonly [ours: RegExp, hub: string])[] = [
  [/\.(self_)?attention\./, '.self_attn.'],
  [/\.(self_)?attention_norm\./, '.self_attn_layer_norm.'],
  [/\.cross_attention\./, '.encoder_attn.'],
  [/\.cross_attention_norm\./, '.encoder_attn_layer_norm.'],
  [/\.feed_forward\.hidden\./, '.fc1.'],
  [/\.feed_forward\.output\./, '.fc2.'],
  [/\.output_norm\./, '.final_layer_norm.'],
  [/\.embedding_norm\./, '.layernorm_embedding.'],
  [/\.positions\./, '.embed_positions.'],
];
const PROJECTIONS: readonly (readonly [ours: RegExp, hub: string])[] = [
  [/\.query\./, '.q_proj.'],
  [/\.key\./, '.k_proj.'],
  [/\.value\./, '.v_proj.'],
  [/\.output\./, '.out_proj.'],
  [/\.(kernel|scale|table)$/, '.weight'],
];

/**
 * What the hub calls a weight of ours.
 *
 *   hubWeight('encoder.layers.0.feed_forward.hidden.kernel')
 *   // {name: 'encoder.layers.0.fc1.weight', isTransposed: true}
 */
export function hubWeight(ours: string): HubWeight {
  const replaced = (name: string, [pattern, hub]: readonly [RegExp, string]) =>
    name.replace(pattern, hub);
  const name = [...WORDS, ...PROJECTIONS].reduce(replaced, ours);
  return {name, isTransposed: ours.endsWith('.kernel')};
}

/** The names that one tensor may bear: with tied embeddings a file holds any of them, or several. */
export function hubAliases(name: string): string[] {
  if (name !== 'shared.weight') return [`model.${name}`, name];
  return [
    'model.shared.weight',
    'shared.weight',
    'lm_head.weight',
    'model.encoder.embed_tokens.weight',
    'encoder.embed_tokens.weight',
    'model.decoder.embed_tokens.weight',
    'decoder.embed_tokens.weight',
  ];
}

/** The logits' bias, [1, V] in a checkpoint; one without it has none. */
export const LOGITS_BIAS = 'final_logits_bias';
