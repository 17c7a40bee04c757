import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {isGrammatical} from 'latent-lib/data/grammar';
import {tokenTensor} from 'latent-lib/data/vocabulary';
import {bleu, distinctNgrams, selfBleu} from 'latent-lib/evaluation/bleu';
import {iwaeBound, type LatentModel} from 'latent-lib/evaluation/bounds';
import {
  exactMatch,
  shareOf,
  textCost,
  tokenAccuracy,
  tokenCounts,
} from 'latent-lib/evaluation/text';
import {countedTokens, tokenNegativeLogLikelihood} from 'latent-lib/probability/categorical';
import {Random} from 'latent-lib/tensor/random';
import {ready, tf} from 'latent-lib/tensor/tf';
import {close} from '../helpers/close';
import {loadGolden, parity} from '../helpers/parity';

before(ready);

/** Rows of word numbers, padded with −1, as texts. */
function texts(ids: tf.Tensor2D): string[] {
  return ids.arraySync().map(row => row.filter(id => id >= 0).join(' '));
}

parity('BLEU', loadGolden('text'), ({input, expected}) => {
  const [own, first, second] = ['texts', 'first', 'second'].map(name => texts(input(name)));
  const two = first!.map((text, index) => [text, second![index]!]);
  const one = first!.map(text => [text]);
  close('one reference', tf.scalar(bleu(own!, one)), expected('bleuOfOne'), {atol: 1e-7});
  close('two references', tf.scalar(bleu(own!, two)), expected('bleuOfTwo'), {atol: 1e-7});
  const sentences = own!.map((text, index) => {
    return bleu([text], [two[index]!], {smoothing: 'epsilon'});
  });
  close('sentences', tf.tensor1d(sentences), expected('sentences'), {atol: 1e-7});
  close('selfBleu', tf.scalar(selfBleu(own!)), expected('selfBleu'), {atol: 1e-7});
});

test('BLEU by hand: clipped counts and the brevity penalty', () => {
  // Papineni et al. 2002, example 2: "the" seven times has two matches of seven.
  const the = 'the the the the the the the';
  const references = ['the cat is on the mat', 'there is a cat on the mat'];
  close('clipped', bleu([the], [references], {order: 1}), 2 / 7, {atol: 1e-12});
  close('brevity', bleu(['a b'], [['a b c d']], {order: 2}), Math.exp(-1), {atol: 1e-12});
  assert.equal(bleu(['a b c d', 'e f g h'], [['a b c d'], ['e f g h']]), 1);
  assert.equal(bleu(['a b c d'], [['e f g h']]), 0);
  assert.equal(bleu(['a b c'], [['a b c']]), 0); // no four words, so no match of four
  assert.equal(bleu([''], [['a']]), 0);
});

test('self-BLEU is 1 for equal texts, 0 for texts without a common word, and in between between', () => {
  assert.equal(selfBleu(['a b c d e', 'a b c d e', 'a b c d e']), 1);
  assert.equal(selfBleu(['a b c d', 'e f g h']), 0);
  const mixed = selfBleu(['a b c d e', 'a b c d f', 'a b c g h']);
  assert.ok(mixed > 0.1 && mixed < 0.9, `${mixed}`);
});

test('distinct n-grams by hand', () => {
  assert.equal(distinctNgrams(['a b a b', 'a b'], 1), 2 / 6);
  assert.equal(distinctNgrams(['a b a b', 'a b'], 2), 2 / 4);
  assert.ok(Number.isNaN(distinctNgrams(['a'], 2)));
});

test('nats a sequence, a token, and perplexity by hand', () => {
  const cost = textCost([Math.log(8), Math.log(4)], [3, 2]);
  close('sequence', cost.perSequence.mean, Math.log(32) / 2, {atol: 1e-12});
  close('token', cost.perToken, Math.log(2), {atol: 1e-12});
  close('perplexity', cost.perplexity, 2, {atol: 1e-12});
});

