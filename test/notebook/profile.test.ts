import test, {afterEach, before} from 'node:test';
import assert from 'node:assert/strict';
import {ready, tf} from 'latent-lib/tensor/tf';
import {profile, profileName} from 'latent-lib/notebook/profile';

before(ready);

const given = process.env['LATENT_PROFILE'];
afterEach(() => {
  if (given === undefined) delete process.env['LATENT_PROFILE'];
  else process.env['LATENT_PROFILE'] = given;
});

test('the variable LATENT_PROFILE wins', () => {
  for (const name of ['quick', 'full'] as const) {
    process.env['LATENT_PROFILE'] = name;
    assert.equal(profileName(), name);
    assert.equal(
      profile({quick: {epochs: 1}, full: {epochs: 20}}).epochs,
      name === 'quick' ? 1 : 20,
    );
  }
});

test('without it, native TensorFlow runs the full profile and the others the quick one', () => {
  delete process.env['LATENT_PROFILE'];
  assert.equal(profileName(), tf.getBackend() === 'tensorflow' ? 'full' : 'quick');
});

test('another word is refused with the two that are known', () => {
  process.env['LATENT_PROFILE'] = 'fast';
  assert.throws(profileName, /LATENT_PROFILE is "fast", expected quick or full/);
});
