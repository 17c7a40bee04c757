/**
 * The MNIST digits, from a folder or from the first mirror that answers, checked against their checksums.
 * Source: LeCun, Cortes & Burges, "The MNIST database of handwritten digits".   Lesson: notebooks/01-dense-vae.
 */
import {createHash} from 'node:crypto';
import {readFile} from 'node:fs/promises';
import path from 'node:path';
import {download, type DownloadOptions, type RemoteFile} from './download';
import {dataFolder, shown} from './folder';
import {gunzipped, IdxError, parseIdx, type IdxArray} from './idx';
import {Rows} from './rows';

export type Split = 'train' | 'test';

/** Images with their labels. Plain arrays: nothing to dispose. */
export interface DigitSet {
  /** [N, 784] bytes; tensors of them are in [0, 1] */
  readonly images: Rows;
  /** [N] 0 … 9 */
  readonly labels: Uint8Array;
}

/** A data set in the format of MNIST, of which there are several. */
export interface MnistCatalogue {
  readonly name: string;
  /** Addresses of folders that hold the four files, gzip-compressed, with '/' at the end. */
  readonly mirrors: readonly string[];
  /** [rows, columns] of an image */
  readonly side: readonly [number, number];
  readonly splits: Readonly<Record<Split, SplitFiles>>;
}

export interface SplitFiles {
  readonly count: number;
  readonly images: NamedChecksum;
  readonly labels: NamedChecksum;
}

/** A file's name without '.gz', and the SHA-256 of its uncompressed bytes. */
export interface NamedChecksum {
  readonly name: string;
  readonly sha256: string;
}

/** Mirrors compress the files differently; these are the checksums of what is inside. */
export const MNIST: MnistCatalogue = {
  name: 'MNIST',
  mirrors: [
    'https://ossci-datasets.s3.amazonaws.com/mnist/',
    'https://storage.googleapis.com/cvdf-datasets/mnist/',
  ],
  side: [28, 28],
  splits: {
    train: {
      count: 60_000,
      images: {
        name: 'train-images-idx3-ubyte',
        sha256: 'ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db',
      },
      labels: {
        name: 'train-labels-idx1-ubyte',
        sha256: '65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5',
      },
    },
    test: {
      count: 10_000,
      images: {
        name: 't10k-images-idx3-ubyte',
        sha256: '0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7',
      },
      labels: {
        name: 't10k-labels-idx1-ubyte',
        sha256: 'ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2',
      },
    },
  },
};

export interface MnistOptions extends Pick<DownloadOptions, 'silence' | 'onProgress' | 'signal'> {
  readonly split: Split;
  /** Where the files lie or are downloaded to; see `mnistFolder` for where they are looked for without it. */
  readonly folder?: string | undefined;
  /** Whether files that are missing or damaged may be downloaded; true unless given. */
  readonly download?: boolean | undefined;
  readonly catalogue?: MnistCatalogue | undefined;
}

/** The files are not there, and are not to be downloaded. */
export class MissingDataError extends Error {
  override readonly name = 'MissingDataError';
}

/** The folder of the variable MNIST_DIR where it is set, into which nothing is downloaded; else data/mnist. */
export function mnistFolder(): {readonly folder: string; readonly fixed: boolean} {
  const named = process.env['MNIST_DIR'];
  if (named !== undefined && named !== '') return {folder: path.resolve(named), fixed: true};
  return {folder: path.join(dataFolder(), 'mnist'), fixed: false};
}

/**
 * Loads one split. A file may lie there plain or compressed, as NAME or NAME.gz. One that is missing
 * or not what it should be is downloaded, except into a folder named by MNIST_DIR; a damaged file is
 * replaced only when a whole one has arrived.
 *
 * @throws MissingDataError, IdxError, DownloadError or DiskError, each with its remedy
 */
export async function loadMnist(options: MnistOptions): Promise<DigitSet> {
  const {split, catalogue = MNIST} = options;
  const {count, images, labels} = catalogue.splits[split];
  const [rows, columns] = catalogue.side;
  const pixels = await loadFile(images, [count, rows, columns], catalogue, options);
  const digits = await loadFile(labels, [count], catalogue, options);
  return {images: new Rows(pixels.values, rows * columns), labels: digits.values};
}

async function loadFile(
  file: NamedChecksum,
  shape: readonly number[],
  catalogue: MnistCatalogue,
  options: MnistOptions,
): Promise<IdxArray> {
  const {folder, fixed} =
    options.folder === undefined ? mnistFolder() : {folder: options.folder, fixed: false};
  const zipped = `${file.name}.gz`;
  const byHand = `Put ${zipped} into ${shown(folder)} (data/README.md says where to get it).`;
  const remedy = fixed ? `${byHand} Or unset MNIST_DIR.` : byHand;
  const here = await find(folder, file, shape, remedy);
  if (here !== undefined && !(here instanceof Error)) return here;
  const missing = new MissingDataError(
    `${catalogue.name}: ${zipped} is not in ${shown(folder)}. ${remedy}`,
  );
  if (fixed || options.download === false) throw here ?? missing;
  const spoiled = !(here instanceof Error)
    ? ''
    : ` What lies there cannot be used: ${here.message}`;
  await download(remote(file, shape, catalogue, `${byHand}${spoiled}`), folder, options);
  const arrived = await find(folder, file, shape, remedy);
  if (arrived === undefined || arrived instanceof Error) throw arrived ?? missing;
  return arrived;
}

/** The first sound file of the two names; else what is wrong with one; undefined where neither is there. */
async function find(
  folder: string,
  file: NamedChecksum,
  shape: readonly number[],
  remedy: string,
): Promise<IdxArray | IdxError | undefined> {
  let fault: IdxError | undefined;
  for (const name of [`${file.name}.gz`, file.name]) {
    const where = shown(path.join(folder, name));
    try {
      const bytes = await gunzipped(await readFile(path.join(folder, name)), where, remedy);
      const array = parseIdx(bytes, where, {shape, remedy});
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      if (sha256 === file.sha256) return array;
      const got = `the uncompressed bytes have sha256 ${sha256}`;
      fault ??= new IdxError(`${where}: ${got}, expected ${file.sha256}. ${remedy}`);
    } catch (error) {
      if (error instanceof IdxError) fault ??= error;
      else if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return fault;
}

function remote(
  file: NamedChecksum,
  shape: readonly number[],
  catalogue: MnistCatalogue,
  remedy: string,
): RemoteFile {
  const values = shape.reduce((product, length) => product * length, 1);
  return {
    name: `${file.name}.gz`,
    mirrors: catalogue.mirrors.map(mirror => `${mirror}${file.name}.gz`),
    sha256: file.sha256,
    size: 4 + 4 * shape.length + values,
    gunzipped: true,
    remedy,
  };
}
