import assert from 'node:assert/strict';
import {mkdir, mkdtemp, readFile, readdir, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {after, afterEach, before, beforeEach, test} from 'node:test';
import {gzipSync} from 'node:zlib';
import {loadDigits} from 'latent-lib/data/digits';
import {DownloadError} from 'latent-lib/data/download';
import {dataFolder, projectAbove, shown} from 'latent-lib/data/folder';
import {IdxError} from 'latent-lib/data/idx';
import {
  loadMnist,
  MissingDataError,
  MNIST,
  mnistFolder,
  type MnistCatalogue,
  type SplitFiles,
} from 'latent-lib/data/mnist';
import {Random} from 'latent-lib/tensor/random';
import {ready} from 'latent-lib/tensor/tf';
import {idx, Mirror, ranged, sha256, type Answer} from './files';

/** A data set of the same format, small enough to serve. */
const random = new Random(3);
const made = Object.fromEntries(
  Object.entries({train: 6, test: 4}).map(([split, count]) => {
    const bytes = (length: number, below: number) =>
      Uint8Array.from({length}, () => random.integer(below));
    const images = idx([count, 28, 28], bytes(count * 784, 256));
    return [split, {count, images, labels: idx([count], bytes(count, 10))}];
  }),
);
const files: Record<string, Buffer> = {};

function splitFiles(split: string, name: string): SplitFiles {
  const {count, images, labels} = made[split]!;
  files[`${name}-images-idx3-ubyte`] = images;
  files[`${name}-labels-idx1-ubyte`] = labels;
  return {
    count,
    images: {name: `${name}-images-idx3-ubyte`, sha256: sha256(images)},
    labels: {name: `${name}-labels-idx1-ubyte`, sha256: sha256(labels)},
  };
}

const splits = {train: splitFiles('train', 'train'), test: splitFiles('test', 't10k')};
const offline: MnistCatalogue = {...MNIST, mirrors: ['http://no.invalid/'], splits};

let root: string;
let folder: string;
let mirrors: Mirror[] = [];
const environment = {...process.env};

before(async () => {
  await ready();
  root = await mkdtemp(path.join(tmpdir(), 'mnist '));
});
beforeEach(async () => {
  folder = await mkdtemp(path.join(root, 'case-'));
  process.env['LATENT_DATA'] = path.join(folder, 'data');
  delete process.env['MNIST_DIR'];
});
afterEach(async () => {
  await Promise.all(mirrors.map(mirror => mirror.stop()));
  mirrors = [];
  for (const name of ['LATENT_DATA', 'MNIST_DIR']) {
    if (environment[name] === undefined) delete process.env[name];
    else process.env[name] = environment[name];
  }
});
after(() => rm(root, {recursive: true}));

/** The data set on a server, at two levels of compression. */
async function online(): Promise<MnistCatalogue> {
  const answers = Object.entries(files).map(([name, bytes]): [string, Answer] => [
    `/${name}.gz`,
    ranged(gzipSync(bytes, {level: 1})),
  ]);
  const mirror = await Mirror.start(Object.fromEntries(answers));
  mirrors.push(mirror);
  return {...offline, mirrors: ['http://no.invalid/', `${mirror.url}/`]};
}

async function place(where: string, change: Record<string, Buffer | undefined> = {}, zip = true) {
  await mkdir(where, {recursive: true});
  for (const [name, bytes] of Object.entries({...files, ...change})) {
    if (bytes === undefined) continue;
    await writeFile(path.join(where, zip ? `${name}.gz` : name), zip ? gzipSync(bytes) : bytes);
  }
}

const cache = () => path.join(folder, 'data', 'mnist');
const TRAIN = 'train-images-idx3-ubyte';

test('a split is read from a folder, plain or compressed', async () => {
  for (const zip of [true, false]) {
    const where = path.join(folder, String(zip));
    await place(where, {}, zip);
    const set = await loadMnist({split: 'test', folder: where, catalogue: offline});
    assert.equal(set.images.count, 4);
    assert.equal(set.images.width, 784);
    assert.deepEqual(Buffer.from(set.images.values), made['test']!.images.subarray(16));
    assert.deepEqual(Buffer.from(set.labels), made['test']!.labels.subarray(8));
  }
});

test('what is missing is downloaded once, and kept', async () => {
  const catalogue = await online();
  const names: string[] = [];
  const onProgress = ({name}: {name: string}) => void names.push(name);
  const first = await loadMnist({split: 'train', catalogue, onProgress});
  assert.deepEqual([...new Set(names)], [`${TRAIN}.gz`, 'train-labels-idx1-ubyte.gz']);
  assert.deepEqual((await readdir(cache())).sort(), [`${TRAIN}.gz`, 'train-labels-idx1-ubyte.gz']);
  const again = await loadMnist({split: 'train', catalogue: offline});
  assert.deepEqual(again, first);
});

test('a damaged file is replaced by a download, and stays until that has arrived', async () => {
  const damaged = Buffer.from(files[TRAIN]!);
  damaged[3000] = damaged[3000]! ^ 4;
  await place(cache(), {[TRAIN]: damaged});
  const file = path.join(cache(), `${TRAIN}.gz`);
  const before = await readFile(file);
  await assert.rejects(loadMnist({split: 'train', catalogue: offline}), (error: Error) => {
    assert.ok(error instanceof DownloadError);
    assert.match(error.message, /no mirror gave it/);
    assert.match(error.message, /What lies there cannot be used: .*have sha256 \w{64}, expected/);
    return true;
  });
  assert.deepEqual(await readFile(file), before);
  await loadMnist({split: 'train', catalogue: await online()});
  assert.notDeepEqual(await readFile(file), before);
});

test('each kind of bad file is refused with its name and the remedy', async () => {
  const good = files[TRAIN]!;
  const cases: readonly [Buffer | undefined, RegExp][] = [
    [undefined, /^MNIST: train-images-idx3-ubyte\.gz is not in data\/mnist\. Put train-images/],
    [good.subarray(0, 900), /is cut short by \d+ bytes, expected 4720/],
    [Buffer.concat([good, Buffer.from('x')]), /has 1 trailing bytes, expected 4720/],
    [files['t10k-images-idx3-ubyte'], /has shape \[4,28,28\], expected \[6,28,28\]/],
    [files['train-labels-idx1-ubyte'], /has 1 axes, expected 3/],
    [Buffer.from('<html>404</html>'), /starts with 3c 68 74 6d \("<html>/],
    [Buffer.from(good).fill(7, 100, 101), /the uncompressed bytes have sha256 \w{64}, expected/],
  ];
  for (const [bytes, message] of cases) {
    await rm(cache(), {recursive: true, force: true});
    await place(cache(), {[TRAIN]: bytes});
    const promise = loadMnist({split: 'train', catalogue: offline, download: false});
    await assert.rejects(promise, (error: Error) => {
      assert.ok(error instanceof (bytes === undefined ? MissingDataError : IdxError));
      assert.match(error.message, message);
      assert.match(error.message, /train-images-idx3-ubyte\.gz.*data\/README\.md/);
      return true;
    });
  }
});

test('MNIST_DIR comes first, and nothing is ever written there', async () => {
  const own = path.join(folder, 'own');
  process.env['MNIST_DIR'] = own;
  assert.deepEqual(mnistFolder(), {folder: own, fixed: true});
  const catalogue = await online();
  await place(cache());
  await assert.rejects(
    loadMnist({split: 'test', catalogue}),
    /is not in .*own\. .*unset MNIST_DIR/,
  );
  await assert.rejects(readdir(own), /ENOENT/);
  await place(own, {'t10k-labels-idx1-ubyte': Buffer.from('bad')});
  await assert.rejects(loadMnist({split: 'test', catalogue}), /has 3 bytes.*unset MNIST_DIR/);
  await assert.rejects(loadDigits({catalogue}), IdxError, 'no drawn digits behind the back');
  await place(own);
  const digits = await loadDigits({catalogue});
  assert.equal(digits.description, 'MNIST from MNIST_DIR, 6 to train on, 4 to test on.');
});

test('the digits are MNIST where it can be had, from the start of each split', async () => {
  const catalogue = await online();
  const digits = await loadDigits({catalogue, count: {train: 5}});
  assert.equal(digits.source, 'mnist');
  assert.equal(digits.description, 'MNIST from data/mnist, 5 to train on, 4 to test on.');
  assert.equal(digits.train.images.count, 5);
  assert.equal(digits.train.labels.length, 5);
  assert.equal(digits.factors, undefined);
  assert.deepEqual(
    Buffer.from(digits.train.images.values),
    made['train']!.images.subarray(16, 16 + 5 * 784),
  );
});

test('else they are drawn, both splits, and one line says why', async () => {
  await place(cache(), {'t10k-images-idx3-ubyte': undefined});
  const digits = await loadDigits({catalogue: offline});
  assert.equal(digits.source, 'drawn');
  assert.match(
    digits.description,
    /^Digits drawn by strokes, 6 to train on, 4 to test on, since no mirror gives t10k-images-idx3-ubyte\.gz \(no\.invalid: the name .*\); data\/README\.md says how to put it in place\.$/,
  );
  assert.equal(digits.train.images.count, 6);
  assert.equal(digits.test.images.count, 4);
  assert.equal(digits.factors?.train.slant.length, 6);
  assert.notDeepEqual(
    digits.train.images.slice(0, 4).values,
    digits.test.images.values,
    'the splits differ',
  );
  const again = await loadDigits({catalogue: offline, download: false});
  assert.deepEqual(again.train, digits.train);
  assert.match(
    again.description,
    /since MNIST: t10k-images-idx3-ubyte\.gz is not in data\/mnist\./,
  );
  await assert.rejects(loadDigits({catalogue: offline, source: 'mnist'}), DownloadError);
});

test('drawn digits can be asked for, with a seed of one’s own', async () => {
  const asked = {source: 'drawn', count: {train: 7, test: 3}} as const;
  const digits = await loadDigits(asked);
  assert.equal(
    digits.description,
    'Digits drawn by strokes, 7 to train on, 3 to test on, as asked.',
  );
  const own = await loadDigits({...asked, random: new Random(1)});
  assert.notDeepEqual(own.train.images.values, digits.train.images.values);
});

test('more digits than there are, or none, are refused', async () => {
  const options = {catalogue: offline, download: false};
  await assert.rejects(
    loadDigits({...options, count: {train: 7}}),
    /loadDigits: count\.train is 7, expected an integer from 1 to 6\./,
  );
  await assert.rejects(loadDigits({...options, count: {test: 0}}), /count\.test is 0/);
});

test('the data folder is the clone’s, from wherever a lesson runs, unless LATENT_DATA names one', () => {
  assert.equal(dataFolder(), path.join(folder, 'data'));
  delete process.env['LATENT_DATA'];
  const clone = projectAbove(__dirname);
  assert.ok(clone !== undefined);
  assert.equal(dataFolder(), path.join(clone, 'data'));
  assert.equal(shown(path.join(clone, 'data', 'mnist')), path.join('data', 'mnist'));
  assert.equal(shown(path.resolve('/elsewhere')), path.resolve('/elsewhere'));
  assert.equal(projectAbove(path.parse(clone).root), undefined);
});

test('a package.json that is broken or another’s does not stop the search', async () => {
  const deep = path.join(folder, 'project', 'a', 'b');
  await mkdir(deep, {recursive: true});
  await writeFile(path.join(folder, 'project', 'package.json'), '{"name": "latent-notebooks"}');
  await writeFile(path.join(folder, 'project', 'a', 'package.json'), '{"name": "other"}');
  await writeFile(path.join(deep, 'package.json'), '{broken');
  assert.equal(projectAbove(deep), path.join(folder, 'project'));
});

test('the real MNIST, where it is at hand, holds what is known of it; else digits are drawn', async () => {
  for (const [name, value] of Object.entries(environment)) process.env[name] = value;
  if (environment['LATENT_DATA'] === undefined) delete process.env['LATENT_DATA'];
  const {source, train, test} = await loadDigits({download: false});
  assert.equal(train.images.count, 60_000);
  assert.equal(test.images.count, 10_000);
  const counts = (labels: Uint8Array) =>
    Array.from({length: 10}, (_, digit) => labels.filter(label => label === digit).length);
  if (source === 'mnist') {
    assert.deepEqual([...train.labels.subarray(0, 8)], [5, 0, 4, 1, 9, 2, 1, 3]);
    assert.deepEqual(
      counts(train.labels),
      [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949],
    );
    assert.deepEqual(counts(test.labels), [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]);
  } else {
    for (const count of counts(test.labels)) assert.ok(Math.abs(count - 1000) < 150);
  }
  let sum = 0;
  for (const value of train.images.values) sum += value;
  const mean = sum / 255 / train.images.values.length;
  const wanted = source === 'mnist' ? 0.1307 : 0.116; // MNIST's mean as torchvision's examples give it
  assert.ok(Math.abs(mean - wanted) < (source === 'mnist' ? 5e-5 : 0.01), `mean pixel ${mean}`);
});
