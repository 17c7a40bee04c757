/**
 * The digits that the lessons train on: MNIST where it can be had, else digits drawn by strokes.
 * Source: lib/data/mnist.ts, lib/data/drawn-digits.ts.   Lesson: notebooks/01-dense-vae.
 */
import {Random} from '../tensor/random';
import {DiskError} from './transfer';
import {DownloadError} from './download';
import {drawDigits, type DigitTable} from './drawn-digits';
import {shown} from './folder';
import {IdxError} from './idx';
import {loadMnist, MissingDataError, MNIST, mnistFolder} from './mnist';
import type {DigitSet, MnistOptions, Split} from './mnist';

/** Both splits, from one source. Plain arrays: nothing to dispose. */
export interface Digits {
  readonly source: 'mnist' | 'drawn';
  /** One line for the lesson: what these digits are, and why. */
  readonly description: string;
  readonly train: DigitSet;
  readonly test: DigitSet;
  /** What made each drawn digit; MNIST does not know. */
  readonly factors?: Readonly<Record<Split, DigitTable>>;
}

export interface DigitsOptions extends Omit<MnistOptions, 'split'> {
  /** Takes this source only; without it MNIST, else drawn digits. */
  readonly source?: Digits['source'];
  /** How many of each split, from its start; all of MNIST's number unless given, drawn or not. */
  readonly count?: Readonly<Partial<Record<Split, number>>>;
  /** Draws the digits where they are drawn; the same for everybody unless given. */
  readonly random?: Random;
}

/**
 * Loads the digits, and says which: print `description`.
 *
 * Where MNIST_DIR is set, somebody wants MNIST from there: what is wrong with it is thrown.
 *
 * @throws what `loadMnist` throws when `source` is 'mnist' or MNIST_DIR is set
 * @throws RangeError when more digits are asked for than there are
 */
export async function loadDigits(options: DigitsOptions = {}): Promise<Digits> {
  const {splits} = options.catalogue ?? MNIST;
  const count = {
    train: options.count?.train ?? splits.train.count,
    test: options.count?.test ?? splits.test.count,
  };
  for (const split of ['train', 'test'] as const) {
    const most = splits[split].count;
    if (!Number.isInteger(count[split]) || count[split] < 1 || count[split] > most) {
      throw new RangeError(
        `loadDigits: count.${split} is ${count[split]}, expected an integer from 1 to ${most}.`,
      );
    }
  }
  const random = options.random ?? new Random(28);
  if (options.source === 'drawn') return drawn(count, random, 'as asked');
  try {
    return await mnist(count, options);
  } catch (error) {
    const fixed = options.folder === undefined && mnistFolder().fixed;
    if (options.source === 'mnist' || fixed || !isAbsence(error)) throw error;
    return drawn(count, random, `since ${reason(error)}`);
  }
}

type Counts = Readonly<Record<Split, number>>;

async function mnist(count: Counts, options: DigitsOptions): Promise<Digits> {
  const load = async (split: Split): Promise<DigitSet> => {
    const {images, labels} = await loadMnist({...options, split});
    return {images: images.slice(0, count[split]), labels: labels.subarray(0, count[split])};
  };
  const train = await load('train');
  const test = await load('test');
  const {folder, fixed} = mnistFolder();
  const from = options.folder ?? folder;
  const where = options.folder === undefined && fixed ? 'MNIST_DIR' : shown(from);
  const name = (options.catalogue ?? MNIST).name;
  return {
    source: 'mnist',
    description: `${name} from ${where}, ${numbers(count)}.`,
    train,
    test,
  };
}

function drawn(count: Counts, random: Random, why: string): Digits {
  const train = drawDigits(count.train, random.stream('drawn digits, train'));
  const test = drawDigits(count.test, random.stream('drawn digits, test'));
  return {
    source: 'drawn',
    description: `Digits drawn by strokes, ${numbers(count)}, ${why.replace(/\.$/, '')}.`,
    train,
    test,
    factors: {train: train.factors, test: test.factors},
  };
}

function numbers({train, test}: Counts): string {
  const written = (count: number) => count.toLocaleString('en-GB');
  return `${written(train)} to train on, ${written(test)} to test on`;
}

function isAbsence(error: unknown): error is Error {
  return [DownloadError, DiskError, IdxError, MissingDataError].some(kind => error instanceof kind);
}

/** Why MNIST cannot be had, in one line. */
function reason(error: Error): string {
  if (!(error instanceof DownloadError)) return error.message.split('\n')[0] ?? '';
  const {name} = error.file;
  const reasons = error.failures.map(({url, reason}) => `${new URL(url).host}: ${reason}`);
  return `no mirror gives ${name} (${reasons.join('; ')}); data/README.md says how to put it in place`;
}
