import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {after, before, beforeEach, test} from 'node:test';
import {Bart} from 'latent-lib/models/bart';
import {BartConfigError, bartConfigFromHub} from 'latent-lib/models/bart-hub-config';
import {Random} from 'latent-lib/tensor/random';
import {ShapeError} from 'latent-lib/tensor/shapes';
import {ready, tf} from 'latent-lib/tensor/tf';
import {BartFilesError, loadBart, saveBart} from 'latent-lib/training/bart-files';
import {
  readSafetensors,
  SafetensorsError,
  writeSafetensors,
  type NamedArray,
} from 'latent-lib/training/safetensors';
import {close} from '../helpers/close';
import {leavesNoTensor} from '../helpers/memory';
import {example, folderOf, NAMES} from '../models/bart-golden';

let root: string;
let folder: string;
before(async () => {
  await ready();
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'bart-'));
});
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(root, 'case-'));
});
after(() => fs.rmSync(root, {recursive: true}));

const CONFIG = JSON.parse(
  fs.readFileSync(path.join(folderOf('padded'), 'config.json'), 'utf8'),
) as Record<string, unknown>;

/** A copy of a checkpoint with other settings and tensors. */
function copy(
  settings: Record<string, unknown>,
  change: (tensors: Record<string, NamedArray>) => void = () => undefined,
): string {
  fs.writeFileSync(path.join(folder, 'config.json'), JSON.stringify({...CONFIG, ...settings}));
  const {tensors} = readSafetensors(path.join(folderOf('padded'), 'model.safetensors'));
  const changed = {...tensors};
  change(changed);
  writeSafetensors(path.join(folder, 'model.safetensors'), {tensors: changed, metadata: {}});
  return folder;
}

for (const name of NAMES) {
  test(`weights come and go unchanged: ${name}`, () => {
    saveBart(folder, loadBart(folderOf(name)));
    const file = (where: string) => readSafetensors(path.join(where, 'model.safetensors'));
    assert.deepEqual(
      file(folder),
      file(folderOf(name)),
      'what transformers wrote is what we write',
    );
    const json = (where: string) =>
      JSON.parse(fs.readFileSync(path.join(where, 'config.json'), 'utf8')) as unknown;
    assert.deepEqual(bartConfigFromHub(json(folder)), bartConfigFromHub(json(folderOf(name))));
  });
}

test('a model made here is written so that every setting comes back', () => {
  const bart = new Bart(
    {
      vocabulary: 9,
      width: 6,
      positions: 5,
      encoder: {layers: 1, heads: 3, hidden: 7},
      decoder: {layers: 2, heads: 1, hidden: 8},
      activation: 'geluTanh',
      scaleEmbedding: true,
      dropout: 0.25,
      padId: 0,
      bosId: 1,
      eosId: 3,
      startId: 1,
    },
    new Random(2),
  );
  bart.logitsBias.assign(tf.linspace(0, 1, 9));
  saveBart(folder, bart);
  const again = loadBart(folder);
  assert.deepEqual(again.config, bart.config);
  const [ids, targets] = [tf.tensor2d([[1, 5, 3]], [1, 3], 'int32'), tf.tensor2d([[1, 4]], [1, 2], 'int32')]; // prettier-ignore
  close('logits', again.apply(ids, targets), bart.apply(ids, targets), {atol: 0});
});

test('a checkpoint of the bare model, with the table under another name, loads', () => {
  const {bart, ids, targets} = example('padded');
  const want = bart.apply(ids, targets).sub(bart.logitsBias);
  copy({architectures: ['BartModel']}, tensors => {
    for (const [name, array] of Object.entries(tensors)) {
      delete tensors[name];
      if (name !== 'final_logits_bias') tensors[name.replace('model.', '')] = array;
    }
    tensors['decoder.embed_tokens.weight'] = tensors['shared.weight']!;
    tensors['encoder.embed_tokens.weight'] = tensors['shared.weight']!;
    delete tensors['shared.weight'];
  });
  close('logits', loadBart(folder).apply(ids, targets), want, {atol: 1e-5});
});

