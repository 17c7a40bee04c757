import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {mkdir, mkdtemp, open, readFile, readdir, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {after, afterEach, before, beforeEach, test} from 'node:test';
import {gzipSync} from 'node:zlib';
import {
  download,
  DownloadError,
  type DownloadProgress,
  type RemoteFile,
} from 'latent-lib/data/download';
import {DiskError, type WritableFile} from 'latent-lib/data/transfer';
import {Random} from 'latent-lib/tensor/random';
import {Mirror, dropping, hanging, ranged, sha256, status, whole, type Answer} from './files';

const random = new Random(5);
const bytes = Buffer.from(Uint8Array.from({length: 200_000}, () => random.integer(256)));
const silence = 600; // long enough for a busy machine, short enough for a test
let root: string;
let folder: string;
const mirrors: Mirror[] = [];

before(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'down load '));
});
beforeEach(async () => {
  folder = await mkdtemp(path.join(root, 'case-'));
});
afterEach(() => Promise.all(mirrors.splice(0).map(mirror => mirror.stop())));
after(() => rm(root, {recursive: true}));

async function mirror(answer: Answer): Promise<Mirror> {
  const started = await Mirror.start({'/digits': answer});
  mirrors.push(started);
  return started;
}

function file(...from: readonly Mirror[]): RemoteFile {
  return {
    name: 'digits',
    mirrors: from.map(({url}) => `${url}/digits`),
    sha256: sha256(bytes),
    size: bytes.length,
    remedy: 'Put it there by hand.',
  };
}

const inPlace = () => readFile(path.join(folder, 'digits'));
const parts = async () => (await readdir(folder)).filter(name => name.endsWith('.part'));

test('a file is downloaded whole, with progress, and nothing else is left', async () => {
  const good = await mirror(ranged(bytes));
  const heard: DownloadProgress[] = [];
  const got = await download(file(good), path.join(folder, 'new'), {
    onProgress: progress => heard.push(progress),
  });
  assert.deepEqual(got, {
    path: path.join(folder, 'new', 'digits'),
    url: `${good.url}/digits`,
    resumedFrom: 0,
  });
  assert.deepEqual(await readFile(got.path), bytes);
  assert.deepEqual(await readdir(path.join(folder, 'new')), ['digits']);
  const received = heard.map(progress => progress.received);
  assert.equal(received[0], 0);
  assert.equal(received.at(-1), bytes.length);
  assert.deepEqual(
    received,
    [...received].sort((a, b) => a - b),
  );
  assert.ok(heard.every(({name, total}) => name === 'digits' && total === bytes.length));
});

test('a redirect is followed', async () => {
  const good = await mirror(ranged(bytes));
  const old = await mirror((_, response) => {
    response.writeHead(302, {location: `${good.url}/digits`}).end();
  });
  await download(file(old), folder);
  assert.deepEqual(await inPlace(), bytes);
});

test('mirrors are tried in order; each that fails is named with its reason and the remedy', async () => {
  const wrong = Buffer.from(bytes);
  wrong[100_000] = wrong[100_000]! ^ 1;
  const bad = await Promise.all(
    [
      status(404),
      status(500),
      hanging(bytes, 0),
      hanging(bytes, 1000),
      dropping(bytes, 0),
      whole(wrong),
      whole(bytes.subarray(0, 5000)),
      whole(Buffer.concat([bytes, bytes])),
      whole(Buffer.concat([bytes, Buffer.alloc(9)])),
      whole(Buffer.from('<!DOCTYPE html><title>Please sign in</title>')),
    ].map(mirror),
  );
  const error: unknown = await download(file(...bad), folder, {silence}).catch(
    (failure: unknown) => failure,
  );
  assert.ok(error instanceof DownloadError);
  const reasons = error.failures.map(({reason}) => reason);
  assert.equal(reasons[0], 'HTTP 404 Not Found');
  assert.equal(reasons[1], 'HTTP 500 Internal Server Error');
  assert.match(reasons[2]!, /^(no answer in|silent for) 0\.6 s$/);
  assert.equal(reasons[3], 'silent for 0.6 s');
  assert.match(reasons[4]!, /dropped/);
  assert.equal(reasons[5], `has sha256 ${sha256(wrong)}, expected ${sha256(bytes)}`);
  assert.equal(reasons[6], 'has 5000 bytes, expected 200000');
  assert.match(reasons[7]!, /^sends more than \d+ bytes: not this file$/);
  assert.equal(reasons[8], 'has more than the expected 200000 bytes');
  assert.equal(reasons[9], 'has 44 bytes, expected 200000: a web page, not the file');
  for (const {url} of bad) assert.ok(error.message.includes(`\n  ${url}/digits: `));
  assert.match(error.message, /^digits: no mirror gave it\.\n.*\nPut it there by hand\.$/s);

  const good = await mirror(ranged(bytes));
  const got = await download(file(...bad.slice(0, 3), good), folder, {silence});
  assert.equal(got.url, `${good.url}/digits`);
  assert.deepEqual(await inPlace(), bytes);
});

