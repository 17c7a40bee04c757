import test from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import pl from 'nodejs-polars';
import {comparison} from 'latent-lib/notebook/comparison';
import {historyFrame, readFrame, writeFrame} from 'latent-lib/notebook/history';
import {bundleOf} from 'latent-lib/notebook/show';

const logs = [
  {step: 0, kl: 1.5},
  {step: 1, kl: 2.5, validationKl: 3.25},
];

test('a history has a column a number, and null where a log had none', () => {
  const frame = historyFrame(logs);
  assert.deepEqual(frame.columns, ['step', 'kl', 'validationKl']);
  assert.deepEqual(frame.getColumn('validationKl').toArray(), [null, 3.25]);
  assert.deepEqual(frame.getColumn('step').toArray(), [0, 1]);
});

test('a history is filtered and joined like any frame', () => {
  const frame = historyFrame(logs);
  assert.equal(frame.filter(pl.col('kl').gt(2)).height, 1);
  const other = historyFrame([{step: 1, loss: 9}]);
  const joined = frame.join(other, {on: 'step', how: 'inner'});
  assert.deepEqual(joined.toRecords(), [{step: 1, kl: 2.5, validationKl: 3.25, loss: 9}]);
});

test('CSV and parquet give the same table back, and no draft is left', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'history-'));
  try {
    for (const name of ['history.csv', 'deep/history.parquet']) {
      const file = path.join(folder, name);
      writeFrame(historyFrame(logs), file);
      assert.deepEqual(readFrame(file).toRecords(), historyFrame(logs).toRecords(), name);
    }
    assert.deepEqual(fs.readdirSync(folder).sort(), ['deep', 'history.csv']);
    assert.throws(() => writeFrame(historyFrame(logs), 'history.xlsx'), /not as "history\.xlsx"/);
  } finally {
    fs.rmSync(folder, {recursive: true});
  }
});

test('a comparison says the difference and whether it is within tolerance', () => {
  const frame = comparison([
    {quantity: '−ELBO', obtained: 104.2, reference: 103.9, tolerance: 1, unit: 'nats'},
    {quantity: 'parameters', obtained: 90, reference: 100},
  ]);
  assert.deepEqual(frame.getColumn('agrees').toArray(), [true, false]);
  assert.deepEqual(frame.getColumn('tolerance').toArray(), [1, 1]);
  assert.ok(!frame.columns.includes('source'));
  const text = bundleOf(frame)['text/plain'];
  assert.match(text, /−ELBO +104\.2 +103\.9 +0\.30+ +1 +yes +nats/);
  assert.match(text, /parameters +90\.0 .* no +–/);
});