test('every missing, unexpected and misshapen tensor is named', () => {
  const head = path.join(folder, 'model.safetensors');
  copy({}, tensors => {
    delete tensors['model.encoder.layers.1.fc1.weight'];
    tensors['model.extra'] = {dtype: 'F32', shape: [1], data: Float32Array.of(1)};
    tensors['classification_head.dense.bias'] = tensors['model.extra'];
  });
  assert.throws(
    () => loadBart(folder),
    new BartFilesError(
      `${head}: holds another model. Missing: model.encoder.layers.1.fc1.weight. Unexpected: model.extra.`,
    ),
  );
  copy({vocab_size: 24, encoder_ffn_dim: 21});
  assert.throws(
    () => loadBart(folder),
    (error: unknown) => {
      assert.ok(error instanceof ShapeError);
      assert.match(error.message, /shared\.weight has shape \[23,12\], expected \[24,12\]\./);
      assert.match(
        error.message,
        /layers\.0\.fc1\.weight has shape \[20,12\], expected \[21,12\]\./,
      );
      assert.match(error.message, /final_logits_bias has shape \[1,23\]/);
      return true;
    },
  );
  copy({encoder_layers: 4});
  assert.throws(() => loadBart(folder), /Missing: .*, and 24 more\./);
  copy({decoder_layers: 1});
  assert.throws(() => loadBart(folder), /Unexpected: model\.decoder\.layers\.1/);
  copy({}, tensors => {
    const {shape, data} = tensors['model.encoder.layers.0.fc1.bias']!;
    const wide = Float64Array.from(data as Float32Array);
    tensors['model.encoder.layers.0.fc1.bias'] = {dtype: 'F64', shape, data: wide};
  });
  assert.throws(() => loadBart(folder), /fc1\.bias" is of type F64, expected F32, F16 or BF16/);
});

test('what the configuration asks for and BART has not is refused by name', () => {
  const cases: readonly [Record<string, unknown>, RegExp][] = [
    [{model_type: 'mbart'}, /model_type is "mbart", expected "bart": not supported/],
    [{normalize_before: true}, /normalize_before is true, expected false: not supported/],
    [{tie_word_embeddings: false}, /tie_word_embeddings is false, expected true/],
    [{activation_function: 'swish'}, /activation_function is "swish", expected one of gelu, relu/],
    [{d_model: undefined}, /d_model is missing, expected a number/],
    [{vocab_size: '23'}, /vocab_size is "23", expected a number/],
    [{eos_token_id: [2, 3]}, /eos_token_id is \[2,3\], expected a number/],
    [{decoder_attention_heads: 5}, /decoder\.heads is 5, expected a divisor of the width 12/],
    [{quantization_config: {bits: 8}}, /quantization_config is \{"bits":8\}, expected missing/],
  ];
  for (const [change, reason] of cases) {
    const refused = (error: unknown) => {
      assert.ok(error instanceof BartConfigError);
      assert.match(error.message, reason);
      assert.ok(error.message.startsWith(path.join(folder, 'config.json')));
      return true;
    };
    assert.throws(() => loadBart(copy(change)), refused);
  }
  assert.throws(() => bartConfigFromHub([]), /model_type is missing, expected "bart"/);
  assert.throws(() => bartConfigFromHub('x'), /is no JSON object/);
});

test('a folder without the files, or with damaged ones, is refused with a remedy', () => {
  assert.throws(() => loadBart(folder), /config\.json: is not there\. .*save_pretrained/);
  fs.copyFileSync(path.join(folderOf('padded'), 'config.json'), path.join(folder, 'config.json'));
  assert.throws(() => loadBart(folder), /model\.safetensors: is not there\. .*pytorch_model\.bin/);
  const file = path.join(folder, 'model.safetensors');
  const bytes = fs.readFileSync(path.join(folderOf('padded'), 'model.safetensors'));
  fs.writeFileSync(file, bytes.subarray(0, 20_000));
  assert.throws(() => loadBart(folder), /20000 bytes long, expected \d+: cut short or damaged/);
  assert.throws(() => loadBart(folder), SafetensorsError);
  fs.writeFileSync(path.join(folder, 'config.json'), '{"model_type": "ba');
  assert.throws(() => loadBart(folder), /config\.json: is no JSON: damaged, or cut short/);
});

test('loading leaves the weights behind and no more; failing leaves nothing', async () => {
  await leavesNoTensor(() => loadBart(folderOf('deep')).dispose());
  copy({encoder_layers: 4});
  await leavesNoTensor(() => assert.throws(() => loadBart(folder)));
});
