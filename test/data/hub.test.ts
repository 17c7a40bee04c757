import assert from 'node:assert/strict';
import {mkdtemp, readdir, readFile, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {after, afterEach, before, beforeEach, test} from 'node:test';
import {DownloadError} from 'latent-lib/data/download';
import {HubError, hubFolder, type HubOptions} from 'latent-lib/data/hub';
import {Random} from 'latent-lib/tensor/random';
import {COMMIT, FakeHub, REPOSITORY} from './fake-hub';
import {dropping, hanging, status, whole} from './files';

const random = new Random(9);
const model = Buffer.from(Uint8Array.from({length: 150_000}, () => random.integer(256)));
const config = Buffer.from('{"model_type": "bart"}\n');
const FILES = ['config.json', 'model.safetensors'];

let root: string;
let folder: string;
let hub: FakeHub;
before(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'hub-'));
});
beforeEach(async () => {
  folder = await mkdtemp(path.join(root, 'case-'));
  hub = await FakeHub.start({'config.json': config}, {'model.safetensors': model});
});
afterEach(() => hub.stop());
after(() => rm(root, {recursive: true}));

const get = (options: Partial<HubOptions> = {}) =>
  hubFolder({
    repository: REPOSITORY,
    files: FILES,
    folder,
    endpoint: hub.url,
    silence: 600,
    ...options,
  });
const read = (where: string, name: string) => readFile(path.join(where, name));

test('small and large files come from where the hub points to, and are what it says', async () => {
  const got = await get({optional: ['tokenizer.json']});
  assert.equal(got, path.join(folder, 'someone--small-bart', COMMIT));
  assert.deepEqual(await read(got, 'config.json'), config);
  assert.deepEqual(await read(got, 'model.safetensors'), model);
  assert.deepEqual((await readdir(got)).sort(), FILES);
  assert.deepEqual(hub.asked, [
    `HEAD /${REPOSITORY}/resolve/main/config.json`,
    `HEAD /${REPOSITORY}/resolve/${COMMIT}/model.safetensors`,
    `HEAD /${REPOSITORY}/resolve/${COMMIT}/tokenizer.json`,
    `GET /${REPOSITORY}/resolve/${COMMIT}/config.json`,
    `GET /${REPOSITORY}/resolve/${COMMIT}/model.safetensors`,
    'GET cdn /model.safetensors',
  ]);
});

test('what is there needs no network, and a branch stays at its commit', async () => {
  const got = await get({optional: ['tokenizer.json']});
  hub.commit = 'f'.repeat(40);
  const count = hub.asked.length;
  assert.equal(await get({optional: ['tokenizer.json']}), got);
  assert.equal(await get({revision: COMMIT, endpoint: 'http://127.0.0.1:9'}), got);
  assert.equal(hub.asked.length, count);
  const fresh = await get({folder: path.join(folder, 'fresh')});
  assert.equal(path.basename(fresh), hub.commit);
});

test('a broken connection is taken up where it stopped, through the redirect', async () => {
  hub.storage = bytes => dropping(bytes, 60_000);
  const got = await get();
  assert.deepEqual(await read(got, 'model.safetensors'), model);
  assert.equal(hub.ranges[0], undefined);
  assert.equal(hub.ranges[1], 'bytes=60000-');
});

test('an interrupted download is resumed by the next, of the commit that it was', async () => {
  hub.storage = bytes => hanging(bytes, 90_000);
  await assert.rejects(
    get(),
    /model\.safetensors: no mirror gave it\.\n.*silent for 0\.6 s\nRun this again/,
  );
  assert.deepEqual(await readdir(path.join(folder, 'someone--small-bart')), [COMMIT]);
  await assert.rejects(read(path.join(folder, 'someone--small-bart', COMMIT), 'model.safetensors'));
  hub.storage = bytes => dropping(bytes, bytes.length);
  hub.ranges.length = 0;
  const got = await get();
  assert.deepEqual(hub.ranges, ['bytes=90000-']);
  assert.deepEqual(await read(got, 'model.safetensors'), model);
});

