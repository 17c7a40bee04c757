import assert from 'node:assert/strict';
import {test} from 'node:test';
import pl from 'nodejs-polars';
import {
  FACTOR_NAMES,
  FACTORS,
  grammarWords,
  isGrammatical,
  parse,
  realize,
  takes,
  type SentenceFactors,
} from 'latent-lib/data/grammar';
import {isHeldOut, sentenceRows, sentences, type SentenceSplit} from 'latent-lib/data/sentences';
import {Random} from 'latent-lib/tensor/random';

/** "the cat chases the dog", changed as asked. */
function factors(changes: Partial<Record<keyof SentenceFactors, string>> = {}): SentenceFactors {
  const plain = {subject: 'cat', number: 'singular', determiner: 'definite', adjective: 'none'};
  const clause = {verb: 'chase', tense: 'present', polarity: 'affirmative', mood: 'statement'};
  const object = {object: 'dog', objectNumber: 'singular', objectDeterminer: 'definite'};
  const names = {...plain, ...clause, ...object, place: 'none', manner: 'none', ...changes};
  const indices = FACTOR_NAMES.map(name => {
    const all: readonly string[] = FACTORS[name];
    return [name, all.indexOf(names[name])];
  });
  return Object.fromEntries(indices) as SentenceFactors;
}

test('factors become English, with agreement', () => {
  const plural = {number: 'plural'};
  const [question, negative] = [{mood: 'question'}, {polarity: 'negative'}];
  const some = {objectDeterminer: 'indefinite', objectNumber: 'plural'};
  const letters = {verb: 'write', object: 'letter', ...some};
  const examples: Record<string, SentenceFactors> = {
    'the cat chases the dog': factors(),
    'the cats chase the dog': factors(plural),
    'the cat chased the dog': factors({tense: 'past'}),
    'the cats will chase the dog': factors({...plural, tense: 'future'}),
    'the cat does not chase the dog': factors(negative),
    'the cats do not chase the dog': factors({...plural, ...negative}),
    'the cats did not chase the dog': factors({...plural, ...negative, tense: 'past'}),
    'the cat will not chase the dog': factors({...negative, tense: 'future'}),
    'does the cat chase the dog ?': factors(question),
    'do the cats chase the dog ?': factors({...plural, ...question}),
    'did the cat not chase the dog ?': factors({...question, ...negative, tense: 'past'}),
    'will the cats chase the dog ?': factors({...plural, ...question, tense: 'future'}),
    'an owl chases the dog': factors({subject: 'owl', determiner: 'indefinite'}),
    'an old cat chases the dog': factors({determiner: 'indefinite', adjective: 'old'}),
    'a small owl chases the dog': factors({
      subject: 'owl',
      determiner: 'indefinite',
      adjective: 'small',
    }),
    'an honest king broke an umbrella': factors({
      subject: 'king',
      determiner: 'indefinite',
      adjective: 'honest',
      verb: 'break',
      tense: 'past',
      object: 'umbrella',
      objectDeterminer: 'indefinite',
    }),
    'these children wrote some letters in the garden quietly': factors({
      subject: 'child',
      ...plural,
      determiner: 'demonstrative',
      tense: 'past',
      ...letters,
      place: 'in the garden',
      manner: 'quietly',
    }),
  };
  for (const [text, which] of Object.entries(examples)) {
    assert.equal(realize(which), text);
    assert.deepEqual(parse(text), which);
  }
});

test('every sentence parses to the factors that made it', () => {
  const {texts, factors: columns} = sentences({seed: 1, count: 5000, split: 'all'});
  texts.forEach((text, row) => {
    const made = FACTOR_NAMES.map(name => [name, columns[name].indices[row]!]);
    assert.deepEqual(parse(text), Object.fromEntries(made), text);
  });
});

test('what is not of the grammar is refused', () => {
  const wrong = [
    'the cats chases the dog',
    'the cat chase the dog',
    'a old cat chases the dog',
    'an cat chases the dog',
    'a cats chase the dog',
    'this cats chase the dog',
    'these cat chases the dog',
    'the cat do not chase the dog',
    'the cat does not chased the dog',
    'the cat not chases the dog',
    'will the cat chases the dog ?',
    'the cat will chase the dog ?',
    'the cat chases the dog the dog',
    'the cat eats a letter',
    'the lamp chases the dog',
    'the cat quietly chases the dog',
    'the cat chases the dog in garden',
    'the cat chases the dog quietly slowly',
    'the cat chases the unicorn',
    'cat the chases the dog',
    'the cat chases',
    'the the the',
    '',
  ];
  assert.deepEqual(wrong.filter(isGrammatical), []);
});

test('of random orders of a sentence’s words, none but the sentence itself has its factors', () => {
  const {texts} = sentences({seed: 2, count: 300});
  const random = new Random(2);
  let refused = 0;
  for (const text of texts) {
    const words = text.split(' ');
    const shuffled = Array.from(random.permutation(words.length), at => words[at]!).join(' ');
    const factors = parse(shuffled);
    if (factors === undefined) refused++;
    else assert.equal(realize(factors), shuffled);
  }
  assert.ok(refused > 280, `${refused} of 300 refused`); // subject and object may have changed places
});

