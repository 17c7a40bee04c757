// @ts-check
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {after, before, test} from 'node:test';
import {ready} from 'latent-lib/tensor/tf';
import {compare} from '../../misc/experiments/regulariser-comparison.mjs';
import {dataOf, SETTINGS, trained} from '../../misc/experiments/regulariser-run.mjs';

const temporary = fs.mkdtempSync(path.join(os.tmpdir(), 'regularisers-'));
const small = {
  ...SETTINGS,
  model: {width: 8, heads: 2, hidden: 12, blocks: [1, 1, 1], layers: 1},
  latents: 2,
  ...{examples: 48, heldOut: 12, batch: 8, steps: 4, samples: 4, pairs: 1, inner: 2},
  sweep: {scales: [2], seed: 0, share: 0.5, criterion: 'the least "unlike"'},
};

before(ready);
after(() => fs.rmSync(temporary, {recursive: true, force: true}));

test('the scale is chosen by digits that are neither trained on nor tested on', async () => {
  const {data, validation} = await dataOf(small);
  assert.equal(data.train.texts.length, 48);
  const others = new Set([...data.train.texts, ...data.test.texts]);
  assert.equal(validation.texts.length, 12);
  assert.ok(validation.texts.every(text => !others.has(text)));
});

test('a seed and its options decide on everything, and objectives begin alike', async () => {
  const {data} = await dataOf(small);
  const of = (seed = 1, scale = 5) => {
    const {model, log} = trained('MMD', data, {...small, steps: 2}, {seed, scale, compiled: false});
    model.dispose();
    return log;
  };
  const [mmd, heavier] = [of(), of(1, 500)];
  assert.deepEqual(of(), mmd);
  assert.notDeepEqual(of(2), mmd);
  assert.notDeepEqual(heavier, mmd);
  // the first step is of the same weights, batch and draws
  assert.equal(heavier[0]?.reconstruction, mmd[0]?.reconstruction);
  assert.deepEqual(
    mmd.map(({step}) => step),
    [1, 2],
  );
});

test('runs that stand are not repeated, those that are missing are made, other settings begin anew', async () => {
  const file = path.join(temporary, 'results.json');
  /** @type {string[]} */
  const lines = [];
  const go = async (/** @type {number} */ seeds, settings = small) => {
    lines.length = 0;
    await compare(settings, {
      ...{seeds, file, fresh: false, compiled: false},
      say: line => lines.push(line),
    });
    return JSON.parse(fs.readFileSync(file, 'utf8'));
  };
  const first = await go(1);
  assert.deepEqual([first.sweep.length, first.scale], [1, 2]);
  assert.deepEqual(
    first.runs.map((/** @type {{objective: string}} */ run) => run.objective),
    ['source', 'MMD', 'KL', 'InfoVAE'],
  );
  for (const {objective, results} of first.runs) {
    assert.ok(Math.abs(results.carried - (results.other - results.own)) < 1e-2);
    assert.equal('negativeElbo' in results, ['KL', 'InfoVAE'].includes(objective));
    for (const value of Object.values(results)) assert.ok(Number.isFinite(value));
  }
  const text = fs.readFileSync(file, 'utf8');
  await go(1);
  assert.equal(fs.readFileSync(file, 'utf8'), text);
  assert.equal(lines.filter(line => line.startsWith('seed')).length, 0);

  // as if it had been killed before its last run
  fs.writeFileSync(file, JSON.stringify({...first, runs: first.runs.slice(0, 3)}));
  const resumed = await go(1);
  assert.equal(lines.filter(line => line.startsWith('seed')).length, 1);
  const numbers = (/** @type {{runs: {results: object}[]}} */ {runs}) =>
    runs.map(({results}) => results);
  assert.deepEqual(numbers(resumed), numbers(first));

  const other = await go(0, {...small, steps: 3});
  assert.deepEqual([other.settings.steps, other.sweep.length, other.runs.length], [3, 1, 0]);
});
