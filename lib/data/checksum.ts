/**
 * Says whether a file holds what it should, by size and checksum, reading it as a stream.
 * Source: NIST FIPS 180-4 (SHA-256, and git's SHA-1), as Node computes it.   Lesson: none; data/README.md lists the checksums.
 */
import {createHash} from 'node:crypto';
import {createReadStream} from 'node:fs';
import {open} from 'node:fs/promises';
import {pipeline} from 'node:stream/promises';
import {createGunzip} from 'node:zlib';
import {sizeOf} from './transfer';

/** What a file must hold. */
export interface Content {
  /** Hexadecimal; of the file, or of what it holds where `gunzipped` is set. */
  readonly sha256?: string | undefined;
  /** Git's name for the contents, where there is no SHA-256: the SHA-1 of 'blob SIZE', a zero and them. */
  readonly gitBlob?: string | undefined;
  /** In bytes, of the same. */
  readonly size: number;
  /**
   * Size and checksum are those of the decompressed contents, since mirrors may compress
   * differently. A file that is not compressed is then measured as it is.
   */
  readonly gunzipped?: boolean;
}

/** What is wrong with a file's size or checksum; undefined when nothing is. Reads it as a stream. */
export async function contentProblem(where: string, wanted: Content): Promise<string | undefined> {
  const onDiskSize = await sizeOf(where);
  const start = await firstBytes(where, 16);
  const zipped = wanted.gunzipped === true && start[0] === 0x1f && start[1] === 0x8b;
  const [kind, checksum] =
    wanted.sha256 === undefined ? ['git blob', wanted.gitBlob] : ['sha256', wanted.sha256];
  if (checksum === undefined) throw new TypeError(`${where}: neither sha256 nor gitBlob is given.`);
  const hash = createHash(kind === 'sha256' ? 'sha256' : 'sha1');
  if (kind !== 'sha256') hash.update(`blob ${wanted.size}\0`);
  let size = 0;
  const measure = async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) {
      size += chunk.length;
      if (size > wanted.size) return;
      hash.update(chunk);
    }
  };
  const gunzip = createGunzip();
  try {
    if (zipped) await pipeline(createReadStream(where), gunzip, measure);
    else await pipeline(createReadStream(where), measure);
  } catch (error) {
    // Leaving `measure` early aborts the pipeline, which is no fault of the file.
    if (size <= wanted.size) return `cannot be read whole (${(error as Error).message})`;
  }
  const trailing = zipped ? onDiskSize - gunzip.bytesWritten : 0;
  if (size === wanted.size && trailing > 0) return `has ${trailing} bytes after the gzip data`;
  const page = /^\s*<(!doctype|html)/i.test(start.toString('latin1'));
  const hint = page ? ': a web page, not the file' : '';
  if (size > wanted.size) return `has more than the expected ${wanted.size} bytes${hint}`;
  if (size < wanted.size) return `has ${size} bytes, expected ${wanted.size}${hint}`;
  const got = hash.digest('hex');
  if (got === checksum) return undefined;
  return `has ${kind} ${got}, expected ${checksum}${hint}`;
}

async function firstBytes(where: string, count: number): Promise<Buffer> {
  const handle = await open(where, 'r');
  try {
    const {buffer, bytesRead} = await handle.read(Buffer.alloc(count), 0, count, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
