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
  sweep: {scales: [1, 2], seed: 0, share: 0.5, criterion: 'the least "unlike"'},
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
  const of = (/** @type {'MMD' | 'KL' | 'source'} */ name, seed = 1, scale = 5) => {
    const {model, log} = trained(name, data, {...small, steps: 2}, {seed, scale});
    model.dispose();
    return log;
  };
  assert.deepEqual(of('KL'), of('KL'));
  assert.notDeepEqual(of('MMD'), of('MMD', 2));
  assert.notDeepEqual(of('MMD'), of('MMD', 1, 500));
  const [first, other] = [of('MMD'), of('MMD', 1, 500)].map(log => log[0]?.reconstruction);
  assert.equal(first, other, 'the first step is of the same weights, batch and draws');
  assert.deepEqual(
    of('KL').map(({step}) => step),
    [1, 2],
  );
});

test('runs that stand are not repeated, seeds are added, other settings begin anew', async () => {
  const file = path.join(temporary, 'results.json');
  /** @type {string[]} */
  const lines = [];
  const go = async (/** @type {number} */ seeds, settings = small) => {
    lines.length = 0;
    await compare(settings, {seeds, file, fresh: false, say: line => lines.push(line)});
    return JSON.parse(fs.readFileSync(file, 'utf8'));
  };
  const first = await go(1);
  assert.equal(first.sweep.length, 2);
  assert.ok([1, 2].includes(first.scale));
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

  // as if it had been killed after two runs
  fs.writeFileSync(file, JSON.stringify({...first, runs: first.runs.slice(0, 2)}));
  const resumed = await go(1);
  assert.deepEqual(lines.filter(line => line.startsWith('seed')).length, 2);
  const numbers = (/** @type {{runs: {results: object}[]}} */ {runs}) =>
    runs.map(({results}) => results);
  assert.deepEqual(numbers(resumed), numbers(first));

  const other = await go(1, {...small, steps: 3});
  assert.equal(other.runs.length, 4);
  assert.equal(other.settings.steps, 3);
});
