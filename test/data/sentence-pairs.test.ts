import assert from 'node:assert/strict';
import {test} from 'node:test';
import pl from 'nodejs-polars';
import {parse} from 'latent-lib/data/grammar';
import {
  continuationChoices,
  continuationFaults,
  continuationNats,
  parseContinuation,
  realizeContinuation,
} from 'latent-lib/data/grammar-continuation';
import {continuation, pairRows, pairWords, sentencePairs} from 'latent-lib/data/sentence-pairs';
import {isHeldOut, sentenceNats, sentences} from 'latent-lib/data/sentences';
import {Random} from 'latent-lib/tensor/random';

const mean = (values: readonly number[]) =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

test('what is drawn is a right continuation, and parses to its factors', () => {
  const {pairs, factors, continuations} = sentencePairs({seed: 1, count: 2000});
  pairs.forEach(({x, y}, row) => {
    assert.deepEqual(continuationFaults(x, y), [], `${x} → ${y}`);
    const parsed = parseContinuation(y)!;
    assert.equal(realizeContinuation(parsed), y);
    for (const name of ['tense', 'verb', 'object', 'place'] as const) {
      assert.equal(continuations[name].indices[row], parsed[name]);
    }
    assert.equal(continuations.tense.indices[row], factors.tense.indices[row]);
    assert.equal(parse(x)!.subject, factors.subject.indices[row]);
  });
});

test('each rule is broken by the continuation that breaks it, and by that one alone', () => {
  const x = 'the old queen did not chase a dog near the river';
  const examples: [string, string[]][] = [
    ['instead she wrote some letters there', []],
    ['instead she cooked an apple there gladly', []],
    ['then she wrote some letters there', ['connective']],
    ['instead he wrote some letters there', ['pronoun']],
    ['instead they wrote some letters there', ['pronoun']],
    ['instead she writes some letters there', ['tense']],
    ['instead she met a dog there', ['verb']],
    ['instead she wrote some letters', ['place']],
    ['instead she wrote some letters in the garden', ['place']],
    ['then he will write a letter', ['connective', 'pronoun', 'tense', 'place']],
    ['instead she write some letters there', ['grammar']],
    ['instead she will wrote some letters there', ['grammar']],
    ['instead the queen wrote some letters there', ['grammar']],
    ['instead she wrote a apple there', ['grammar']],
    ['instead she did not write a letter there', ['grammar']],
    ['instead she wrote there some letters', ['grammar']],
    ['instead she wrote some letters there there', ['grammar']],
    ['', ['grammar']],
  ];
  for (const [y, faults] of examples) assert.deepEqual(continuationFaults(x, y), faults, y);
});

test('the pronoun is that of the subject', () => {
  const pronouns = (x: string) => {
    const random = new Random(1);
    const drawn = Array.from({length: 60}, () => continuation(x, random).split(' ')[1]);
    return [...new Set(drawn)].sort();
  };
  assert.deepEqual(pronouns('the cat chases the dog'), ['it']);
  assert.deepEqual(pronouns('the cats chase the dog'), ['they']);
  assert.deepEqual(pronouns('the king chases the dog'), ['he']);
  assert.deepEqual(pronouns('the queen chases the dog'), ['she']);
  assert.deepEqual(pronouns('the baker chases the dog'), ['he', 'she']);
});

test('much is free: one sentence has many continuations', () => {
  const random = new Random(2);
  const x = 'this child will write some letters';
  const drawn = Array.from({length: 500}, () => continuation(x, random));
  assert.ok(new Set(drawn).size > 450, `${new Set(drawn).size} of 500 differ`);
});

test('nats are minus the log of how often a continuation is drawn', () => {
  const x = 'the cat eats the egg in the garden';
  // it eats, so: 5 animate verbs with 14 objects, 3 with 4 texts, 4 with 4 tools
  const there = 'then it sees a cat there';
  const nats = Math.log(12 * 14 * 2 * 3 * 2);
  assert.ok(Math.abs(continuationNats(x, there) - nats) < 1e-9);
  assert.ok(Math.abs(continuationNats(x, `${there} slowly`) - nats - Math.log(6)) < 1e-9);
  assert.equal(continuationNats(x, 'then it eats a cake there'), Infinity);
  assert.equal(continuationNats(x, 'then she sees a cat there'), Infinity);
});

test('the mean of the nats is the entropy, for sentences and for continuations', () => {
  const manners = Math.log(2) + 0.5 * Math.log(6);
  // all that is free after "the cats … ." but for the object, which depends on the verb
  const x = 'the cats chase the dog';
  const verbs = Math.log(9);
  const objects = (2 * Math.log(3) + 3 * Math.log(4) + 4 * Math.log(4)) / 9;
  const place = Math.log(2) + 0.5 * Math.log(8);
  const entropy = verbs + objects + Math.log(2 * 3) + place + manners;
  const random = new Random(3);
  const drawn = Array.from({length: 4000}, () => continuationNats(x, continuation(x, random)));
  assert.ok(Math.abs(mean(drawn) - entropy) < 0.05, `${mean(drawn)} against ${entropy}`);

  const fixed = Math.log(14 * 2 * 3 * 14 * 3 * 2 * 3);
  const shares = [1 / 3, 2 / 3, 1 / 4, 3 / 4].map(p => -p * Math.log(p));
  const chosen = shares.reduce((sum, value) => sum + value, 0);
  const adjective = Math.log(2) + 0.5 * Math.log(8);
  const object = (5 * Math.log(14) + 2 * Math.log(3) + 3 * Math.log(4) + 4 * Math.log(4)) / 14;
  const ofSentence = fixed + chosen + adjective + place + manners + object;
  const texts = sentences({seed: 4, count: 4000, split: 'all'}).texts;
  const measured = mean(texts.map(sentenceNats));
  assert.ok(Math.abs(measured - ofSentence) < 0.06, `${measured} against ${ofSentence}`);
  assert.equal(sentenceNats('the cat chase the dog'), Infinity);
});

test('held-out pairs are new, and drawing is reproducible', () => {
  const train = sentencePairs({seed: 5, count: 500}).pairs;
  const heldOut = sentencePairs({seed: 5, count: 500, split: 'held-out'}).pairs;
  assert.ok(!train.some(({x}) => isHeldOut(x)) && heldOut.every(({x}) => isHeldOut(x)));
  assert.deepEqual(sentencePairs({random: new Random(5), count: 50}).pairs, train.slice(0, 50));
});

test('rows are records that polars reads, and the vocabulary is of both sides', () => {
  const drawn = sentencePairs({seed: 6, count: 800});
  const frame = pl.DataFrame(pairRows(drawn));
  assert.deepEqual(frame.columns.slice(0, 3), ['x', 'y', 'subject']);
  assert.ok(frame.columns.includes('y.pronoun') && frame.height === 800);
  const words = new Set(drawn.pairs.flatMap(({x, y}) => `${x} ${y}`.split(' ')));
  const all = pairWords();
  assert.deepEqual(
    [...words].filter(word => !all.includes(word)),
    [],
  );
  assert.equal(all.length, 140);
});

test('only statements of the grammar have a continuation', () => {
  const random = new Random(7);
  assert.throws(() => continuation('does the cat chase the dog ?', random), /no statement/);
  assert.throws(() => continuationFaults('hello', 'then it sees a cat'), /no statement/);
  const choices = continuationChoices(parse('the cat did not eat an egg')!);
  assert.deepEqual([choices.connective, choices.tense], [[1], [0]]);
  assert.throws(() => sentencePairs({count: 3}), /sentencePairs: give either/);
});
