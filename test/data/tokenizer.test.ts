import assert from 'node:assert/strict';
import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {after, before, test} from 'node:test';
import {loadTokenizer, TextTokenizer, TokenizerError} from 'latent-lib/data/tokenizer';
import {ready} from 'latent-lib/tensor/tf';
import {loadGolden, type Golden} from '../helpers/parity';

interface Case {
  readonly text: string;
  readonly ids: number[];
  readonly plain: number[];
  readonly tokens: string[];
  readonly decoded: string;
  readonly whole: string;
}

const golden = loadGolden('tokenizer') as Golden & {
  readonly cases: readonly Case[];
  readonly tokenizer: Readonly<Record<string, unknown>>;
};
let folder: string;
before(async () => {
  await ready();
  folder = await mkdtemp(path.join(tmpdir(), 'tokenizer-'));
});
after(() => rm(folder, {recursive: true}));

const file = () => path.join(folder, 'tokenizer.json');

test('ids and texts are those of the Python package, spaces, accents and emoji included', async () => {
  await writeFile(file(), JSON.stringify(golden.tokenizer));
  const tokenizer = await loadTokenizer(folder);
  assert.ok(golden.cases.length >= 9);
  for (const {text, ids, plain, tokens, decoded, whole} of golden.cases) {
    const title = JSON.stringify(text);
    assert.deepEqual(tokenizer.encode(text), ids, title);
    assert.deepEqual(tokenizer.encode(text, {specialTokens: false}), plain, title);
    assert.deepEqual(
      ids.map(id => tokenizer.token(id)),
      tokens,
      title,
    );
    assert.equal(tokenizer.decode(ids), decoded, title);
    assert.equal(tokenizer.decode(ids, {skipSpecialTokens: false}), whole, title);
  }
});

test('any text without special tokens comes back from its ids', () => {
  const tokenizer = new TextTokenizer(golden.tokenizer);
  for (const text of ['Roses are ☂ 3.14159 \t\n  x', 'ñandú', "it's  we'll ", '\u0000\u{1f600}']) {
    assert.equal(tokenizer.decode(tokenizer.encode(text)), text);
  }
});

test('texts become rows that are filled with <pad>', () => {
  const tokenizer = new TextTokenizer(golden.tokenizer);
  const [short, long] = ['The sun.', 'The old gardener waters the roses.'];
  const ids = tokenizer.tensor([short, long]);
  const length = tokenizer.encode(long).length;
  assert.deepEqual(ids.shape, [2, length]);
  assert.equal(ids.dtype, 'int32');
  const rows = ids.arraySync();
  const own = tokenizer.encode(short);
  assert.deepEqual(rows[0], [...own, ...Array.from({length: length - own.length}, () => 1)]);
  assert.deepEqual(rows[1], tokenizer.encode(long));
  assert.deepEqual(tokenizer.tensor([short], {length: 20, padId: 3}).arraySync()[0]?.at(-1), 3);
  assert.throws(() => tokenizer.tensor([long], {length: 3}), /has \d+ tokens, expected at most 3/);
  assert.throws(() => tokenizer.tensor([]), /got no text/);
});

test('the size counts the added tokens, and names and ids belong together', () => {
  const tokenizer = new TextTokenizer(golden.tokenizer);
  assert.equal(tokenizer.size, 421);
  assert.equal(tokenizer.id('<mask>'), 420);
  assert.equal(tokenizer.token(2), '</s>');
  assert.equal(tokenizer.id('no such token'), undefined);
  assert.throws(() => tokenizer.decode([0, 421]), /no token has the id 421; ids run from 0 to 420/);
});

test('what is no tokenizer is refused with the name of the file', async () => {
  await rm(file(), {force: true});
  await assert.rejects(loadTokenizer(folder), /tokenizer\.json: is not there\. .*save_pretrained/);
  const bad: readonly [string, RegExp][] = [
    ['{"model": ', /is no JSON: damaged, or cut short/],
    ['[]', /no tokenizer: it is no JSON object/],
    ['{"version": "1.0"}', /a model with a vocabulary is missing/],
    [
      JSON.stringify({...golden.tokenizer, pre_tokenizer: {type: 'Telepathy'}}),
      /cannot be used: .*Telepathy/,
    ],
  ];
  for (const [text, reason] of bad) {
    await writeFile(file(), text);
    await assert.rejects(loadTokenizer(folder), (error: unknown) => {
      assert.ok(error instanceof TokenizerError);
      assert.match(error.message, reason);
      assert.ok(error.message.startsWith(file()));
      return true;
    });
  }
});