test('without a network every mirror says so', async () => {
  const closed = await Mirror.start({});
  await closed.stop();
  const unknown = {...file(closed), mirrors: [`${closed.url}/digits`, 'http://no.invalid/digits']};
  await assert.rejects(download(unknown, folder), (error: Error) => {
    assert.match(error.message, /the connection is refused \(ECONNREFUSED\)/);
    assert.match(error.message, /the name (is not known|cannot be looked up) \(E.*no network\?\)/);
    return true;
  });
});

test('a connection that breaks is taken up where it stopped, on the same mirror', async () => {
  const weak = await mirror(dropping(bytes, 70_000));
  const got = await download(file(weak), folder);
  assert.deepEqual(await inPlace(), bytes);
  assert.equal(got.resumedFrom, 0);
  const ranges = weak.asked.map(({range}) => range);
  assert.equal(ranges[0], undefined);
  assert.ok(ranges.length >= 3 && ranges.slice(1).every(range => /^bytes=\d+-$/.test(range ?? '')));
});

test('a server that says nothing in between is taken up again too', async () => {
  let answers = 0;
  const slow = await mirror((request, response) => {
    (answers++ === 0 ? hanging(bytes, 120_000) : ranged(bytes))(request, response);
  });
  await download(file(slow), folder, {silence});
  assert.deepEqual(await inPlace(), bytes);
  assert.equal(slow.asked[1]?.range, 'bytes=120000-');
});

test('a server that is slow but not silent is waited for', async () => {
  const slow = await mirror((_, response) => {
    response.writeHead(200, {'content-length': bytes.length});
    let sent = 0;
    const drip = () => {
      if (sent >= bytes.length) return void response.end();
      response.write(bytes.subarray(sent, (sent += 40_000)));
      setTimeout(drip, 90);
    };
    drip();
  });
  await download(file(slow), folder, {silence});
  assert.deepEqual(await inPlace(), bytes);
  assert.equal(slow.asked.length, 1);
});

test('a part of an earlier run is kept where the server can send ranges', async () => {
  const first = await mirror(hanging(bytes, 50_000));
  await assert.rejects(download(file(first), folder, {silence}), /silent/);
  assert.equal((await parts()).length, 1);
  const port = Number(new URL(first.url).port);
  await first.stop();
  const again = await revive(port, ranged(bytes));
  const got = await download({...file(), mirrors: [`${first.url}/digits`]}, folder);
  assert.equal(got.resumedFrom, 50_000);
  assert.equal(again.asked[0]?.range, 'bytes=50000-');
  assert.deepEqual(await inPlace(), bytes);
  assert.deepEqual(await parts(), []);
});

test('a part is thrown away where the server sends the file from its start', async () => {
  const plain = await mirror(whole(bytes));
  await leavePart(plain, bytes.subarray(0, 50_000));
  const got = await download(file(plain), folder);
  assert.equal(plain.asked[0]?.range, 'bytes=50000-');
  assert.equal(got.resumedFrom, 0);
  assert.deepEqual(await inPlace(), bytes);
});

