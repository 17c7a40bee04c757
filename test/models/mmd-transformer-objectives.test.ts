import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {ready, tf} from 'latent-lib/tensor/tf';
import {Random} from 'latent-lib/tensor/random';
import {MmdTransformer} from 'latent-lib/models/mmd-transformer';
import {
  mmdTransformerLoss,
  seedLoss,
  type MmdObjective,
} from 'latent-lib/models/mmd-transformer-loss';
import {rivalOf, RIVALS, type RivalName} from 'latent-lib/models/mmd-transformer-objectives';
import {imqKernel} from 'latent-lib/probability/kernels';
import {close} from '../helpers/close';

before(ready);

const sizes = {vocabulary: 6, steps: 12, width: 8, heads: 2, hidden: 12, layers: 1};

function given(name: RivalName) {
  const random = new Random(3);
  const {code, loss} = rivalOf(name, 7);
  const latent = {latentTokens: 2, latents: 3, code};
  const model = new MmdTransformer(
    {...sizes, ...latent, blocks: [1, 1, 1]},
    random.stream('model'),
  );
  const ids = Array.from({length: 48}, () => 1 + random.integer(5));
  const draw = (what: string) => random.stream(what).normals<tf.Rank.R3>([4, 2, 3]);
  const inputs = {
    ids: tf.tensor2d(ids, [4, 12], 'int32'),
    prior: draw('prior'),
    weight: tf.scalar(0.5),
    ...(code === 'gaussian' ? {epsilon: draw('epsilon')} : {}),
  };
  return {model, inputs, code, terms: loss(model, inputs)};
}

test('the codes are the source’s tanh, a linear one, and two Gaussians', () => {
  assert.deepEqual(
    RIVALS.map(name => rivalOf(name, 1).code),
    ['tanh', 'linear', 'gaussian', 'gaussian'],
  );
});

test('the source is its own loss; the others compare whole codes by the multi-scale kernel', () => {
  const source = given('source');
  close('source', source.terms.loss, seedLoss(source.model, source.inputs).loss, {atol: 1e-6});
  const wanted: Record<string, MmdObjective> = {
    MMD: {regulariser: 'mmd', scale: 7},
    KL: {regulariser: 'kl'},
    InfoVAE: {regulariser: 'infoVae', alpha: 0.5, lambda: 7},
  };
  for (const [name, objective] of Object.entries(wanted)) {
    const {model, inputs, terms} = given(name as RivalName);
    const whole = {...objective, kernel: imqKernel, sampleOf: 'code'} as const;
    close(name, terms.loss, mmdTransformerLoss(model, inputs, whole).loss, {atol: 1e-5});
  }
});

test('all four log nats a sequence', () => {
  const {model, inputs, terms} = given('source');
  const same = mmdTransformerLoss(model, inputs, {regulariser: 'none'});
  close('nats', terms.reconstruction, same.reconstruction, {atol: 1e-4});
  for (const name of RIVALS) {
    assert.deepEqual(given(name).terms.reconstruction.shape, [4], name);
  }
});
