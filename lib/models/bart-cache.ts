/**
 * What a decoder remembers from token to token: each layer's keys and values, of itself and of the memory.
 * Source: Vaswani et al. 2017, arXiv:1706.03762, decoded one token at a time.   Lesson: notebooks/04-bart-vae.
 */
import type {KeysAndValues} from '../layers/attention';
import {tf} from '../tensor/tf';

export interface CachedLayer {
  /** [B, H, P, Dh] of the tokens so far; undefined before the first */
  readonly past?: KeysAndValues | undefined;
  /** [B, H, S, Dh] of the memory */
  readonly memory: KeysAndValues;
}

/** A decoder's cache after P tokens. Each one owns its tensors, except where said. */
export class BartCache {
  /**
   * @param length P, how many tokens it has seen
   * @param memoryMask 1 where a row of the memory is hidden, [B, 1, 1, S]; the caller's
   */
  constructor(
    readonly layers: readonly CachedLayer[],
    readonly length: number,
    readonly memoryMask: tf.Tensor4D | undefined,
  ) {}

  /**
   * The same with other rows, for beams that swap places within their example: what belongs to the
   * memory stays where it is. Frees the rows that it was made from.
   * @param rows [B] int32, the row that each new row was before
   */
  reordered(rows: tf.Tensor1D): BartCache {
    const layers = this.layers.map(({past, memory}) => {
      if (past === undefined) return {memory};
      const {key, value} = past;
      const moved = tf.tidy(() => ({key: key.gather(rows), value: value.gather(rows)}));
      tf.dispose([key, value]);
      return {past: moved, memory};
    });
    return new BartCache(layers, this.length, this.memoryMask);
  }

  /** Frees the tokens' keys and values, and keeps the memory's, which the next cache shares. */
  disposePast(): void {
    for (const {past} of this.layers) if (past !== undefined) tf.dispose([past.key, past.value]);
  }

  dispose(): void {
    this.disposePast();
    for (const {memory} of this.layers) tf.dispose([memory.key, memory.value]);
  }
}
