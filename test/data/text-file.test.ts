import assert from 'node:assert/strict';
import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import {after, before, test} from 'node:test';
import {DownloadError, type RemoteFile} from 'latent-lib/data/download';
import {MissingDataError} from 'latent-lib/data/mnist';
import {isHeldOut, sentences} from 'latent-lib/data/sentences';
import {loadShakespeare, SHAKESPEARE} from 'latent-lib/data/shakespeare';
import {readHeadlines, readPairs, splitPairs} from 'latent-lib/data/table-file';
import {readSentences, splitTexts, TextFileError} from 'latent-lib/data/text-file';
import {dropping, Mirror, ranged, sha256, status, whole} from './files';

let folder = '';
before(async () => (folder = await mkdtemp(path.join(os.tmpdir(), 'latent-text-'))));
after(() => rm(folder, {recursive: true, force: true}));

async function file(name: string, content: string | Uint8Array): Promise<string> {
  const where = path.join(folder, name);
  await writeFile(where, content);
  return where;
}

/** Asserts that a loader refuses a file with this message. */
async function refuses(promise: Promise<unknown>, message: RegExp): Promise<void> {
  await assert.rejects(promise, error => {
    assert.ok(error instanceof TextFileError, String(error));
    assert.match(error.message, message);
    return true;
  });
}

test('a text file gives its lines, tidied, whatever ends them', async () => {
  const where = await file('a.txt', '\ufeffThe cat  sat.\r\n\r\n\tÉté, no?  \nlast\rreally last');
  assert.deepEqual(await readSentences(where), ['The cat sat.', 'Été, no?', 'last', 'really last']);
  const small = await readSentences(where, {lowerCase: true});
  assert.deepEqual(small.slice(0, 2), ['the cat sat.', 'été, no?']);
});

test('what is no text is refused with the number of the line', async () => {
  const read = async (name: string, content: string | Uint8Array) =>
    readSentences(await file(name, content));
  await refuses(read('zero.txt', 'one\ntwo\0\n'), /zero\.txt: line 2 holds a zero byte/);
  const latin1 = Buffer.from('one\ntwo\nété\n', 'latin1');
  await refuses(read('latin1.txt', latin1), /line 3 is no UTF-8/);
  const cut = Buffer.from('one\né').subarray(0, 5);
  await refuses(read('cut.txt', cut), /line 2 is no UTF-8/);
  const utf16 = Buffer.from('\ufeffone', 'utf16le');
  await refuses(read('utf16.txt', utf16), /UTF-16 text\. Save it as UTF-8/);
  await refuses(read('empty.txt', ''), /empty\.txt: it is empty/);
  await refuses(read('blank.txt', ' \n\n \n'), /none of 4 lines can be used/);
  await refuses(readSentences(path.join(folder, 'none.txt')), /there is no such file/);
  await refuses(readSentences(folder), /cannot be read \(EISDIR\)/);
});

test('a line that is too long is refused by number, or skipped', async () => {
  const where = await file('long.txt', 'one\n\na b c d\ntwo, three\n');
  await refuses(readSentences(where, {longest: 3}), /line 3 has 4 words and marks, more than 3/);
  const kept = await readSentences(where, {longest: 3, tooLong: 'skip'});
  assert.deepEqual(kept, ['one', 'two, three']);
  await assert.rejects(readSentences(where, {longest: 0}), RangeError);
});

test('texts are split by what they say: disjoint, each once, about a tenth held out', () => {
  const {texts} = sentences({seed: 1, count: 2000, split: 'all'});
  const {train, heldOut} = splitTexts([...texts, ...texts.slice(0, 100)]);
  assert.equal(train.length + heldOut.length, 2000);
  assert.ok(heldOut.every(isHeldOut) && !train.some(isHeldOut));
  assert.ok(heldOut.length > 140 && heldOut.length < 260, `${heldOut.length}`);
});

test('headlines come from the column named, quoted or not', async () => {
  const csv =
    'id,headline,title\n1,"Cats, and dogs",A\n2,"He said ""no""",B\n3,,C\n4,"two\nlines",D\n';
  const where = await file('news.csv', csv);
  assert.deepEqual(await readHeadlines(where), ['Cats, and dogs', 'He said "no"', 'two lines']);
  const titles = await readHeadlines(where, {column: 'title', lowerCase: true});
  assert.deepEqual(titles, ['a', 'b', 'c', 'd']);
  await refuses(
    readHeadlines(where, {column: 'text'}),
    /no column "text", only id, headline, title/,
  );
  await refuses(readHeadlines(where, {longest: 2}), /row 1 has 4 words/);
  const empty = await file('empty.csv', '\n');
  await refuses(readHeadlines(empty), /empty\.csv: it is empty/);
  const binary = await file('binary.csv', Buffer.from([104, 10, 255, 10]));
  await refuses(readHeadlines(binary), /line 2 is no UTF-8/);
});