test('the start and padding are no predicted tokens, the end is', () => {
  const ids = tokenTensor([[1, 5, 6, 2], [1, 2], [7, 1, 2]]); // prettier-ignore
  assert.deepEqual([...tokenCounts(ids)], [3, 1, 3]);
});

/** Texts of one word of four; z moves one logit. Its log p(x) has a closed form by a sum over a grid. */
const toy: LatentModel = {
  encode: x => {
    const zero = tf.zeros<tf.Rank.R2>([x.shape[0], 1]);
    return {mean: zero.add(0.3), logVar: zero.clone()};
  },
  negativeLogLikelihood: (x, z) => {
    const logits = tf.concat([z, tf.zeros([z.shape[0], 3])], 1).expandDims<tf.Tensor3D>(1);
    return tokenNegativeLogLikelihood(logits, x, countedTokens(x, -1));
  },
};

test('the importance-weighted bound gives a perplexity that comes near the true one from above', async () => {
  const ids = tf.tensor2d([[0], [1], [2]], undefined, 'int32');
  const grid = Array.from({length: 4001}, (_, i) => -10 + i * 0.005);
  const truth = [0, 1, 1].map(other => {
    const density = grid.map(z => {
      const p = (other === 1 ? 1 : Math.exp(z)) / (3 + Math.exp(z));
      return (p * Math.exp(-(z ** 2) / 2)) / Math.sqrt(2 * Math.PI);
    });
    return -Math.log(density.reduce((sum, value) => sum + value * 0.005, 0));
  });
  const cost = async (samples: number) => {
    const {perExample} = await iwaeBound(toy, ids, new Random(1), {samples});
    return textCost(perExample.map(bound => -bound), tokenCounts(ids, -1, -1)).perplexity; // prettier-ignore
  };
  const [wanted, many] = [textCost(truth, [1, 1, 1]).perplexity, await cost(20_000)];
  assert.ok(Math.abs(many - wanted) < 0.01, `${many} against ${wanted}`);
  const few: number[] = [];
  for (let run = 0; run < 40; run++) {
    const {perExample} = await iwaeBound(toy, ids, new Random(run), {samples: 1});
    few.push(...perExample);
  }
  const mean = few.reduce((sum, value) => sum + value, 0) / few.length;
  assert.ok(Math.exp(-mean) > wanted + 0.05, `one sample: ${Math.exp(-mean)} against ${wanted}`);
});

test('shares name the texts that fail', () => {
  const valid = shareOf(['the cat chases the dog', 'the cat chase the dog'], isGrammatical);
  assert.deepEqual([valid.share, valid.others], [0.5, ['the cat chase the dog']]);
  close('standard error', valid.standardError, Math.sqrt(0.125), {atol: 1e-12});
  assert.deepEqual(exactMatch(['a', 'b', 'c'], ['a', 'x', 'c']).others, ['b']);
  assert.equal(exactMatch(['a'], ['a']).share, 1);
});

test('token accuracy counts what counts', () => {
  const ids = (rows: number[][]) => tf.tensor2d(rows, undefined, 'int32');
  const want = ids([[4, 5, 2], [6, 2, 0]]); // prettier-ignore
  const got = ids([[4, 9, 2], [6, 6, 6]]); // prettier-ignore
  assert.equal(tokenAccuracy(got, want, countedTokens(want)), 3 / 5);
});

test('lists that do not belong together are refused', () => {
  assert.throws(() => bleu(['a'], []), /1 texts, 0 lists of references/);
  assert.throws(() => bleu(['a', 'b'], [['a'], []]), /text 1 has no reference/);
  assert.throws(() => bleu(['a'], [['a']], {order: 0}), /bleu: the order is 0/);
  assert.throws(() => selfBleu(['a']), /1 texts, expected two/);
  assert.throws(() => textCost([1], [1, 2]), /1 texts, 2 counts/);
  assert.throws(() => textCost([1, 1], [1, 0]), /text 1 has no token/);
  assert.throws(() => exactMatch(['a'], []), /1 texts for 0/);
  assert.throws(() => shareOf([], isGrammatical), /no texts/);
});
