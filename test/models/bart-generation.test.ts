import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {generate, type GenerationOptions} from 'latent-lib/models/bart-generation';
import {Random} from 'latent-lib/tensor/random';
import {ready, tf} from 'latent-lib/tensor/tf';
import {close} from '../helpers/close';
import {leavesNoTensor} from '../helpers/memory';
import {parity} from '../helpers/parity';
import {example, golden, NAMES, type Generation} from './bart-golden';

before(ready);

/** The options of transformers in our words. */
function ours(options: Generation['options']): GenerationOptions {
  const number = (name: string) => options[name] as number | undefined;
  return {
    beams: number('num_beams'),
    maxLength: number('max_length'),
    minLength: number('min_length'),
    lengthPenalty: number('length_penalty'),
    earlyStopping: options['early_stopping'] as boolean | 'never' | undefined,
    noRepeatNgram: number('no_repeat_ngram_size'),
    forcedBosId: number('forced_bos_token_id'),
    forcedEosId: number('forced_eos_token_id'),
  };
}

for (const name of NAMES) {
  parity(`texts of BART ${name}`, golden, () => {
    const {bart, ids} = example(name);
    const searches = golden.generations.filter(({model}) => model === name);
    assert.equal(searches.length, 10);
    for (const {options, ids: want, scores} of searches) {
      const title = JSON.stringify(options);
      const got = generate(bart, {ids}, ours(options));
      assert.deepEqual(
        got.map(text => text.ids),
        want,
        title,
      );
      const found = got.map(({score}) => score);
      if (scores !== null) close(title, found, [...scores], {atol: 1e-4, rtol: 1e-4});
    }
  });
}

test('the searches are of all kinds: some texts end by themselves, others are cut off', () => {
  const texts = golden.generations.flatMap(({ids, options}) =>
    ids.map(text => ({text, isCut: text.length === options['max_length']})),
  );
  const cut = texts.filter(({isCut}) => isCut).length;
  assert.ok(cut >= 10 && texts.length - cut >= 10, `${cut} of ${texts.length} are cut off`);
  assert.ok(new Set(texts.map(({text}) => text.join())).size >= 40);
});

test('the score is that of the model’s own logits', () => {
  const {bart, ids} = example('padded');
  for (const beams of [1, 3]) {
    const [text] = generate(bart, {ids}, {beams, maxLength: 9, lengthPenalty: 1});
    const whole = tf.tensor2d([[...text!.ids]], undefined, 'int32');
    const first = ids.slice([0, 0], [1, -1]);
    const logs = tf.logSoftmax(bart.apply(first, whole)).arraySync();
    const said = text!.ids.slice(1).map((id, step) => logs[0]![step]![id]!);
    const mean = said.reduce((sum, log) => sum + log, 0) / said.length;
    close(`${beams} beams`, [text!.score], [mean], {atol: 1e-4});
  }
});

test('a memory of any origin is decoded, its hidden rows unseen', () => {
  const {bart, ids} = example('padded');
  const memory = bart.encode(ids);
  const memoryMask = bart.paddingMask(ids);
  const want = generate(bart, {ids}, {beams: 2});
  assert.deepEqual(generate(bart, {memory, memoryMask}, {beams: 2}), want);
  const latents = new Random(2).normals<tf.Rank.R3>([2, 1, 12]);
  assert.equal(generate(bart, {memory: latents}, {maxLength: 5}).length, 2);
});

test('a second text leaves no tensor behind', async () => {
  const {bart, ids} = example('scaled');
  await leavesNoTensor(() => void generate(bart, {ids}, {beams: 3, noRepeatNgram: 2}));
  await leavesNoTensor(() => void generate(bart, {ids}, {minLength: 4}));
});

test('options that cannot be are refused by name', () => {
  const {bart, ids} = example('padded');
  assert.throws(
    () => generate(bart, {ids}, {beams: 0}),
    /generate: beams is 0, expected an integer/,
  );
  assert.throws(() => generate(bart, {ids}, {maxLength: 21}), /maxLength is 21, expected 2 to 20/);
  assert.throws(() => generate(bart, {memory: tf.zeros([1, 2, 3])}), /memory has shape \[1,2,3\]/);
});
