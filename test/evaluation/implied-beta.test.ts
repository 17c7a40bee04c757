import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {ready, type tf} from 'latent-lib/tensor/tf';
import {Random} from 'latent-lib/tensor/random';
import {impliedBeta, type LossAccount} from 'latent-lib/evaluation/implied-beta';
import {DenseVae, guideLoss} from 'latent-lib/models/dense-vae';
import {klToStandardNormal, reparameterize} from 'latent-lib/probability/gaussian';
import {
  gaussianNegativeLogLikelihood,
  squaredError,
} from 'latent-lib/probability/gaussian-likelihood';
import {close} from '../helpers/close';

before(ready);

/** Pixels and latents where neither matters. */
const mnist = {pixels: 784, latents: 32};

const ROWS: readonly (readonly [string, LossAccount, number])[] = [
  [
    'keras-io vae.py, flax, haiku: both summed',
    {
      reconstruction: {error: 'cross-entropy', reduction: 'sum'},
      kl: {reduction: 'sum'},
      ...mnist,
    },
    1,
  ],
  [
    'pythae: half the squared error',
    {
      reconstruction: {error: 'squared', reduction: 'sum', weight: 0.5},
      kl: {reduction: 'sum'},
      ...mnist,
    },
    1,
  ],
  [
    'tfjs-examples: mean squared error × 784',
    {
      reconstruction: {error: 'squared', reduction: 'mean', weight: 784},
      kl: {reduction: 'sum'},
      pixels: 784,
      latents: 2,
    },
    0.5,
  ],
  [
    'handson-ml3: KL / 784',
    {
      reconstruction: {error: 'squared', reduction: 'mean'},
      kl: {reduction: 'sum', weight: 1 / 784},
      ...mnist,
    },
    0.5,
  ],
  [
    'fast.ai: means over 784 and 200',
    {
      reconstruction: {error: 'cross-entropy', reduction: 'mean'},
      kl: {reduction: 'mean'},
      pixels: 784,
      latents: 200,
    },
    3.92,
  ],
  [
    'the Keras guide: means over 784 and 32',
    {
      reconstruction: {error: 'squared', reduction: 'mean'},
      kl: {reduction: 'mean'},
      ...mnist,
    },
    12.25,
  ],
  [
    'PyTorch-VAE in training: weight 0.00025',
    {
      reconstruction: {error: 'squared', reduction: 'mean'},
      kl: {reduction: 'sum', weight: 0.00025},
      pixels: 12288,
      latents: 128,
    },
    1.536,
  ],
  [
    'PyTorch-VAE in validation: weight 1',
    {
      reconstruction: {error: 'squared', reduction: 'mean'},
      kl: {reduction: 'sum'},
      pixels: 12288,
      latents: 128,
    },
    6144,
  ],
];

for (const [name, account, beta] of ROWS) {
  test(`${name}: beta ${beta}`, () => {
    const implied = impliedBeta(account);
    close('beta', implied.beta, beta, {atol: 0, rtol: 1e-6});
    const variance = account.reconstruction.error === 'squared' ? implied.beta : undefined;
    assert.equal(implied.decoderVariance, variance);
  });
}

test('the guide’s loss is a negative ELBO of the implied variance, up to scale and a constant', () => {
  const [pixels, latents] = [6, 2];
  const random = new Random(3);
  const vae = new DenseVae({pixels, hidden: 5, latents}, random.stream('weights'));
  const implied = impliedBeta({
    reconstruction: {error: 'squared', reduction: 'mean'},
    kl: {reduction: 'mean'},
    pixels,
    latents,
  });
  const differences = ['a', 'b', 'c'].map(name => {
    const x = random.stream(name).uniforms<tf.Rank.R2>([4, pixels]);
    const epsilon = random.stream(`${name} noise`).normals<tf.Rank.R2>([4, latents]);
    const q = vae.encode(x);
    const xHat = vae.decode(reparameterize(q, epsilon)).sigmoid();
    const nll = gaussianNegativeLogLikelihood(x, xHat, implied.decoderVariance ?? NaN);
    const negativeElbo = nll.add(klToStandardNormal(q)).mean();
    const guide = guideLoss(vae, x, epsilon).loss.mul(latents);
    const unit = squaredError(x, xHat).div(2).add(klToStandardNormal(q).mul(implied.beta)).mean();
    close('as unit variance', unit.div(pixels / 2), guide.div(latents), {atol: 1e-5});
    return negativeElbo.sub(guide).dataSync()[0] ?? NaN;
  });
  const constant = (pixels / 2) * Math.log(2 * Math.PI * (implied.decoderVariance ?? NaN));
  close('differences', differences, [constant, constant, constant], {atol: 1e-5});
});

test('sizes and weights that make no sense are refused', () => {
  const account = ROWS[5]![1];
  assert.throws(() => impliedBeta({...account, pixels: 0}), /impliedBeta: pixels is 0/);
  assert.throws(() => impliedBeta({...account, latents: 1.5}), /latents is 1\.5/);
  const without = {...account.reconstruction, weight: 0};
  assert.throws(() => impliedBeta({...account, reconstruction: without}), RangeError);
  assert.throws(() => impliedBeta({...account, kl: {reduction: 'sum', weight: NaN}}), RangeError);
  assert.equal(impliedBeta({...account, kl: {reduction: 'sum', weight: 0}}).beta, 0);
});
