/**
 * A hub on loopback ports: it answers for files' headers itself and sends large ones to another server.
 * Source: the hub's answers, as huggingface_hub 2 reads them.   Lesson: none.
 */
import {createHash} from 'node:crypto';
import {createServer, type IncomingMessage, type Server, type ServerResponse} from 'node:http';
import type {AddressInfo} from 'node:net';
import {ranged, sha256, type Answer} from './files';

export const COMMIT = '0123456789abcdef0123456789abcdef01234567';
export const REPOSITORY = 'someone/small-bart';

/** Git's name of a file's contents. */
export function gitBlob(bytes: Uint8Array): string {
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
}

export class FakeHub {
  /** What was asked, e.g. 'HEAD /someone/small-bart/resolve/main/config.json' or 'GET cdn …' */
  readonly asked: string[] = [];
  /** Ranges of the storage's requests */
  readonly ranges: (string | undefined)[] = [];
  /** How the storage sends a file; whole or in ranges unless set */
  storage: (bytes: Uint8Array) => Answer = ranged;
  commit = COMMIT;
  /** Changes the headers of an answer about a file */
  headers: (all: Record<string, string>) => Record<string, string> = all => all;

  private constructor(
    private readonly hub: Server,
    private readonly cdn: Server,
    readonly url: string,
    private readonly cdnUrl: string,
  ) {}

  /** @param small kept as git keeps them @param large kept by their SHA-256, elsewhere */
  static async start(
    small: Readonly<Record<string, Uint8Array>>,
    large: Readonly<Record<string, Uint8Array>>,
  ): Promise<FakeHub> {
    const hub = createServer((request, response) => fake.answer(request, response, small, large));
    const cdn = createServer((request, response) => {
      fake.asked.push(`${request.method} cdn ${request.url}`);
      fake.ranges.push(request.headers.range);
      const {length} = large[path(request)] ?? [];
      if (request.headers.range === 'bytes=0-0') {
        response.writeHead(206, {'content-range': `bytes 0-0/${length}`}).end('?');
        return;
      }
      fake.storage(large[path(request)] ?? new Uint8Array())(request, response);
    });
    const [url, cdnUrl] = [await listen(hub), await listen(cdn)];
    const fake = new FakeHub(hub, cdn, url, cdnUrl);
    return fake;
  }

  async stop(): Promise<void> {
    for (const server of [this.hub, this.cdn]) {
      server.closeAllConnections();
      await new Promise(closed => server.close(closed));
    }
  }

  private answer(
    request: IncomingMessage,
    response: ServerResponse,
    small: Readonly<Record<string, Uint8Array>>,
    large: Readonly<Record<string, Uint8Array>>,
  ): void {
    this.asked.push(`${request.method} ${request.url}`);
    const [, owner, name, , revision = '', ...rest] = (request.url ?? '').split('/');
    const file = rest.join('/');
    const refuse = (status: number, code: string) => {
      response.writeHead(status, {'x-error-code': code}).end(`<html>${code}</html>`);
    };
    if (`${owner}/${name}` === 'someone/old-name') {
      const location = (request.url ?? '').replace('old-name', 'small-bart');
      response.writeHead(307, {location}).end();
      return;
    }
    if (`${owner}/${name}` !== REPOSITORY) return refuse(401, 'RepoNotFound');
    if (!['main', 'v1', this.commit].includes(revision)) return refuse(404, 'RevisionNotFound');
    const common = {'x-repo-commit': this.commit};
    if (Object.hasOwn(small, file)) {
      const bytes = small[file]!;
      const headers = {'content-length': `${bytes.length}`, etag: `"${gitBlob(bytes)}"`, ...common};
      response.writeHead(200, this.headers(headers));
      response.end(request.method === 'HEAD' ? undefined : bytes);
      return;
    }
    if (!Object.hasOwn(large, file)) return refuse(404, 'EntryNotFound');
    const bytes = large[file]!;
    const headers = {
      location: `${this.cdnUrl}/${file}`,
      'x-linked-etag': `"${sha256(bytes)}"`,
      'x-linked-size': `${bytes.length}`,
      'content-length': '11', // of the redirect's own text
      ...common,
    };
    response
      .writeHead(302, this.headers(headers))
      .end(request.method === 'HEAD' ? '' : 'Found. See…');
  }
}

function path(request: IncomingMessage): string {
  return (request.url ?? '').slice(1);
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>(listening => server.listen(0, '127.0.0.1', listening));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
