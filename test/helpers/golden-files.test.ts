import assert from 'node:assert/strict';
import {createHash} from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import {test} from 'node:test';
import {loadGolden, ROOT} from './parity';

const reference = path.join(ROOT, 'misc', 'reference');
const requirements = fs.readFileSync(path.join(reference, 'requirements.txt'), 'utf8');
const pinned = new Map(
  requirements
    .split('\n')
    .filter(line => line.includes('=='))
    .map(line => line.trim().split('==') as [string, string]),
);
const names = fs
  .readdirSync(path.join(ROOT, 'test', 'golden'))
  .filter(file => file.endsWith('.json'))
  .map(file => path.basename(file, '.json'));

for (const name of names) {
  const {provenance, weights, inputs} = loadGolden(name);

  test(`golden ${name} is what its script writes today, with pinned versions`, () => {
    const script = fs.readFileSync(path.join(ROOT, provenance.script));
    const sha256 = createHash('sha256').update(script).digest('hex');
    const remedy = `${provenance.script} has changed since: run it again.`;
    assert.equal(provenance.scriptSha256, sha256, remedy);
    assert.ok(Number.isInteger(provenance.seed));
    const {python, ...packages} = provenance.versions;
    assert.match(python ?? '', /^3\.\d+\.\d+$/);
    assert.ok(Object.keys(packages).length > 0);
    for (const [library, version] of Object.entries(packages)) {
      assert.equal(version, pinned.get(library), `${library} in misc/reference/requirements.txt`);
    }
  });

  test(`golden ${name} holds finite numbers, and weights that hide no mistake`, () => {
    for (const [key, {shape, values}] of Object.entries({...inputs, ...weights})) {
      const size = shape.reduce((product, length) => product * length, 1);
      assert.equal(values.length, size, key);
      assert.ok(values.every(Number.isFinite), key);
    }
    for (const [key, {values}] of Object.entries(weights)) {
      assert.ok(
        values.every(value => value !== 0),
        `${key} has a zero`,
      );
    }
  });
}

test('every script here writes at least one golden file', () => {
  const scripts = fs.readdirSync(reference).filter(file => /^golden-.*\.py$/.test(file));
  const used = new Set(names.map(name => path.basename(loadGolden(name).provenance.script)));
  assert.deepEqual(
    scripts.filter(script => !used.has(script)),
    [],
  );
});
