import test from 'node:test';
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {EventFile} from 'latent-lib/notebook/event-file';
import {TensorBoard} from 'latent-lib/notebook/tensorboard';
import {ROOT} from '../helpers/parity';

/** TensorFlow's own reader of event files, from the virtual environment that the set-up makes. */
const PYTHON = path.join(
  ROOT,
  '.venv',
  process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python',
);
const READ = `
import json, sys
import tensorflow as tf
events = []
for event in tf.compat.v1.train.summary_iterator(sys.argv[1]):
    for value in event.summary.value:
        kind = value.WhichOneof('value')
        content = {'step': event.step, 'tag': value.tag, 'kind': kind}
        if kind == 'simple_value':
            content['value'] = value.simple_value
        elif kind == 'histo':
            histo = value.histo
            content['value'] = [histo.min, histo.max, histo.num, histo.sum, sum(histo.bucket)]
            content['buckets'] = len(histo.bucket_limit)
        elif kind == 'image':
            pixels = tf.io.decode_png(value.image.encoded_image_string).numpy()
            content['value'] = [value.image.height, value.image.width, pixels.tolist()]
        elif kind == 'tensor':
            texts = tf.make_ndarray(value.tensor)
            plugin = value.metadata.plugin_data.plugin_name
            content['value'] = [texts.shape, texts.item().decode(), plugin]
        events.append(content)
print(json.dumps(events))
`;

interface Event {
  readonly step: number;
  readonly tag: string;
  readonly kind: string;
  readonly value: unknown;
  readonly buckets?: number;
}

function inFolder(run: (folder: string) => unknown): Promise<void> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tensorboard-'));
  return Promise.resolve(run(folder)).then(
    () => fs.rmSync(folder, {recursive: true}),
    (error: unknown) => {
      fs.rmSync(folder, {recursive: true});
      throw error;
    },
  );
}

/** The file of a run, as hexadecimal text behind its first record. */
const onlyFile = (folder: string) => path.join(folder, fs.readdirSync(folder)[0]!);

const canRead = (() => {
  try {
    execFileSync(PYTHON, ['-c', 'import tensorflow'], {stdio: 'ignore'});
    return true;
  } catch {
    return false;
  }
})();

test(
  'TensorFlow reads scalars, histograms, images and texts back, checksums and all',
  {skip: canRead ? false : 'no TensorFlow in .venv (npm run setup)'},
  () =>
    inFolder(async folder => {
      const board = new TensorBoard(folder);
      const logs = [
        {step: 0, epoch: 0, kl: 1.5, loss: 90.25},
        {step: 300, epoch: 1, kl: 2.5, loss: 80},
      ];
      const passed = [];
      for await (const log of board.record(logs)) passed.push(log);
      assert.deepEqual(passed, logs);
      board.histogram('kernel', 300, [0, 1, 1, 3]);
      board.images('samples', 300, [
        [0, 1, 0.5, 2],
        [1, 1, 0, 0],
      ]);
      board.text('lines', 300, '| a |\n|---|\n| é |');
      board.close();
      const printed = execFileSync(PYTHON, ['-c', READ, onlyFile(folder)], {
        encoding: 'utf8',
        env: {...process.env, TF_CPP_MIN_LOG_LEVEL: '3'},
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      const events = JSON.parse(printed) as Event[];
      const scalars = events.filter(({kind}) => kind === 'simple_value');
      assert.deepEqual(
        scalars.map(({step, tag, value}) => [step, tag, value]),
        [
          [0, 'kl', 1.5],
          [0, 'loss', 90.25],
          [300, 'kl', 2.5],
          [300, 'loss', 80],
        ],
      );
      const [histogram, image, text] = events.slice(4);
      assert.deepEqual(text?.value, [[], '| a |\n|---|\n| é |', 'text']);
      assert.deepEqual(histogram?.value, [0, 3, 4, 5, 4]);
      assert.equal(histogram.buckets, 40);
      assert.deepEqual(image?.value, [
        2,
        4,
        [
          [[0], [255], [255], [255]],
          [[128], [255], [0], [0]],
        ],
      ]);
    }),
);

test('a record is length, checksum, event, checksum, as a reader of TFRecord wants it', () =>
  inFolder(folder => {
    const file = new EventFile(folder);
    file.write('kl', 300, {kind: 'scalar', value: 1});
    file.close();
    const content = fs.readFileSync(onlyFile(folder));
    const lengths: number[] = [];
    for (let at = 0; at < content.length;) {
      const length = Number(content.readBigUInt64LE(at));
      lengths.push(length);
      at += 16 + length;
    }
    assert.deepEqual(lengths, [9 + 2 + 13, 9 + 3 + 2 + 2 + 4 + 5]);
    const event = content.subarray(content.length - 4 - lengths[1]!, content.length - 4);
    assert.equal(event.subarray(9).toString('hex'), '10ac022a0b0a090a026b6c150000803f');
  }));

test('a histogram without finite values is refused', () =>
  inFolder(folder => {
    const board = new TensorBoard(folder);
    assert.throws(() => board.histogram('w', 0, [NaN]), /without finite values/);
    board.close();
  }));

test('two runs in one folder do not write into one file', () =>
  inFolder(folder => {
    const boards = [new TensorBoard(folder), new TensorBoard(folder)];
    for (const board of boards) board.close();
    assert.equal(fs.readdirSync(folder).length, 2);
  }));
