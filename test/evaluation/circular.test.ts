import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {
  explainedVariance,
  onCircle,
  powers,
  resultantLength,
  wrapped,
} from 'latent-lib/evaluation/circular';
import {Random} from 'latent-lib/tensor/random';
import {ready, tf} from 'latent-lib/tensor/tf';
import {close} from '../helpers/close';
import {leavesNoTensor} from '../helpers/memory';

before(ready);

test('angles a whole turn apart are the same point', () => {
  const [cosines, sines] = onCircle([0.3, 0.3 + 2 * Math.PI, Math.PI / 2]);
  close('cosines', cosines!, [Math.cos(0.3), Math.cos(0.3), 0], {atol: 1e-12});
  close('sines', sines!, [Math.sin(0.3), Math.sin(0.3), 1], {atol: 1e-12});
});

test('a wrapped angle lies in (−π, π] and is the same point', () => {
  for (const angle of [-10, -Math.PI, -3, 0, 1, Math.PI, 4, 100]) {
    const twin = wrapped(angle);
    assert.ok(twin > -Math.PI && twin <= Math.PI, `${angle} gave ${twin}`);
    close(`${angle}`, [Math.cos(twin), Math.sin(twin)], [Math.cos(angle), Math.sin(angle)], {
      atol: 1e-12,
    });
  }
  assert.equal(wrapped(-Math.PI), Math.PI);
});

test('the resultant is 1 for one angle, 0 for opposite ones, exp(−σ²/2) for a normal spread', () => {
  close('one', resultantLength([2, 2, 2 + 2 * Math.PI]), 1, {atol: 1e-12});
  close('opposite', resultantLength([0.4, 0.4 + Math.PI]), 0, {atol: 1e-12});
  const random = new Random(4);
  const angles = Array.from({length: 40_000}, () => 3 + 1.5 * random.normal());
  close('normal', resultantLength(angles), Math.exp(-1.125), {atol: 0.015});
});

test('two latents have six products of degree 2, each once', () => {
  assert.deepEqual(powers([2, 3], 2), [1, 3, 9, 2, 6, 4]);
  assert.deepEqual(powers([2, 3], 0), [1]);
  assert.equal(powers([1, 1, 1], 5).length, 56);
});

test('a factor that is linear in the latents is explained, whatever its scale', () => {
  const z = new Random(1).normals<tf.Rank.R2>([400, 2]);
  const rows = z.arraySync();
  const factor = rows.map(([a, b]) => 1000 - 3 * a! + 0.5 * b!);
  close('linear', explainedVariance(z, [factor]), 1, {atol: 1e-9});
  close('scaled', explainedVariance(z, [factor.map(value => value / 1e6)]), 1, {atol: 1e-9});
});

test('a product of latents needs degree 2, and an angle the circle', () => {
  const z = new Random(2).normals<tf.Rank.R2>([2000, 2]);
  const rows = z.arraySync();
  const product = rows.map(([a, b]) => a! * b!);
  assert.ok(explainedVariance(z, [product], 1) < 0.02);
  close('product', explainedVariance(z, [product], 2), 1, {atol: 1e-9});
  const angles = rows.map(([a, b]) => Math.atan2(b!, a!));
  const [asNumber, asPoint] = [
    explainedVariance(z, [angles]),
    explainedVariance(z, onCircle(angles)),
  ];
  assert.ok(asPoint > asNumber + 0.1, `${asPoint} against ${asNumber}`);
});

test('noise explains nothing of noise: judged on other examples than it was fitted on', () => {
  const random = new Random(3);
  const z = random.stream('z').normals<tf.Rank.R2>([200, 2]);
  const target = Array.from({length: 200}, () => random.normal());
  assert.ok(explainedVariance(z, [target], 5) < 0.02);
});

test('targets of another length, and halves that are too small, are refused', () => {
  const z = tf.zeros<tf.Rank.R2>([20, 2]);
  assert.throws(() => explainedVariance(z, [[1, 2, 3]]), /of 3 numbers for 20 rows/);
  assert.throws(() => explainedVariance(z, []), /0 targets/);
  assert.throws(() => explainedVariance(z, [new Float64Array(20)], 5), /expected 84/);
});

test('explained variance leaves no tensor behind', () => {
  const z = new Random(2).normals<tf.Rank.R2>([100, 2]);
  leavesNoTensor(() => explainedVariance(z, [new Float64Array(100).map((_, n) => n)]));
});
