/**
 * What the hub says of one file before it sends it: its commit, size and checksum.
 * Source: the headers X-Repo-Commit, X-Linked-Etag and X-Linked-Size of the hub's resolve addresses.   Lesson: none; hub.ts uses it.
 */

/** The hub does not have something, or does not answer as a hub does. */
export class HubError extends Error {
  override readonly name = 'HubError';
}

export interface HubFile {
  readonly name: string;
  /** Where it is at that commit */
  readonly url: string;
  readonly commit: string;
  /** In bytes */
  readonly size: number;
  /** One of the two is known: large files are named by their SHA-256, small ones as git does. */
  readonly sha256: string | undefined;
  readonly gitBlob: string | undefined;
}

export interface HubQuestion {
  /** Without a slash at the end */
  readonly endpoint: string;
  readonly repository: string;
  readonly revision: string;
  readonly name: string;
  /** The longest time to wait for an answer, in milliseconds */
  readonly silence: number;
  readonly signal?: AbortSignal | undefined;
}

/** The hub redirects within itself (a renamed repository) before it points to where the bytes are. */
const REDIRECTS = 5;

/**
 * Asks for the headers of a file.
 * @returns undefined when the repository has no such file at that revision
 * @throws HubError when there is no such repository or revision, or the answer lacks what a hub says
 */
export async function hubFile(question: HubQuestion): Promise<HubFile | undefined> {
  const {endpoint, repository, revision, name} = question;
  const address = (at: string) =>
    `${endpoint}/${repository}/resolve/${encodeURIComponent(at)}/${name}`;
  const answer = await ask(address(revision), question);
  const {headers, status} = answer;
  const say = (what: string) => new HubError(`${address(revision)}: ${what}`);
  if (status >= 400) {
    const code = headers.get('x-error-code') ?? (status === 401 ? 'RepoNotFound' : null);
    if (code === 'EntryNotFound') return undefined;
    throw say(REASONS[code ?? ''] ?? `HTTP ${status}${code === null ? '' : ` ${code}`}`);
  }
  const commit = headers.get('x-repo-commit');
  const etag = headers.get('x-linked-etag') ?? headers.get('etag');
  const size = Number(await length(answer, address(revision), question));
  if (commit === null || !/^[0-9a-f]{40}$/.test(commit)) throw say('names no commit: not a hub?');
  const checksum = /^(?:W\/)?"?([0-9a-f]{40}|[0-9a-f]{64})"?$/.exec(etag ?? '')?.[1];
  if (checksum === undefined) throw say(`names no checksum, but "${etag ?? ''}".`);
  if (!Number.isSafeInteger(size) || size < 0) throw say('does not say how long the file is.');
  const isSha256 = checksum.length === 64;
  return {
    name,
    url: address(commit),
    commit,
    size,
    sha256: isSha256 ? checksum : undefined,
    gitBlob: isSha256 ? undefined : checksum,
  };
}

/**
 * The file's length. A redirect's own is that of its text: where the hub does not say the file's, the
 * storage does, when it is asked for the first byte.
 */
async function length(
  {headers, status}: Response,
  url: string,
  question: HubQuestion,
): Promise<string | undefined> {
  const linked = headers.get('x-linked-size');
  const location = headers.get('location');
  if (linked !== null || status < 300 || location === null) {
    return linked ?? headers.get('content-length') ?? undefined;
  }
  const first = {method: 'GET', redirect: 'follow', headers: {range: 'bytes=0-0'}} as const;
  const response = await request(new URL(location, url).href, first, question);
  await response.body?.cancel();
  return /\/(\d+)$/.exec(response.headers.get('content-range') ?? '')?.[1];
}

/** Follows redirects up to the answer that says what the file is, which may itself be one. */
async function ask(url: string, question: HubQuestion): Promise<Response> {
  const head = {
    method: 'HEAD',
    redirect: 'manual',
    headers: {'accept-encoding': 'identity'}, // else the length would not be the file's
  } as const;
  let at = url;
  for (let count = 0; count <= REDIRECTS; count++) {
    const response = await request(at, head, question);
    const location = response.headers.get('location');
    const isRedirect = response.status >= 300 && response.status < 400 && location !== null;
    if (!isRedirect || response.headers.has('x-linked-etag')) return response;
    at = new URL(location, at).href;
  }
  throw new HubError(`${url}: redirects more than ${REDIRECTS} times.`);
}

async function request(
  url: string,
  what: RequestInit,
  {silence, signal}: HubQuestion,
): Promise<Response> {
  const controller = new AbortController();
  const abort = () => controller.abort();
  const timer = setTimeout(abort, silence);
  signal?.addEventListener('abort', abort);
  try {
    signal?.throwIfAborted();
    return await fetch(url, {...what, signal: controller.signal});
  } catch (error) {
    signal?.throwIfAborted();
    const cause = (error as Error).cause as NodeJS.ErrnoException | undefined;
    const reason = controller.signal.aborted
      ? `no answer in ${silence / 1000} s`
      : (cause?.code ?? (error as Error).message);
    throw new HubError(`${url}: ${reason}. What was downloaded before needs no network.`, {cause});
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  RepoNotFound: 'the hub has no such repository, or it is not public.',
  RevisionNotFound: 'the repository has no such revision.',
  GatedRepo: 'its licence must be accepted on the hub first; download it there by hand.',
};
