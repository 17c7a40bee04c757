/**
 * Files for the tests of data/: IDX bytes, and a local server that plays good and bad mirrors.
 * Source: RFC 9110 for the answers.   Lesson: none.
 */
import {createHash} from 'node:crypto';
import {createServer, type IncomingMessage, type Server, type ServerResponse} from 'node:http';
import type {AddressInfo} from 'node:net';

/** The bytes of an IDX file of unsigned bytes. */
export function idx(shape: readonly number[], values: Uint8Array): Buffer {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header.writeUInt32BE(0x0800 + shape.length);
  shape.forEach((length, axis) => header.writeUInt32BE(length, 4 + 4 * axis));
  return Buffer.concat([header, values]);
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** A server on a loopback port that answers as the test says and remembers what was asked. */
export class Mirror {
  readonly asked: {readonly url: string; readonly range: string | undefined}[] = [];

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  /** @param answers one for each path, e.g. {'/digits': whole(bytes)}; `port` 0 takes a free one */
  static async start(answers: Readonly<Record<string, Answer>>, port = 0): Promise<Mirror> {
    const server = createServer((request, response) => {
      const path = request.url ?? '';
      mirror.asked.push({url: path, range: request.headers.range});
      const answer = answers[path];
      if (answer === undefined) response.writeHead(404).end();
      else answer(request, response);
    });
    await new Promise<void>(listening => server.listen(port, '127.0.0.1', listening));
    const mirror = new Mirror(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    return mirror;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise(closed => this.server.close(closed));
  }
}

/** Sends the file, or the range asked for. */
export function ranged(bytes: Uint8Array): Answer {
  return (request, response) => {
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    if (start >= bytes.length) {
      response.writeHead(416, {'content-range': `bytes */${bytes.length}`}).end();
      return;
    }
    const headers = {'content-length': bytes.length - start};
    const range = {'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}`};
    response.writeHead(start > 0 ? 206 : 200, start > 0 ? {...headers, ...range} : headers);
    response.end(bytes.subarray(start));
  };
}

/** Sends the whole file whatever range is asked for. */
export function whole(bytes: Uint8Array): Answer {
  return (_, response) => {
    response.writeHead(200, {'content-length': bytes.length}).end(bytes);
  };
}

/** Sends at most `count` bytes of what it should, then drops the connection. */
export function dropping(bytes: Uint8Array, count: number): Answer {
  return (request, response) => {
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const range = {'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}`};
    response.writeHead(start > 0 ? 206 : 200, {
      'content-length': bytes.length - start,
      ...(start > 0 ? range : {}),
    });
    const end = Math.min(start + count, bytes.length);
    if (end === bytes.length) response.end(bytes.subarray(start));
    else
      response.write(bytes.subarray(start, end), () => setTimeout(() => response.destroy(), 300));
  };
}

/** Sends `count` bytes and then nothing, keeping the connection open. */
export function hanging(bytes: Uint8Array, count: number): Answer {
  return (_, response) => {
    response.writeHead(200, {'content-length': bytes.length});
    response.write(bytes.subarray(0, count));
  };
}

export function status(code: number): Answer {
  return (_, response) => {
    response.writeHead(code).end('<html>sorry</html>');
  };
}
