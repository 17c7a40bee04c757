import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {grammarWords} from 'latent-lib/data/grammar';
import {sentences} from 'latent-lib/data/sentences';
import {
  EOS,
  MASK,
  PAD,
  SOS,
  splitWords,
  tokenTensor,
  UNK,
  Vocabulary,
} from 'latent-lib/data/vocabulary';
import {ready} from 'latent-lib/tensor/tf';
import {leavesNoTensor} from '../helpers/memory';

before(ready);

test('special tokens have their ids, and MASK only where asked for', () => {
  const [plain, masked] = [new Vocabulary(['cat']), new Vocabulary(['cat'], {mask: true})];
  assert.deepEqual(plain.words, ['[PAD]', '[SOS]', '[EOS]', '[UNK]', 'cat']);
  assert.deepEqual(masked.words, ['[PAD]', '[SOS]', '[EOS]', '[UNK]', '[MASK]', 'cat']);
  assert.deepEqual([PAD, SOS, EOS, UNK, MASK], [0, 1, 2, 3, 4]);
  assert.equal(masked.id('[MASK]'), MASK);
  assert.equal(plain.id('[MASK]'), UNK);
});

test('encode and decode are inverse on known words', () => {
  const vocabulary = new Vocabulary(grammarWords());
  for (const text of sentences({seed: 1, count: 200}).texts) {
    const ids = vocabulary.encode(text);
    assert.deepEqual([ids[0], ids.at(-1), ids.includes(UNK)], [SOS, EOS, false]);
    assert.equal(vocabulary.decode(ids), text);
  }
});

test('decode stops at the first EOS and leaves PAD and SOS out', () => {
  const vocabulary = new Vocabulary(['cat', 'dog']);
  assert.equal(vocabulary.decode([SOS, 4, PAD, 5, EOS, 4]), 'cat dog');
  assert.equal(vocabulary.decode([4, UNK]), 'cat [UNK]');
  assert.equal(vocabulary.decode(vocabulary.encode('cat bird')), 'cat [UNK]');
  assert.throws(() => vocabulary.decode([6]), /there is no id 6, only 0 to 5/);
});

test('words are split from marks, and keep apostrophes, hyphens and accents', () => {
  assert.deepEqual(splitWords('Élan isn’t "well-known", 3 times?'), [
    'Élan',
    'isn’t',
    '"',
    'well-known',
    '"',
    ',',
    '3',
    'times',
    '?',
  ]);
  assert.deepEqual(splitWords(' the [MASK] dog '), ['the', '[MASK]', 'dog']);
});

test('a vocabulary of texts has the frequent words first, within its limits', () => {
  const texts = ['b a', 'b c', 'b a d'];
  assert.deepEqual(Vocabulary.of(texts).words.slice(4), ['b', 'a', 'c', 'd']);
  assert.deepEqual(Vocabulary.of(texts, {minimumCount: 2}).words.slice(4), ['b', 'a']);
  assert.deepEqual(Vocabulary.of(texts, {most: 7, mask: true}).words.slice(5), ['b', 'a']);
  assert.equal(Vocabulary.of(texts, {most: 6}).size, 6);
  assert.deepEqual(Vocabulary.of(['[MASK] a'], {mask: true}).words.slice(4), ['[MASK]', 'a']);
});

test('texts become int32 rows, padded at the end', () => {
  const vocabulary = new Vocabulary(['a', 'b']);
  const ids = vocabulary.tensor(['a b', 'b']);
  assert.deepEqual([ids.dtype, ids.arraySync()], ['int32', [[1, 4, 5, 2], [1, 5, 2, 0]]]); // prettier-ignore
  assert.deepEqual(vocabulary.texts(ids), ['a b', 'b']);
  assert.deepEqual(vocabulary.tensor(['a'], {length: 5}).arraySync(), [[1, 4, 2, 0, 0]]);
  const cut = vocabulary.tensor(['a b a b', 'a'], {length: 4, truncate: true});
  assert.deepEqual(cut.arraySync(), [[1, 4, 5, 2], [1, 4, 2, 0]]); // prettier-ignore
});

test('what does not fit is refused', () => {
  const vocabulary = new Vocabulary(['a', 'b']);
  assert.throws(() => vocabulary.tensor(['a', 'a b'], {length: 3}), /row 1 has 4 tokens/);
  assert.throws(() => vocabulary.tensor([]), /no rows/);
  assert.throws(() => tokenTensor([[1]], {length: 0}), /row 0 has 1 tokens/);
  assert.throws(() => new Vocabulary(['a', 'a']), /"a" comes twice/);
  assert.throws(() => new Vocabulary(['[PAD]']), /"\[PAD\]" comes twice/);
  assert.throws(() => new Vocabulary(['two words']), /"two words" is not one word/);
  assert.throws(() => new Vocabulary(['']), /"" is not one word/);
  assert.throws(() => Vocabulary.of([]), /0 words/);
  assert.throws(() => Vocabulary.of(['a'], {most: 4}), /1 words for 0 places/);
});

test('only the tensor asked for is left', async () => {
  const vocabulary = new Vocabulary(['a', 'b']);
  await leavesNoTensor(() => vocabulary.tensor(['a b', 'b']));
});
