import assert from 'node:assert/strict';
import {mkdtemp, readFile, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {after, before, test} from 'node:test';
import {generate} from 'latent-lib/models/bart-generation';
import {BartConfigError} from 'latent-lib/models/bart-hub-config';
import {generationFromHub} from 'latent-lib/models/bart-hub-generation';
import {ready, tf} from 'latent-lib/tensor/tf';
import {pretrainedBart} from 'latent-lib/training/pretrained-bart';
import {FakeHub, REPOSITORY} from '../data/fake-hub';
import {close} from '../helpers/close';
import {loadGolden, type Golden} from '../helpers/parity';
import {example, folderOf} from '../models/bart-golden';

let root: string;
before(async () => {
  await ready();
  root = await mkdtemp(path.join(tmpdir(), 'pretrained-'));
});
after(() => rm(root, {recursive: true}));

const {tokenizer: tokens} = loadGolden('tokenizer') as Golden & {readonly tokenizer: unknown};
const settings = {num_beams: 3, max_length: 9, early_stopping: true, no_repeat_ngram_size: 2};

test('a model comes from the hub by its name, with its tokens and its way to generate', async () => {
  const read = (name: string) => readFile(path.join(folderOf('padded'), name));
  const hub = await FakeHub.start(
    {
      'config.json': await read('config.json'),
      'generation_config.json': Buffer.from(JSON.stringify(settings)),
      'tokenizer.json': Buffer.from(JSON.stringify(tokens)),
    },
    {'model.safetensors': await read('model.safetensors')},
  );
  try {
    const options = {endpoint: hub.url, folder: root};
    const {bart, tokenizer, generation, folder} = await pretrainedBart(REPOSITORY, options);
    const {bart: want, ids, targets} = example('padded');
    close('logits', bart.apply(ids, targets), want.apply(ids, targets), {atol: 0});
    assert.equal(tokenizer?.id('<mask>'), 420);
    assert.deepEqual(generation, {
      beams: 3,
      maxLength: 9,
      earlyStopping: true,
      noRepeatNgram: 2,
    });
    assert.equal(generate(bart, {ids}, generation).length, 3);
    const again = await pretrainedBart(folder);
    close('from the folder', again.bart.apply(ids, targets), bart.apply(ids, targets), {atol: 0});
  } finally {
    await hub.stop();
  }
});

test('a folder without tokens is a model all the same; one that cannot be used leaves no tensor', async () => {
  const {tokenizer, generation} = await pretrainedBart(folderOf('scaled'));
  assert.equal(tokenizer, undefined);
  assert.deepEqual(generation, {});
  const folder = await mkdtemp(path.join(root, 'case-'));
  for (const name of ['config.json', 'model.safetensors']) {
    await writeFile(path.join(folder, name), await readFile(path.join(folderOf('scaled'), name)));
  }
  await writeFile(path.join(folder, 'tokenizer.json'), '{}');
  const {numTensors} = tf.memory();
  await assert.rejects(
    pretrainedBart(folder),
    /no tokenizer: a model with a vocabulary is missing/,
  );
  assert.equal(tf.memory().numTensors, numTensors);
});

test('the options of older checkpoints stand in config.json; what cannot be done is refused', () => {
  // of facebook/bart-large-cnn's config.json
  const old = {
    early_stopping: true,
    forced_bos_token_id: 0,
    forced_eos_token_id: 2,
    length_penalty: 2.0,
    max_length: 142,
    min_length: 56,
    no_repeat_ngram_size: 3,
    num_beams: 4,
    vocab_size: 50264,
  };
  assert.deepEqual(generationFromHub(old), {
    beams: 4,
    maxLength: 142,
    minLength: 56,
    lengthPenalty: 2,
    earlyStopping: true,
    noRepeatNgram: 3,
    forcedBosId: 0,
    forcedEosId: 2,
  });
  assert.deepEqual(generationFromHub({num_beams: null, repetition_penalty: 1.0}), {});
  const cases: readonly [Record<string, unknown>, RegExp][] = [
    [{do_sample: true}, /do_sample is true, expected false: not supported/],
    [{bad_words_ids: [[3]]}, /bad_words_ids is \[\[3\]\], expected none: not supported/],
    [{num_beams: '4'}, /num_beams is "4", expected a number/],
    [{early_stopping: 'soon'}, /early_stopping is "soon", expected true, false or "never"/],
  ];
  for (const [json, reason] of cases) {
    assert.throws(() => generationFromHub(json), reason);
    assert.throws(() => generationFromHub(json), BartConfigError);
  }
});
