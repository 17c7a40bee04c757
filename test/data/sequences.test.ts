import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {loadDigits} from 'latent-lib/data/digits';
import {
  headlineSequences,
  mnistSequences,
  pythonSequences,
  textSequences,
  type SequenceData,
} from 'latent-lib/data/sequences';
import {SequenceCodec} from 'latent-lib/data/sequence-codec';
import {Random} from 'latent-lib/tensor/random';
import {ready} from 'latent-lib/tensor/tf';

before(ready);

const letters = {
  split: (text: string) => Array.from(text),
  join: (tokens: readonly string[]) => tokens.join(''),
};

/** What holds for each kind of data. */
async function holds({codec, train, test, valid}: SequenceData): Promise<void> {
  for (const {texts, ids, labels} of [train, test]) {
    assert.equal(ids.count, texts.length);
    assert.equal(ids.width, codec.length);
    if (labels !== undefined) assert.equal(labels.length, texts.length);
    texts.slice(0, 50).forEach((text, row) => {
      assert.equal(codec.decode(ids.floats([row])), text);
    });
    const answers = await valid?.(texts.slice(0, 50));
    assert.ok(answers?.every(answer => answer) ?? true, 'the data are valid');
  }
  const seen = new Set(train.texts);
  assert.ok(!test.texts.some(text => seen.has(text)), 'no held-out text was trained on');
}

test('a short text ends, a full one does not need to, and a longer one is refused', () => {
  const codec = new SequenceCodec(['a', 'b'], 3, letters);
  assert.deepEqual(Array.from(codec.encode('a')), [4, 2, 0]);
  assert.deepEqual(Array.from(codec.encode('abx')), [4, 5, 3]);
  assert.equal(codec.decode([5, 4, 2, 5]), 'ba');
  assert.throws(() => codec.encode('abab'), /4 tokens for a length of 3/);
  assert.throws(() => codec.decode([9]), /no id 9/);
  assert.throws(() => new SequenceCodec(['a', 'a'], 3, letters), /twice/);
});

test('digits, drawn ones too, are written both ways, with one label each', async () => {
  const count = {train: 30, test: 10};
  const digits = await loadDigits({source: 'drawn', count, random: new Random(3)});
  for (const side of [28, 14, 9] as const) {
    const data = mnistSequences(digits, {side});
    await holds(data);
    assert.equal(data.train.texts.length, 60);
    const [down, up] = data.train.texts.slice(0, 2).map(text => data.picture?.(text));
    assert.deepEqual(down, up, 'both ways show the same digit');
    assert.equal(data.train.labels?.[1], digits.train.labels[0]);
  }
});

test('lines of Python and sentences keep the interface', async () => {
  await holds(await pythonSequences({length: 30, train: 200, test: 50}));
  const data = headlineSequences({length: 16, train: 200, test: 50});
  await holds(data);
  assert.deepEqual(await data.valid?.(['the the the']), [false]);
  await holds(headlineSequences({length: 8, train: 400, test: 100}));
  assert.throws(() => headlineSequences({length: 2, train: 20, test: 20}), /2 words or less/);
});

test('texts of the user’s: too long ones are left out, few ones are shared out', async () => {
  const texts = ['one two', 'two three', 'three four five six', 'four one'];
  const data = textSequences(texts, {length: 3, train: 200, test: 100});
  await holds(data);
  assert.equal(data.train.texts.length + data.test.texts.length, 3);
  assert.throws(() => textSequences(texts, {length: 1, train: 2, test: 2}), /expected two/);
});
