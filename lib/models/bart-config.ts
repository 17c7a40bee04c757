/**
 * The sizes and settings of a BART, ours and as the hub's config.json has them.
 * Source: Lewis et al. 2020, arXiv:1910.13461; the fields of transformers' BartConfig.   Lesson: notebooks/04-bart-vae.
 */
import type {Activation} from '../layers/activations';

/** One side of the model. */
export interface BartStackConfig {
  /** N, how many layers; 0 leaves the embeddings alone */
  readonly layers: number;
  /** H; divides the width */
  readonly heads: number;
  /** F, the width inside the feed-forward parts */
  readonly hidden: number;
}

export interface BartConfig {
  /** V, how many ids there are */
  readonly vocabulary: number;
  /** D, the width of all states */
  readonly width: number;
  /** The longest sequence; its positions are learnt */
  readonly positions: number;
  readonly encoder: BartStackConfig;
  readonly decoder: BartStackConfig;
  /** Of the feed-forward parts; 'gelu', the exact one, unless given */
  readonly activation?: Activation | undefined;
  /** Whether embedded tokens are multiplied by √D; false unless given */
  readonly scaleEmbedding?: boolean | undefined;
  /** The share that a training drops of what each part adds to the stream; 0.1 unless given */
  readonly dropout?: number | undefined;
  /** Fills up short rows and is hidden from attention; 1 unless given */
  readonly padId?: number | undefined;
  /** Begins a text for the encoder; 0 unless given */
  readonly bosId?: number | undefined;
  /** Ends a text; 2 unless given */
  readonly eosId?: number | undefined;
  /** What the decoder is given first; the end's id unless given, as in BART */
  readonly startId?: number | undefined;
}

/** A configuration in which everything is said. */
export type FullBartConfig = {
  readonly [Name in keyof BartConfig]-?: Exclude<BartConfig[Name], undefined>;
};

/** The sizes of facebook/bart-base: 139,420,416 numbers. */
export const BART_BASE: BartConfig = {
  vocabulary: 50_265,
  width: 768,
  positions: 1024,
  encoder: {layers: 6, heads: 12, hidden: 3072},
  decoder: {layers: 6, heads: 12, hidden: 3072},
};

/**
 * Fills in what is not given.
 * @throws RangeError naming the size, the share or the id that is out of its range
 */
export function fullBartConfig(config: BartConfig): FullBartConfig {
  const {padId = 1, bosId = 0, eosId = 2, startId = eosId} = config;
  const {activation = 'gelu', scaleEmbedding = false, dropout = 0.1} = config;
  const {vocabulary, width, positions, encoder, decoder} = config;
  const demand = (name: string, value: number, least: number, below = Infinity) => {
    if (Number.isInteger(value) && value >= least && value < below) return;
    const wanted =
      below === Infinity ? `an integer from ${least} on` : `from ${least} to ${below - 1}`;
    throw new RangeError(`BartConfig: ${name} is ${value}, expected ${wanted}.`);
  };
  for (const [name, size] of Object.entries({vocabulary, width, positions})) demand(name, size, 1);
  for (const [side, stack] of Object.entries({encoder, decoder})) {
    demand(`${side}.layers`, stack.layers, 0);
    demand(`${side}.heads`, stack.heads, 1);
    demand(`${side}.hidden`, stack.hidden, 1);
    if (width % stack.heads !== 0) {
      throw new RangeError(
        `BartConfig: ${side}.heads is ${stack.heads}, expected a divisor of the width ${width}.`,
      );
    }
  }
  const ids = {padId, bosId, eosId, startId};
  for (const [name, id] of Object.entries(ids)) demand(name, id, 0, vocabulary);
  if (!(dropout >= 0 && dropout < 1)) {
    throw new RangeError(`BartConfig: dropout is ${dropout}, expected a number from 0 to below 1.`);
  }
  return {...config, ...ids, activation, scaleEmbedding, dropout};
}