test('train and held-out have nothing in common, and a tenth is held out', () => {
  const of = (split: SentenceSplit, seed: number) => sentences({seed, count: 3000, split}).texts;
  const [train, heldOut] = [of('train', 3), of('held-out', 3)];
  assert.ok(!train.some(isHeldOut) && heldOut.every(isHeldOut));
  assert.deepEqual(
    of('held-out', 4).filter(text => new Set(train).has(text)),
    [],
  );
  const all = of('all', 5);
  const share = all.filter(isHeldOut).length / all.length;
  assert.ok(Math.abs(share - 0.1) < 0.02, `${share}`); // 3.7 standard errors
});

test('no two sentences are equal, and each is 5 to 12 words and perhaps a question mark', () => {
  const {texts} = sentences({seed: 6, count: 5000});
  assert.equal(new Set(texts).size, 5000);
  const lengths = texts.map(text => text.replace(' ?', '').split(' ').length);
  assert.deepEqual([Math.min(...lengths), Math.max(...lengths)], [5, 12]);
});

test('all words of the grammar occur, and no others', () => {
  const {texts} = sentences({seed: 7, count: 3000});
  const words = [...new Set(texts.flatMap(text => text.split(' ')))].sort();
  assert.deepEqual(words, grammarWords());
  assert.ok(words.length >= 100 && words.length <= 150, `${words.length} words`);
});

test('the shares of the classes are as stated', () => {
  const count = 6000;
  const {factors: columns} = sentences({seed: 8, count});
  const share = (name: keyof SentenceFactors, which: string) => {
    const index = columns[name].names.indexOf(which);
    return columns[name].indices.filter(at => at === index).length / count;
  };
  const expected: [keyof SentenceFactors, string, number][] = [
    ['adjective', 'none', 1 / 2],
    ['place', 'none', 1 / 2],
    ['manner', 'none', 1 / 2],
    ['mood', 'question', 1 / 4],
    ['polarity', 'negative', 1 / 3],
    ['tense', 'future', 1 / 3],
    ['verb', 'eat', 1 / 14],
    ['subject', 'owl', 1 / 14],
  ];
  for (const [name, which, wanted] of expected) {
    const error = 4 * Math.sqrt((wanted * (1 - wanted)) / count);
    assert.ok(Math.abs(share(name, which) - wanted) < error, `${name} ${which}`);
  }
});

test('the same seed gives the same sentences, and the first of many are those of few', () => {
  const [few, many] = [sentences({seed: 9, count: 5}), sentences({seed: 9, count: 50})];
  assert.deepEqual(many.texts.slice(0, 5), few.texts);
  assert.deepEqual(many.factors.verb.indices.slice(0, 5), few.factors.verb.indices);
  assert.deepEqual(sentences({random: new Random(9), count: 5}), few);
  assert.notDeepEqual(sentences({seed: 10, count: 5}).texts, few.texts);
});

test('only keeps to the classes named', () => {
  const only = {mood: ['statement'], subject: ['cat', 'owl'], object: ['egg', 'cake']};
  const {factors: columns} = sentences({seed: 11, count: 500, only});
  for (const [name, kept] of Object.entries(only)) {
    const {names, indices} = columns[name as keyof typeof only];
    const seen = new Set(Array.from(indices, index => names[index]!));
    assert.deepEqual([...seen].sort(), [...kept].sort());
  }
  assert.ok(columns.verb.indices.every((verb, row) => takes(verb, columns.object.indices[row]!)));
});

test('rows are records that polars reads', () => {
  const drawn = sentences({seed: 12, count: 20});
  const frame = pl.DataFrame(sentenceRows(drawn));
  assert.deepEqual(frame.columns, ['text', ...FACTOR_NAMES]);
  assert.equal(frame.height, 20);
  assert.deepEqual(frame.getColumn('text').toArray(), [...drawn.texts]);
});

test('what cannot be drawn is refused by name', () => {
  assert.throws(() => sentences({seed: 1, count: 0}), /sentences: count is 0/);
  assert.throws(() => sentences({count: 1}), /give either random, .* or seed/);
  assert.throws(
    () => sentences({seed: 1, count: 1, only: {tense: ['perfect']}}),
    /only\.tense holds perfect; it can be past, present, future/,
  );
  const strange = {colour: ['red']} as object;
  assert.throws(() => sentences({seed: 1, count: 1, only: strange}), /factor colour/);
  const one = Object.fromEntries(FACTOR_NAMES.map(name => [name, [FACTORS[name][0]]])) as object;
  assert.throws(() => sentences({seed: 1, count: 2, split: 'all', only: one}), /none beyond 1/);
  const eaten = {verb: ['eat'], object: ['lamp']};
  assert.throws(() => sentences({seed: 1, count: 1, only: eaten}), /none beyond 0/);
  assert.throws(() => realize(factors({verb: 'eat', object: 'lamp'})), /takes no object "lamp"/);
  assert.throws(() => realize({...factors(), tense: 3}), /tense is 3, expected 0 to 2/);
});
