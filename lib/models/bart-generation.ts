/**
 * Texts from a BART, token by token with cached keys and values: the likeliest token, or a beam search.
 * Source: the options of transformers' `generate`, with its results.   Lesson: notebooks/04-bart-vae.
 */
import {sizes} from '../tensor/shapes';
import {tf} from '../tensor/tf';
import type {Bart} from './bart';
import {applyRules, rulesApply, type TokenRules} from './bart-token-rules';
import {beamSearch, type BeamSearchOptions, type Hypothesis} from './beam-search';

/** Lengths count the ids of the start and of the end. */
export interface GenerationOptions
  extends
    Omit<TokenRules, 'maxLength' | 'endId'>,
    Pick<BeamSearchOptions, 'lengthPenalty' | 'earlyStopping'> {
  /** 1, the default, takes the likeliest token every time */
  readonly beams?: number | undefined;
  /** 20 unless given */
  readonly maxLength?: number | undefined;
}

/** What the decoder looks at: a text, which the encoder reads, or a memory of any origin. */
export type GenerationSource =
  | {readonly ids: tf.Tensor2D}
  | {readonly memory: tf.Tensor3D; readonly memoryMask?: tf.Tensor4D | undefined};

/**
 * A text for each row of the source.
 *
 *   const [{ids}] = generate(bart, {ids: tokenizer.tensor(['A <mask> day.'])}, {beams: 4});
 *
 * @param source ids [B, S] int32, or memory [B, S, D] with memoryMask [B, 1, 1, S]
 * @returns B texts; the score of a greedy one is that of its tokens under a length penalty of 1
 * @throws RangeError when an option is out of its range, or a text could outgrow the positions
 */
export function generate(
  bart: Bart,
  source: GenerationSource,
  options: GenerationOptions = {},
): Hypothesis[] {
  const {beams = 1, maxLength = 20} = options;
  const {positions, vocabulary, startId, eosId: endId} = bart.config;
  demand('beams', beams, 1, Infinity);
  demand('maxLength', maxLength, 2, positions + 1);
  const {memory, memoryMask} = remembered(bart, source, beams);
  const rules = {...options, maxLength, endId};
  const stepper = new Stepper(bart, memory, memoryMask, rules);
  try {
    const [rows] = memory.shape;
    if (beams === 1) return greedySearch(stepper, rows, rules, startId);
    const batch = rows / beams;
    const settings = {...options, batch, beams, vocabulary, startId, endId, maxLength};
    return beamSearch(settings, (texts, parents) => stepper.logProbabilities(texts, parents));
  } finally {
    stepper.dispose();
    tf.dispose([memory, memoryMask ?? []]);
  }
}

/** The decoder with what it has seen so far. */
class Stepper {
  private cache;

  constructor(
    private readonly bart: Bart,
    memory: tf.Tensor3D,
    memoryMask: tf.Tensor4D | undefined,
    private readonly rules: TokenRules,
  ) {
    this.cache = bart.remember(memory, memoryMask);
  }

  /** The likeliest next ids under the rules and their log p, [R] each. */
  likeliest(texts: readonly (readonly number[])[]): {ids: number[]; logs: number[]} {
    const logs = this.advance(texts); // [R, V]
    try {
      if (!rulesApply(this.rules, texts[0]!.length)) {
        const [ids, most] = [logs.argMax(1), logs.max(1)];
        const chosen = {ids: [...ids.dataSync()], logs: [...most.dataSync()]};
        tf.dispose([ids, most]);
        return chosen;
      }
      const scores = this.ruled(texts, logs);
      const {vocabulary} = this.bart.config;
      const ids = texts.map((_, row) => {
        const own = scores.subarray(row * vocabulary, (row + 1) * vocabulary);
        return own.reduce((best, score, id) => (score > own[best]! ? id : best), 0);
      });
      return {ids, logs: ids.map((id, row) => scores[row * vocabulary + id]!)};
    } finally {
      logs.dispose();
    }
  }