test('pairs come from two columns of a TSV or CSV file', async () => {
  const tsv = await file('pairs.tsv', 'Say "hi"\tHi!\n\t\nBye\t"Bye" too\n');
  assert.deepEqual(await readPairs(tsv), [
    {x: 'Say "hi"', y: 'Hi!'},
    {x: 'Bye', y: '"Bye" too'},
  ]);
  const csv = await file('pairs.csv', 'n,question,answer\n1,"Who, me?",Yes\n2,Now?,"No, later"\n');
  const columns = ['question', 'answer'] as const;
  assert.deepEqual(await readPairs(csv, {columns, lowerCase: true}), [
    {x: 'who, me?', y: 'yes'},
    {x: 'now?', y: 'no, later'},
  ]);
  assert.deepEqual(await readPairs(csv, {columns, longest: 3, tooLong: 'skip'}), [
    {x: 'Now?', y: 'No, later'},
  ]);
});

test('pairs that lack a half are refused by row', async () => {
  const half = await file('half.tsv', 'a\tb\nc\t\n');
  await refuses(readPairs(half), /half\.tsv: row 2 has no y/);
  const three = await file('three.csv', 'a,b,c\nd,e,f\n');
  await refuses(readPairs(three), /it has 3 columns\. Name two/);
  await refuses(readPairs(three, {columns: ['a', 'z']}), /no column "z", only a, b, c/);
  const ragged = await file('ragged.csv', 'a,b\nc,d,e\n');
  await refuses(readPairs(ragged), /ragged\.csv: no table: /);
  const other = await file('pairs.txt', 'a\tb\n');
  await refuses(readPairs(other), /ends in \.csv or \.tsv/);
  const blank = await file('blank.tsv', '\t\n\t\n');
  await refuses(readPairs(blank), /blank\.tsv: (it is empty|no pair can be used)/);
});

test('all answers to one question fall on one side, about a tenth aside, and repeats are dropped', () => {
  const pairs = Array.from({length: 2000}, (_, n) => ({
    x: `question ${n % 500}`,
    y: `answer ${n}`,
  }));
  const {train, heldOut} = splitPairs([...pairs, ...pairs]);
  assert.equal(train.length + heldOut.length, 2000);
  const asked = new Set(train.map(({x}) => x));
  assert.ok(heldOut.every(({x}) => !asked.has(x)));
  assert.ok(Math.abs(heldOut.length / 2000 - 0.1) < 0.04, `${heldOut.length} of 2000 held out`);
  const few = splitPairs(pairs.slice(0, 400)).heldOut;
  const expected = heldOut.filter(({y}) => Number(y.slice('answer '.length)) < 400);
  assert.deepEqual(few, expected, 'a side does not depend on what else there is');
});

const PLAY = Buffer.from(
  'First Citizen:\nBefore we proceed,\nhear me speak.\n\nAll:\nSpeak, speak.\n\nA line alone\n',
);
const LINES = ['Before we proceed,', 'hear me speak.', 'Speak, speak.', 'A line alone'];

/** The plays at local addresses. */
function local(mirrors: string[], bytes: Uint8Array = PLAY): RemoteFile {
  return {...SHAKESPEARE, mirrors, size: bytes.length, sha256: sha256(bytes)};
}

test('the public text is downloaded once, goes on where it was cut, and has no speakers', async () => {
  const mirror = await Mirror.start({'/cut': dropping(PLAY, 40), '/whole': whole(PLAY)});
  try {
    const into = path.join(folder, 'plays');
    const play = local([`${mirror.url}/missing`, `${mirror.url}/cut`]);
    assert.deepEqual(await loadShakespeare({folder: into, file: play}), LINES);
    const asked = mirror.asked.length;
    assert.ok(mirror.asked.some(({range}) => range === 'bytes=40-'));
    const small = await loadShakespeare({folder: into, file: play, lowerCase: true, longest: 3});
    assert.deepEqual(small, ['a line alone']);
    assert.equal(mirror.asked.length, asked); // it is there now
  } finally {
    await mirror.stop();
  }
});

test('a damaged copy is replaced, or refused where nothing may be downloaded', async () => {
  const mirror = await Mirror.start({'/play': ranged(PLAY), '/sorry': status(500)});
  try {
    const into = await mkdtemp(path.join(folder, 'damaged-'));
    await writeFile(path.join(into, SHAKESPEARE.name), PLAY.subarray(1));
    const play = local([`${mirror.url}/play`]);
    const offline = loadShakespeare({folder: into, file: play, download: false});
    await assert.rejects(offline, (error: Error) => {
      return error instanceof MissingDataError && /has \d+ bytes, expected \d+/.test(error.message);
    });
    assert.deepEqual(await loadShakespeare({folder: into, file: play}), LINES);
    const elsewhere = path.join(folder, 'elsewhere');
    const missing = loadShakespeare({folder: elsewhere, file: play, download: false});
    await assert.rejects(missing, /is not there, and nothing may be downloaded/);
    const broken = local([`${mirror.url}/sorry`]);
    await assert.rejects(loadShakespeare({folder: elsewhere, file: broken}), DownloadError);
    const other = {...play, sha256: sha256(Buffer.from('another'))};
    await assert.rejects(loadShakespeare({folder: elsewhere, file: other}), /has sha256/);
  } finally {
    await mirror.stop();
  }
});
