/**
 * A log of any length kept as a few hundred means, so that drawing it costs the same at every step.
 * Source: none.   Lesson: none.
 */
import {type LogLine} from '../plot/losses';

/** Means of equal runs of logs; when there are too many, neighbours are merged. */
export class Thinned {
  private readonly bins: {sums: Map<string, number>; counts: Map<string, number>}[] = [];
  private perBin = 1;
  private inLast = 0;

  /** @param limit at most so many means are kept; even */
  constructor(private readonly limit = 240) {
    if (limit % 2 !== 0)
      throw new RangeError(`Thinned: limit is ${limit}, expected an even number.`);
  }

  push(log: LogLine): void {
    if (this.bins.length === 0 || this.inLast === this.perBin) {
      if (this.bins.length === this.limit) this.halve();
      this.bins.push({sums: new Map(), counts: new Map()});
      this.inLast = 0;
    }
    const {sums, counts} = this.bins.at(-1)!;
    for (const [name, value] of Object.entries(log)) {
      if (value === undefined || !Number.isFinite(value)) continue;
      sums.set(name, (sums.get(name) ?? 0) + value);
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    this.inLast += 1;
  }

  /** The means, oldest first. */
  means(): LogLine[] {
    return this.bins.map(({sums, counts}) =>
      Object.fromEntries([...sums].map(([name, sum]) => [name, sum / counts.get(name)!])),
    );
  }

  private halve(): void {
    const count = Math.floor(this.bins.length / 2);
    for (let n = 0; n < count; n++) {
      const [left, right] = [this.bins[2 * n]!, this.bins[2 * n + 1]!];
      for (const [name, sum] of right.sums) {
        left.sums.set(name, (left.sums.get(name) ?? 0) + sum);
        left.counts.set(name, (left.counts.get(name) ?? 0) + right.counts.get(name)!);
      }
      this.bins[n] = left;
    }
    this.bins.length = count;
    this.perBin *= 2;
  }
}