  /** log p of every next token under the rules, [R, V]. @see NextScores */
  logProbabilities(
    texts: readonly (readonly number[])[],
    parents: Int32Array | undefined,
  ): Float32Array {
    if (parents !== undefined) {
      const rows = tf.tensor1d(parents, 'int32');
      this.cache = this.cache.reordered(rows);
      rows.dispose();
    }
    const logs = this.advance(texts);
    try {
      return this.ruled(texts, logs);
    } finally {
      logs.dispose();
    }
  }

  dispose(): void {
    this.cache.dispose();
  }

  /** log p before the rules, [R, V] */
  private advance(texts: readonly (readonly number[])[]): tf.Tensor2D {
    const newest = texts.map(ids => [ids.at(-1)!]);
    const ids = tf.tensor2d(newest, [texts.length, 1], 'int32');
    const {states, cache} = this.bart.next(ids, this.cache);
    this.cache.disposePast();
    this.cache = cache;
    const logs = tf.tidy(() => tf.logSoftmax(this.bart.nextLogits(states)));
    tf.dispose([ids, states]);
    return logs;
  }

  private ruled(texts: readonly (readonly number[])[], logs: tf.Tensor2D): Float32Array {
    const scores = logs.dataSync<'float32'>();
    const {vocabulary} = this.bart.config;
    texts.forEach((ids, row) => {
      applyRules(this.rules, ids, scores.subarray(row * vocabulary, (row + 1) * vocabulary));
    });
    return scores;
  }
}

function greedySearch(
  stepper: Stepper,
  rows: number,
  {maxLength, endId}: TokenRules,
  startId: number,
): Hypothesis[] {
  const texts = Array.from({length: rows}, () => [startId]);
  const sums = texts.map(() => 0);
  const lengths = texts.map(() => maxLength);
  for (let length = 1; length < maxLength; length++) {
    const {ids, logs} = stepper.likeliest(texts);
    ids.forEach((id, row) => {
      const isRunning = length < lengths[row]!;
      texts[row]!.push(id);
      if (isRunning) sums[row]! += logs[row]!;
      if (isRunning && id === endId) lengths[row] = length + 1;
    });
    if (lengths.every(end => end <= length + 1)) break;
  }
  return texts.map((ids, row) => {
    const text = ids.slice(0, lengths[row]);
    return {ids: text, score: sums[row]! / (text.length - 1)};
  });
}

/** The memory with each row as often as there are beams. */
function remembered(
  bart: Bart,
  source: GenerationSource,
  beams: number,
): {memory: tf.Tensor3D; memoryMask: tf.Tensor4D | undefined} {
  const repeated = <T extends tf.Tensor>(rows: T): T => {
    if (beams === 1) return rows.clone();
    const [count = 0, ...rest] = rows.shape;
    const copies = rows.expandDims(1).tile([1, beams, ...rest.map(() => 1)]);
    return copies.reshape([count * beams, ...rest]);
  };
  return tf.tidy(() => {
    if ('ids' in source) {
      const {ids} = source;
      const [memory, memoryMask] = [bart.encode(ids), bart.paddingMask(ids)];
      return {memory: repeated(memory), memoryMask: repeated(memoryMask)};
    }
    const {memory, memoryMask: mask} = source;
    sizes('generate', {memory: `B S ${bart.config.width}`}, {memory});
    const [rows, length] = memory.shape;
    if (mask !== undefined) sizes('generate', {mask: `${rows} 1 1 ${length}`}, {mask});
    return {memory: repeated(memory), memoryMask: mask === undefined ? mask : repeated(mask)};
  });
}

function demand(name: string, value: number, least: number, below: number): void {
  if (Number.isInteger(value) && value >= least && value < below) return;
  const wanted = below === Infinity ? `an integer from ${least} on` : `${least} to ${below - 1}`;
  throw new RangeError(`generate: ${name} is ${value}, expected ${wanted}.`);
}
