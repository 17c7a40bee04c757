/**
 * Downloads a file from the first mirror that has it, checks it, and moves it into place whole.
 * Source: rule 10 of the design, "nothing is lost".   Lesson: none; data/README.md says what is fetched.
 */
import {mkdir, open, rename, rm} from 'node:fs/promises';
import path from 'node:path';
import {contentProblem, type Content} from './checksum';
import {claimPart, dropParts} from './parts';
import {DiskError, onDisk, sizeOf, transfer, type OpenFile} from './transfer';

/** A file to be had from several places, all with the same contents. */
export interface RemoteFile extends Content {
  /** Its name on disk. */
  readonly name: string;
  /** Addresses, tried in this order. */
  readonly mirrors: readonly string[];
  /** What to do when no mirror has it; the end of the error's message. */
  readonly remedy: string;
}

export interface DownloadProgress {
  readonly name: string;
  readonly url: string;
  /** Bytes on disk, of `total` where the server says how many there will be. */
  readonly received: number;
  readonly total: number | undefined;
}

export interface DownloadOptions {
  /** The longest silence of a server, in milliseconds; 10,000 unless given. */
  readonly silence?: number | undefined;
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Opens the file to write to, in place of node:fs. */
  readonly open?: OpenFile | undefined;
}

export interface Downloaded {
  readonly path: string;
  readonly url: string;
  /** How many bytes an earlier, interrupted download had left and this one kept. */
  readonly resumedFrom: number;
}

/** No mirror gave the file; says why for each, and what to do. */
export class DownloadError extends Error {
  override readonly name = 'DownloadError';

  constructor(
    readonly file: RemoteFile,
    readonly failures: readonly {readonly url: string; readonly reason: string}[],
  ) {
    const reasons = failures.map(({url, reason}) => `\n  ${url}: ${reason}`);
    super(`${file.name}: no mirror gave it.${reasons.join('')}\n${file.remedy}`);
  }
}

/** A connection that keeps breaking but brings new bytes each time is worth this many tries. */
const TRIES = 5;
const running = new Map<string, Promise<Downloaded>>();

/**
 * Downloads into `folder` under the file's name. What is there under that name stays until the new
 * file is complete and checked. A killed or failed download leaves a `.part` beside it, and the next
 * one goes on from there where the server can; two processes may download the same file at once.
 *
 * @throws DownloadError when no mirror gives the file; DiskError when it cannot be written
 */
export function download(
  file: RemoteFile,
  folder: string,
  options: DownloadOptions = {},
): Promise<Downloaded> {
  const target = path.resolve(folder, file.name);
  const already = running.get(target);
  if (already !== undefined) return already;
  const promise = tryMirrors(file, target, options).finally(() => running.delete(target));
  running.set(target, promise);
  return promise;
}

async function tryMirrors(
  file: RemoteFile,
  target: string,
  options: DownloadOptions,
): Promise<Downloaded> {
  const folder = path.dirname(target);
  await onDisk(folder, () => mkdir(folder, {recursive: true}));
  const failures: {url: string; reason: string}[] = [];
  for (const url of file.mirrors) {
    const part = await claimPart(target, url);
    try {
      const resumedFrom = await obtain(file, url, part, options);
      await onDisk(target, () => rename(part, target));
      await syncFolder(folder);
      await dropParts(target);
      return {path: target, url, resumedFrom};
    } catch (error) {
      options.signal?.throwIfAborted();
      const reason = error instanceof Error ? error.message : String(error);
      if (error instanceof DiskError) {
        throw new DiskError(
          `${reason}. No file there was changed; what has arrived is kept. ` +
            `Make room, or allow writing there, and run this again: it goes on where it stopped.`,
          {cause: error},
        );
      }
      failures.push({url, reason});
    }
  }
  throw new DownloadError(file, failures);
}

/** Fills `part` from one mirror and checks it; returns the bytes kept from an earlier download. */
async function obtain(
  file: RemoteFile,
  url: string,
  part: string,
  {silence = 10_000, onProgress, signal, open}: DownloadOptions,
): Promise<number> {
  // Compression adds at most a few bytes in 16 KiB to what it cannot shrink.
  const most = Math.ceil(file.size * 1.001) + 1024;
  const onBytes = (received: number, total: number | undefined) =>
    onProgress?.({name: file.name, url, received, total});
  const first = await sizeOf(part);
  for (let tries = 1; ; tries++) {
    const before = await sizeOf(part);
    let kept: number;
    try {
      kept = await transfer(url, part, {silence, most, onBytes, signal, open});
    } catch (error) {
      const gained = (await sizeOf(part)) > before;
      if (error instanceof DiskError || !gained || tries === TRIES) throw error;
      continue;
    }
    const problem = await contentProblem(part, file);
    if (problem === undefined) return Math.min(first, kept);
    await rm(part, {force: true});
    // A beginning from another day may have spoiled it; a file fetched in one go is simply wrong.
    if (kept === 0 || tries === TRIES) throw new Error(problem);
  }
}

/** Makes the rename last through a power cut; not every system can open a folder. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    await handle.sync().finally(() => handle.close());
  } catch {
    return;
  }
}