test('what is cut short, or other than the hub says, is not kept', async () => {
  const wrong = Buffer.from(model);
  wrong[70_000] = wrong[70_000]! ^ 1;
  const bad: readonly [Buffer, RegExp][] = [
    [model.subarray(0, 5000), /has 5000 bytes, expected 150000/],
    [wrong, /has sha256 [0-9a-f]{64}, expected [0-9a-f]{64}/],
    [Buffer.from('<!DOCTYPE html><title>Please sign in</title>'), /a web page, not the file/],
  ];
  for (const [bytes, reason] of bad) {
    hub.storage = () => whole(bytes);
    await assert.rejects(get(), (error: unknown) => {
      assert.ok(error instanceof DownloadError);
      assert.match(error.message, reason);
      return true;
    });
  }
  hub.storage = () => status(404);
  await assert.rejects(get(), /HTTP 404 Not Found/);
  const left = await readdir(path.join(folder, 'someone--small-bart', COMMIT));
  assert.deepEqual(left, ['config.json']);
});

test('a small file is checked by git’s name for it', async () => {
  hub.headers = all => ({...all, ...('location' in all ? {} : {etag: `W/"${'a'.repeat(40)}"`})});
  await assert.rejects(get(), /has git blob [0-9a-f]{40}, expected a{40}/);
});

test('where the hub does not say how long a large file is, its storage is asked', async () => {
  hub.headers = all =>
    Object.fromEntries(Object.entries(all).filter(([name]) => name !== 'x-linked-size'));
  const got = await get();
  assert.deepEqual(await read(got, 'model.safetensors'), model);
  assert.deepEqual(hub.ranges, ['bytes=0-0', undefined]);
});

test('a repository that was renamed is found where it is now', async () => {
  const got = await get({repository: 'someone/old-name'});
  assert.deepEqual(await read(got, 'model.safetensors'), model);
});

test('what the hub does not have is said plainly', async () => {
  const cases: readonly [Partial<HubOptions>, RegExp][] = [
    [{files: ['pytorch_model.bin']}, /someone\/small-bart: has no pytorch_model\.bin at main/],
    [{repository: 'nobody/nothing'}, /no such repository, or it is not public/],
    [{revision: 'v2'}, /the repository has no such revision/],
    [{download: false}, /are not in .*someone--small-bart, and nothing is to be downloaded/],
    [{endpoint: 'http://127.0.0.1:9'}, /What was downloaded before needs no network/],
  ];
  for (const [change, reason] of cases) {
    await assert.rejects(get(change), (error: unknown) => {
      assert.ok(error instanceof HubError);
      assert.match(error.message, reason);
      return true;
    });
  }
});

test('a server that is no hub is not believed', async () => {
  const cases: readonly [Record<string, string | undefined>, RegExp][] = [
    [{'x-repo-commit': undefined}, /names no commit: not a hub/],
    [{etag: '"12-abc"'}, /names no checksum, but ""12-abc""/],
    [{'content-length': undefined}, /does not say how long/],
  ];
  for (const [change, reason] of cases) {
    hub.headers = all => {
      const merged = Object.entries({...all, ...change});
      return Object.fromEntries(
        merged.filter((pair): pair is [string, string] => pair[1] !== undefined),
      );
    };
    await assert.rejects(get(), reason);
  }
});

test('a damaged record is made anew, and names that lead elsewhere are refused', async () => {
  await get();
  const record = path.join(folder, 'someone--small-bart', 'main.json');
  await writeFile(record, '{"commit": "../../x"');
  await get();
  assert.equal(await readFile(record, 'utf8'), `{"commit":"${COMMIT}","absent":[]}\n`);
  await assert.rejects(
    get({files: ['../config.json']}),
    /"\.\.\/config\.json" is no name of a file/,
  );
  await assert.rejects(get({repository: 'a/b/c'}), /expected OWNER\/NAME/);
  await assert.rejects(get({revision: '..'}), /revision is "\.\.", no name/);
  await assert.rejects(get({files: []}), /files is empty/);
});