test('a part with a wrong beginning is found out and the file fetched anew', async () => {
  const good = await mirror(ranged(bytes));
  await leavePart(good, Buffer.alloc(50_000, 7));
  const got = await download(file(good), folder);
  assert.deepEqual(
    good.asked.map(({range}) => range),
    ['bytes=50000-', undefined],
  );
  assert.equal(got.resumedFrom, 0);
  assert.deepEqual(await inPlace(), bytes);
});

test('a part that is whole already is only checked', async () => {
  const good = await mirror(ranged(bytes));
  await leavePart(good, bytes);
  const got = await download(file(good), folder);
  assert.equal(got.resumedFrom, bytes.length);
  assert.deepEqual(await inPlace(), bytes);
});

test('a part that is longer than the file is thrown away', async () => {
  const good = await mirror(ranged(bytes));
  await leavePart(good, Buffer.alloc(300_000));
  await download(file(good), folder);
  assert.deepEqual(await inPlace(), bytes);
});

test('a server that sends another range than the one asked for is refused', async () => {
  const odd = await mirror((_, response) => {
    response.writeHead(206, {'content-range': 'bytes 9-199999/200000'}).end(bytes.subarray(9));
  });
  await assert.rejects(download(file(odd), folder), /asked for bytes from 0, got them from 9/);
  const vague = await mirror((_, response) => void response.writeHead(206).end(bytes));
  await assert.rejects(download(file(vague), folder), /HTTP 206 with content-range ""/);
});

test('a killed process (kill -9) loses nothing that had arrived', async () => {
  const slow = await mirror(hanging(bytes, 80_000));
  const target = {...file(slow)};
  const child = spawn(process.execPath, [
    '-e',
    `require('latent-lib/data/download').download(${JSON.stringify(target)}, ${JSON.stringify(folder)}, {
      onProgress: ({received}) => { if (received === 80000) console.log('there'); },
    })`,
  ]);
  await new Promise<void>((there, failed) => {
    child.stdout.once('data', () => there());
    child.stderr.once('data', text => failed(new Error(String(text))));
  });
  child.kill('SIGKILL');
  await new Promise(gone => child.once('close', gone));
  assert.equal((await parts()).length, 1);
  await assert.rejects(inPlace(), /ENOENT/);
  const port = Number(new URL(slow.url).port);
  await slow.stop();
  const again = await revive(port, ranged(bytes));
  const got = await download(target, folder);
  assert.equal(got.resumedFrom, 80_000);
  assert.equal(again.asked[0]?.range, 'bytes=80000-');
  assert.deepEqual(await inPlace(), bytes);
  assert.deepEqual(await parts(), []);
});

test('a full disk leaves the earlier file, keeps what arrived, and says so', async () => {
  await writeFile(path.join(folder, 'digits'), 'earlier');
  const [good, other] = [await mirror(ranged(bytes)), await mirror(ranged(bytes))];
  /** Takes 100,000 bytes, then fails as a full disk does. */
  const nearlyFull = async (where: string, flags: string): Promise<WritableFile> => {
    const handle = await open(where, flags);
    let room = 100_000;
    return {
      writeFile: async chunk => {
        await handle.writeFile(chunk.subarray(0, room));
        if (chunk.length > room) {
          throw Object.assign(new Error('no space left on device'), {code: 'ENOSPC'});
        }
        room -= chunk.length;
      },
      sync: () => handle.sync(),
      close: () => handle.close(),
    };
  };
  await assert.rejects(
    download(file(good, other), folder, {open: nearlyFull}),
    (error: unknown) => {
      assert.ok(error instanceof DiskError);
      assert.match(error.message, /digits\..*\.part: the disk is full \(ENOSPC\)\. No file there/);
      assert.match(error.message, /Make room/);
      return true;
    },
  );
  assert.equal(String(await inPlace()), 'earlier');
  assert.equal(other.asked.length, 0, 'another mirror cannot help a full disk');
  const got = await download(file(good, other), folder);
  assert.equal(got.resumedFrom, 100_000);
  assert.deepEqual(await inPlace(), bytes);
});

test('a folder that cannot be made is named', async () => {
  const good = await mirror(ranged(bytes));
  await writeFile(path.join(folder, 'taken'), '');
  await assert.rejects(
    download(file(good), path.join(folder, 'taken', 'digits')),
    (error: unknown) =>
      error instanceof DiskError && /cannot write \(ENOTDIR\)/.test(error.message),
  );
});

