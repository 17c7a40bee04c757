import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {ready, tf} from 'latent-lib/tensor/tf';
import {Random} from 'latent-lib/tensor/random';
import {codeUse, encodeAll, negativeElbo, unlikeness} from 'latent-lib/evaluation/code-use';
import {MmdTransformer, type CodeKind} from 'latent-lib/models/mmd-transformer';
import {accuracy, mmdTransformerLoss, reconstruction} from 'latent-lib/models/mmd-transformer-loss';
import {close} from '../helpers/close';
import {leavesNoTensor} from '../helpers/memory';

before(ready);

const made = (code: CodeKind) =>
  new MmdTransformer(
    {
      ...{vocabulary: 7, steps: 12, width: 8, heads: 2, hidden: 12, blocks: [1, 1, 1]},
      ...{layers: 1, latentTokens: 2, latents: 3, code},
    },
    new Random(4),
  );

function sequences(count: number): tf.Tensor2D {
  const random = new Random(5).stream('ids');
  const ids = Array.from({length: count * 12}, () => 1 + random.integer(6));
  return tf.tensor2d(ids, [count, 12], 'int32');
}

const number = (value: tf.Tensor): number => value.dataSync()[0]!;

test('own and other are what the decoder pays, whatever the batch', () => {
  const [model, ids] = [made('linear'), sequences(5)];
  const {mean} = model.encode(ids);
  const want = {
    own: number(reconstruction(model, mean, ids).mean()),
    other: number(reconstruction(model, mean.reverse(0), ids).mean()),
    tokens: number(accuracy(model, mean, ids).token.mean()),
    sequences: 0,
  };
  for (const batch of [2, 5, 100]) {
    const got = codeUse(model, ids, batch);
    for (const name of ['own', 'other', 'tokens', 'sequences'] as const) {
      close(`${name}, batch ${batch}`, got[name], want[name], {atol: 1e-4});
    }
  }
  assert.ok(want.other !== want.own);
});

test('a decoder that does not hear its code pays the same with any', () => {
  const [model, ids] = [made('linear'), sequences(4)];
  for (const [name, variable] of Object.entries(model.weights)) {
    if (name.includes('crossAttention.output')) variable.assign(tf.zerosLike(variable));
  }
  const {own, other} = codeUse(model, ids);
  close('other', other, own, {atol: 1e-5});
});

test('the bound is reconstruction and KL of one draw, whatever the batch', () => {
  const [model, ids] = [made('gaussian'), sequences(5)];
  const epsilon = new Random(6).normals<tf.Rank.R3>([5, 2, 3]);
  const terms = mmdTransformerLoss(model, {ids, epsilon, prior: epsilon}, {regulariser: 'kl'});
  const got = negativeElbo(model, ids, new Random(6), 5);
  close('reconstruction', got.reconstruction, number(terms.reconstruction.mean()), {atol: 1e-4});
  close('kl', got.kl, number(terms.kl.mean()), {atol: 1e-4});
  close('bound', got.bound, number(terms.loss), {atol: 1e-4});
  // noise is drawn row by row, so that another batch sees the same
  close('in parts', negativeElbo(model, ids, new Random(6), 2).bound, got.bound, {atol: 1e-4});
  assert.throws(() => negativeElbo(made('tanh'), ids, new Random(6)), /no KL, and no bound/);
});

test('all codes are those of encode; drawn ones spread around the means', () => {
  const [model, ids] = [made('gaussian'), sequences(5)];
  const {mean} = model.encode(ids);
  close('means', encodeAll(model, ids, {batch: 2}), mean, {atol: 1e-5});
  const drawn = encodeAll(model, ids, {random: new Random(6), batch: 2});
  const epsilon = new Random(6).normals<tf.Rank.R3>([5, 2, 3]);
  close('drawn', drawn, model.sample(model.encode(ids), epsilon), {atol: 1e-5});
});

test('pictures of one kind are alike, of another unlike', () => {
  const random = new Random(7);
  const pictures = (mean: number, count = 60) =>
    Array.from({length: count}, () => Float32Array.from({length: 9}, () => mean + random.normal()));
  const [some, alike, others] = [pictures(0), pictures(0), pictures(2)];
  assert.ok(Math.abs(unlikeness(some, alike)) < 0.15);
  assert.ok(unlikeness(some, others) > 1);
  assert.throws(() => unlikeness(some, []), /samples of 60 and 0 pictures/);
  assert.throws(() => unlikeness(some, [new Float32Array(9), new Float32Array(4)]), /9 and of 4/);
});

test('one sequence has no other code, and nothing is left behind', async () => {
  const [model, ids] = [made('gaussian'), sequences(3)];
  assert.throws(() => codeUse(model, ids.slice([0, 0], [1, 12])), /1 sequence, expected two/);
  await leavesNoTensor(() => {
    codeUse(model, ids, 2);
    negativeElbo(model, ids, new Random(6), 2);
    unlikeness([new Float32Array(4), new Float32Array(4)], [[0, 1, 0, 1], new Float32Array(4)]);
    return encodeAll(model, ids, {batch: 2});
  });
});
