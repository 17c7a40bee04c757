/**
 * One HTTP transfer into a file that may hold the beginning already: asks for the rest, writes as it arrives.
 * Source: RFC 9110, sections 14 (range requests) and 15.3.7 (206).   Lesson: none; data/README.md says what is fetched.
 */
import {open, stat} from 'node:fs/promises';

/** The disk refused: full, read-only, no permission. No other mirror can help. */
export class DiskError extends Error {
  override readonly name = 'DiskError';
}

/** What a transfer writes through: a FileHandle of node:fs/promises, or a stand-in for it. */
export interface WritableFile {
  writeFile(bytes: Uint8Array): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}
export type OpenFile = (path: string, flags: 'a' | 'w') => Promise<WritableFile>;

export interface TransferOptions {
  /** The longest silence in milliseconds, before the answer and between its parts. */
  readonly silence: number;
  /** More bytes than the file can have: a server that sends more sends something else. */
  readonly most: number;
  readonly onBytes?: ((received: number, total: number | undefined) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly open?: OpenFile | undefined;
}

/**
 * Brings `part` up to the whole of what is at `url`. What arrived stays in `part` when it fails.
 * @returns how many bytes `part` had before and kept; 0 where the server sent the file from its start
 * @throws DiskError when writing fails; Error with the reason when the server or the network does
 */
export async function transfer(
  url: string,
  part: string,
  options: TransferOptions,
): Promise<number> {
  const have = await sizeOf(part);
  const watch = new Watch(options.silence, options.signal);
  try {
    const response = await fetch(url, {
      // Any other encoding would be undone on the way, and its lengths would not be the file's.
      headers: {
        'accept-encoding': 'identity',
        ...(have > 0 ? {range: `bytes=${have}-`} : {}),
      },
      signal: watch.signal,
    });
    // Nothing lies beyond what we have: it may be the whole file. The caller's checksum decides.
    if (response.status === 416 && have > 0) return have;
    if (!response.ok) throw new Error(`HTTP ${response.status} ${response.statusText}`.trim());
    const start = response.status === 206 ? rangeStart(response) : 0;
    if (start !== 0 && start !== have) {
      throw new Error(`asked for bytes from ${have}, got them from ${start}`);
    }
    await write(response, start, part, watch, options);
    return start;
  } catch (error) {
    throw watch.explain(error);
  } finally {
    watch.stop();
  }
}

async function write(
  response: Response,
  start: number,
  part: string,
  watch: Watch,
  options: TransferOptions,
): Promise<void> {
  const total = totalLength(response, start);
  let received = start;
  const body = response.body?.getReader();
  if (body === undefined) throw new Error('an answer without a body');
  const file = await onDisk(part, () => (options.open ?? open)(part, start > 0 ? 'a' : 'w'));
  try {
    options.onBytes?.(received, total);
    for (;;) {
      const read = (await body.read()) as {done: boolean; value?: Uint8Array};
      const bytes = read.value;
      if (read.done || bytes === undefined) break;
      watch.heard();
      if (received + bytes.length > options.most) {
        throw new Error(`sends more than ${options.most} bytes: not this file`);
      }
      await onDisk(part, () => file.writeFile(bytes));
      received += bytes.length;
      options.onBytes?.(received, total);
    }
    await onDisk(part, () => file.sync());
  } finally {
    await file.close();
  }
  if (total !== undefined && received !== total) {
    throw new Error(`cut short: ${received} of ${total} bytes`);
  }
}

/** Bytes of a file; 0 where there is none. */
export async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch {
    return 0;
  }
}

/** Does something on disk; a failure becomes a DiskError that names the path. */
export async function onDisk<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    const {code, message} = error as NodeJS.ErrnoException;
    const what = code === 'ENOSPC' || code === 'EDQUOT' ? 'the disk is full' : 'cannot write';
    throw new DiskError(`${path}: ${what} (${code ?? message})`, {cause: error});
  }
}

function rangeStart(response: Response): number {
  const range = response.headers.get('content-range') ?? '';
  const start = /^bytes (\d+)-/.exec(range)?.[1];
  if (start === undefined) throw new Error(`HTTP 206 with content-range "${range}"`);
  return Number(start);
}

/** The whole file's length, where the server says it and no content encoding hides it. */
function totalLength(response: Response, start: number): number | undefined {
  const length = response.headers.get('content-length');
  const encoding = response.headers.get('content-encoding') ?? 'identity';
  return length === null || encoding !== 'identity' ? undefined : start + Number(length);
}

/** Ends a transfer after too long a silence, or when the caller's signal says so. */
class Watch {
  private readonly controller = new AbortController();
  private timer: NodeJS.Timeout;
  private answered = false;
  private silent = false;
  private readonly abort = () => this.controller.abort();

  constructor(
    private readonly silence: number,
    private readonly outer: AbortSignal | undefined,
  ) {
    this.timer = this.start();
    if (outer?.aborted === true) this.abort();
    outer?.addEventListener('abort', this.abort);
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  heard(): void {
    this.answered = true;
    clearTimeout(this.timer);
    this.timer = this.start();
  }

  stop(): void {
    clearTimeout(this.timer);
    this.outer?.removeEventListener('abort', this.abort);
    this.abort(); // closes the connection of a transfer that ended early
  }

  /** The reason behind an error: fetch hides it in `cause`, an abort says only that it was one. */
  explain(error: unknown): Error {
    if (error instanceof DiskError || !(error instanceof Error)) return error as Error;
    if (this.silent) {
      const seconds = this.silence / 1000;
      return new Error(this.answered ? `silent for ${seconds} s` : `no answer in ${seconds} s`);
    }
    const cause = error.cause as NodeJS.ErrnoException | undefined;
    if (cause === undefined) return error;
    return new Error(WORDS[cause.code ?? ''] ?? `${cause.code ?? ''} ${cause.message}`.trim());
  }

  private start(): NodeJS.Timeout {
    return setTimeout(() => {
      this.silent = true;
      this.abort();
    }, this.silence);
  }
}

const WORDS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'the name is not known (ENOTFOUND: no network?)',
  EAI_AGAIN: 'the name cannot be looked up (EAI_AGAIN: no network?)',
  ECONNREFUSED: 'the connection is refused (ECONNREFUSED)',
  ECONNRESET: 'the connection was dropped (ECONNRESET)',
  UND_ERR_SOCKET: 'the connection was dropped',
};