test('a wrong download leaves the earlier file', async () => {
  await writeFile(path.join(folder, 'digits'), 'earlier');
  const bad = await mirror(whole(Buffer.from('other')));
  await assert.rejects(download(file(bad), folder), DownloadError);
  assert.equal(String(await inPlace()), 'earlier');
  assert.deepEqual(await parts(), []);
});

test('the checksum of the contents holds for any compression of them, and for none', async () => {
  const contents = Buffer.from('0123456789'.repeat(3000));
  const zipped = gzipSync(contents);
  const wanted = {sha256: sha256(contents), size: contents.length, gunzipped: true};
  for (const sent of [zipped, gzipSync(contents, {level: 1}), contents]) {
    const good = await mirror(ranged(sent));
    await download({...file(good), ...wanted}, folder);
    assert.deepEqual(await inPlace(), sent);
  }
  const bad: readonly [Buffer, RegExp][] = [
    [zipped.subarray(0, -9), /cannot be read whole \(/],
    [Buffer.concat([zipped, Buffer.from('rest')]), /cannot be read whole \(/],
    [Buffer.concat([zipped, Buffer.alloc(4)]), /has 4 bytes after the gzip data/],
    [gzipSync(contents.subarray(1)), /has 29999 bytes, expected 30000/],
    [gzipSync(Buffer.alloc(1e6)), /has more than the expected 30000 bytes/],
    [gzipSync(Buffer.from(contents).reverse()), /has sha256 /],
  ];
  for (const [sent, reason] of bad) {
    const wrong = await mirror(ranged(sent));
    await assert.rejects(download({...file(wrong), ...wanted}, folder), reason);
  }
});

test('a server that compresses on the way is undone, its length not mistaken for the file’s', async () => {
  const encoded = await mirror((_, response) => {
    const body = gzipSync(bytes);
    response.writeHead(200, {'content-encoding': 'gzip', 'content-length': body.length}).end(body);
  });
  await download(file(encoded), folder);
  assert.deepEqual(await inPlace(), bytes);
});

test('the same file asked for twice at once is fetched once', async () => {
  const good = await mirror(ranged(bytes));
  const [one, two] = await Promise.all([
    download(file(good), folder),
    download(file(good), folder),
  ]);
  assert.equal(one, two);
  assert.equal(good.asked.length, 1);
});

test('the part of a process that still runs is left to it', async () => {
  const good = await mirror(ranged(bytes));
  const name = await leavePart(good, bytes.subarray(0, 10), process.ppid);
  const got = await download(file(good), folder);
  assert.equal(got.resumedFrom, 0);
  assert.deepEqual(await parts(), [name]);
});

test('a download that is called off stops and keeps what arrived', async () => {
  const slow = await mirror(hanging(bytes, 30_000));
  const other = await mirror(ranged(bytes));
  const stop = new AbortController();
  const promise = download(file(slow, other), folder, {
    signal: stop.signal,
    onProgress: ({received}) => {
      if (received === 30_000) stop.abort();
    },
  });
  await assert.rejects(promise, {name: 'AbortError'});
  assert.equal(other.asked.length, 0);
  assert.equal((await parts()).length, 1);
});

/** Starts a server on the port of one that was stopped: the same mirror, another day. */
async function revive(port: number, answer: Answer): Promise<Mirror> {
  const started = await Mirror.start({'/digits': answer}, port);
  mirrors.push(started);
  return started;
}

/** Leaves a part as a process that no longer runs would; returns its name. */
async function leavePart(from: Mirror, beginning: Uint8Array, pid?: number): Promise<string> {
  const mirrorName = sha256(Buffer.from(`${from.url}/digits`)).slice(0, 8);
  const name = `digits.${mirrorName}.${pid ?? (await deadPid())}.part`;
  await mkdir(folder, {recursive: true});
  await writeFile(path.join(folder, name), beginning);
  return name;
}

async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '']);
  await new Promise(gone => child.once('close', gone));
  return child.pid!;
}
