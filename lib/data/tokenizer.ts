/**
 * Tokens of a Hugging Face tokenizer.json, e.g. BART's byte-level BPE: text to ids and back.
 * Source: Sennrich et al. 2016 (BPE); Radford et al. 2019 (bytes); the package @huggingface/tokenizers.   Lesson: notebooks/04.
 *
 * The package is the hub's own, in plain JavaScript, without dependencies and 0.65 MB unpacked. The
 * alternatives read the same file: `tokenizers` (Rust) brings 28 MB of binaries for thirteen platforms,
 * `@huggingface/transformers` an ONNX runtime and an image library.
 */
import {readFile} from 'node:fs/promises';
import path from 'node:path';
import {Tokenizer as HubTokenizer} from '@huggingface/tokenizers';
import {tf} from '../tensor/tf';

/** The file is no tokenizer.json, or one of a kind that is not known. */
export class TokenizerError extends Error {
  override readonly name = 'TokenizerError';
}

export interface EncodeOptions {
  /** Whether the ids begin and end as the model wants, with <s> and </s> for BART; true unless given. */
  readonly specialTokens?: boolean | undefined;
}

export interface DecodeOptions {
  /** Whether <s>, </s>, <pad> and the like are left out of the text; true unless given. */
  readonly skipSpecialTokens?: boolean | undefined;
}

export interface TokenTensorOptions extends EncodeOptions {
  /** What fills a row after its text; the id of <pad> unless given. */
  readonly padId?: number | undefined;
  /** T; the longest text's length unless given. Longer texts are refused, not cut. */
  readonly length?: number | undefined;
}

/** Text to ids and back, as the file says. */
export class TextTokenizer {
  private readonly tokenizer: HubTokenizer;

  /**
   * @param json   the parsed tokenizer.json
   * @param config the parsed tokenizer_config.json where there is one
   * @param where  the file's name, for errors
   * @throws TokenizerError when it is no tokenizer, or one of a kind that is not known
   */
  constructor(json: unknown, config: unknown = {}, where = 'tokenizer.json') {
    const fail = (what: string, cause?: unknown): never => {
      throw new TokenizerError(`${where}: ${what}`, {cause});
    };
    if (!isRecord(json) || !isRecord(json['model']) || !isRecord(json['model']['vocab'] ?? null)) {
      const got = isRecord(json) ? 'a model with a vocabulary is missing' : 'it is no JSON object';
      fail(`no tokenizer: ${got}.`);
    }
    try {
      this.tokenizer = new HubTokenizer(json as object, isRecord(config) ? config : {});
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new TokenizerError(`${where}: cannot be used: ${reason}`, {cause: error});
    }
  }

  /** V: one more than the largest id, added tokens among them. */
  get size(): number {
    return 1 + [...this.tokenizer.get_vocab(true).values()].reduce((a, b) => Math.max(a, b), -1);
  }

  /** The id of one token as it is written in the file; undefined where it is not there. */
  id(token: string): number | undefined {
    return this.tokenizer.token_to_id(token);
  }

  /** The token with an id as it is written in the file; undefined where there is none. */
  token(id: number): string | undefined {
    return this.tokenizer.id_to_token(id);
  }

  /** The ids of a text. */
  encode(text: string, {specialTokens = true}: EncodeOptions = {}): number[] {
    const encoding = this.tokenizer.encode(text, {add_special_tokens: specialTokens});
    return [...encoding.ids];
  }

  /** The text of ids; an id that the vocabulary lacks is refused. @throws RangeError naming it */
  decode(ids: readonly number[], {skipSpecialTokens = true}: DecodeOptions = {}): string {
    const unknown = ids.find(id => this.tokenizer.id_to_token(id) === undefined);
    if (unknown !== undefined) {
      throw new RangeError(
        `TextTokenizer.decode: no token has the id ${unknown}; ids run from 0 to ${this.size - 1}.`,
      );
    }
    if (ids.length === 0) return '';
    return this.tokenizer.decode([...ids], {
      skip_special_tokens: skipSpecialTokens,
      clean_up_tokenization_spaces: false,
    });
  }

  /**
   * Texts as rows of ids, filled up to one length.
   * @returns [B, T] int32; caller disposes
   * @throws RangeError when there is no text, one is longer than `length`, or no <pad> is known
   */
  tensor(texts: readonly string[], options: TokenTensorOptions = {}): tf.Tensor2D {
    const rows = texts.map(text => this.encode(text, options));
    const longest = rows.reduce((most, {length}) => Math.max(most, length), 0);
    const {padId = this.id('<pad>'), length = longest} = options;
    if (rows.length === 0) throw new RangeError('TextTokenizer.tensor: got no text.');
    if (longest > length) {
      throw new RangeError(
        `TextTokenizer.tensor: a text has ${longest} tokens, expected at most ${length}.`,
      );
    }
    if (padId === undefined) {
      throw new RangeError('TextTokenizer.tensor: the file has no token "<pad>"; give padId.');
    }
    const values = Int32Array.from({length: rows.length * length}, () => padId);
    rows.forEach((row, index) => values.set(row, index * length));
    return tf.tensor2d(values, [rows.length, length], 'int32');
  }
}

/**
 * The tokenizer of a model's folder: tokenizer.json, with tokenizer_config.json where it is there.
 * @throws TokenizerError when tokenizer.json is missing or damaged
 */
export async function loadTokenizer(folder: string): Promise<TextTokenizer> {
  const file = path.join(folder, 'tokenizer.json');
  const json = await readJson(file);
  if (json === undefined) {
    throw new TokenizerError(
      `${file}: is not there. A folder with vocab.json and merges.txt alone is turned into one by ` +
        'AutoTokenizer.from_pretrained(folder).save_pretrained(folder) in Python.',
    );
  }
  const config = await readJson(path.join(folder, 'tokenizer_config.json'));
  return new TextTokenizer(json, config, file);
}

async function readJson(file: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new TokenizerError(`${file}: is no JSON: damaged, or cut short.`, {cause: error});
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
