// @ts-check
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {
  experimentOf,
  listing,
  SETTINGS,
  UnknownExperiment,
} from '../../misc/experiments/catalogue.mjs';

test('the commands of the seed’s README make configurations', () => {
  const commands = [
    'mnist_base tenth_5_tkn grad_check_pnt batch_small window200 funnel_small',
    'mnist_small tenth_5_tkn batch_small eval',
    'syntax tenth_5_tkn batch_large 30Seq eval',
    'semantics tenth_5_tkn batch_large 30Seq eval',
  ].map(names => experimentOf(names.split(' ')));
  assert.deepEqual(
    commands.map(({data, length, batch, isEvaluated}) => [data, length, batch, isEvaluated]),
    [
      ['mnist', 840, 10, false],
      ['mnist', 224, 10, true],
      ['python', 30, 70, true],
      ['headlines', 30, 70, true],
    ],
  );
  const [base] = commands;
  assert.deepEqual(base?.funnel, [2, 2, 2]);
  assert.equal(base.window, 200);
  assert.ok(base.isCheckpointed);
});

test('the latent sizes are the seed’s at its width of 768', () => {
  const sizes = ['16th', 'tenth', 'eigth', 'qrtr', 'half', 'full'].map(share => {
    const {latentShare, latentTokens} = experimentOf(['mnist_tiny', `${share}_5_tkn`]);
    assert.equal(latentTokens, 5);
    return Math.round(latentShare * 768);
  });
  assert.deepEqual(sizes, [48, 77, 96, 192, 384, 768]);
});

test('the latent decoders are the seed’s three', () => {
  const norms = [[], ['t5_norm'], ['no_norm']].map(
    names => experimentOf(['mnist_tiny', ...names]).latentNorm,
  );
  assert.deepEqual(norms, ['layer', 't5', 'none']);
  assert.throws(() => experimentOf(['mnist_tiny', 't5_norm', 'no_norm']), /set the latent decoder/);
});

test('the order of names does not matter', () => {
  const names = ['syntax', '30Seq', 'batch_large', 'kl'];
  assert.deepEqual(experimentOf(names), experimentOf([...names].reverse()));
});

test('an unknown name is refused with the list of known ones', () => {
  assert.throws(
    () => experimentOf(['mnist_tiny', 'batch_huge']),
    (/** @type {unknown} */ error) => {
      assert.ok(error instanceof UnknownExperiment);
      assert.match(error.message, /no experiment "batch_huge"/);
      for (const name of Object.keys(SETTINGS)) assert.ok(error.message.includes(name), name);
      return true;
    },
  );
});

test('names at odds are refused', () => {
  assert.throws(() => experimentOf(['eval']), /which data/);
  assert.throws(() => experimentOf(['mnist_tiny', 'mnist_base']), /Both "mnist_tiny" and/);
  assert.throws(() => experimentOf(['mnist_tiny', '30Seq']), /does not fit digits/);
});

test('the list names every setting once', () => {
  const lines = listing()
    .split('\n')
    .map(line => line.trim().split(/\s+/)[0]);
  for (const name of Object.keys(SETTINGS)) {
    assert.equal(lines.filter(first => first === name).length, 1, name);
  }
});
