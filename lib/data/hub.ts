/**
 * Files of a repository on the Hugging Face hub: looked up by commit, checked, kept under data/hub.
 * Source: the hub's resolve addresses and their headers, as huggingface_hub reads them.   Lesson: notebooks/04-bart-vae.
 *
 * The hub's JavaScript client neither resumes a download nor checks what arrived; this does both, with
 * the project's own downloads. The hub names each file's SHA-256, or git's name of a small one.
 */
import {existsSync, readFileSync} from 'node:fs';
import {mkdir, rename, writeFile} from 'node:fs/promises';
import path from 'node:path';
import {download, type DownloadOptions} from './download';
import {dataFolder, shown} from './folder';
import {hubFile, HubError, type HubFile} from './hub-file';
import {onDisk} from './transfer';

export {HubError};

export interface HubOptions extends Pick<DownloadOptions, 'silence' | 'onProgress' | 'signal'> {
  /** Its name on the hub, e.g. 'facebook/bart-base'. */
  readonly repository: string;
  /** What must be there, e.g. ['config.json', 'model.safetensors']. */
  readonly files: readonly string[];
  /** What is wanted if it is there. */
  readonly optional?: readonly string[] | undefined;
  /** A branch, a tag or a commit; 'main' unless given. A branch is looked up once, and then kept. */
  readonly revision?: string | undefined;
  /** Where the files are kept; data/hub unless given. */
  readonly folder?: string | undefined;
  /** The hub's address; HF_ENDPOINT or https://huggingface.co unless given. */
  readonly endpoint?: string | undefined;
  /** Whether what is missing may be downloaded; true unless given. */
  readonly download?: boolean | undefined;
}

/** What a revision was when it was looked up. */
interface Reference {
  readonly commit: string;
  /** Optional files that it did not have. */
  readonly absent: readonly string[];
}

const COMMIT = /^[0-9a-f]{40}$/;

/**
 * The folder that holds the files, all of one commit. What is there already needs no network; what is
 * not is downloaded, resumed where an earlier download stopped, checked, and moved into place whole.
 *
 *   await hubFolder({repository: 'facebook/bart-base', files: ['config.json', 'model.safetensors']})
 *
 * @throws HubError when the hub does not have it or does not answer as a hub; DownloadError when a
 *   file does not arrive as it should; DiskError when it cannot be written; RangeError for names that
 *   are none
 */
export async function hubFolder(options: HubOptions): Promise<string> {
  const {repository, files, optional = [], revision = 'main'} = options;
  demandNames(repository, revision, [...files, ...optional]);
  const base = options.folder ?? path.join(dataFolder(), 'hub');
  const root = path.join(base, repository.replace('/', '--'));
  const record = path.join(root, `${revision.replace('/', '--')}.json`);
  const known =
    readReference(record) ?? (COMMIT.test(revision) ? {commit: revision, absent: []} : undefined);
  const isHere = (commit: string, file: string) => existsSync(path.join(root, commit, file));
  if (known !== undefined) {
    const {commit, absent} = known;
    const wanted = [...files, ...optional.filter(file => !absent.includes(file))];
    if (wanted.every(file => isHere(commit, file))) return path.join(root, commit);
  }
  if (options.download === false) {
    throw new HubError(
      `${repository}: ${files.join(', ')} at ${revision} are not in ${shown(root)}, and nothing is to be downloaded.`,
    );
  }
  const found = await lookUp(options, known?.commit ?? revision);
  const commit = found.commit;
  const folder = path.join(root, commit);
  for (const file of found.files) {
    if (!isHere(commit, file.name)) await download(remote(file, options, folder), folder, options);
  }
  await remember(record, {commit, absent: found.absent});
  return folder;
}

/** Asks for all files before one is downloaded; all at the commit that the first was of. */
async function lookUp(
  options: HubOptions,
  revision: string,
): Promise<Reference & {readonly files: readonly HubFile[]}> {
  const {repository, files, optional = [], silence = 10_000, signal} = options;
  const named = process.env['HF_ENDPOINT'];
  const fallback = named === undefined || named === '' ? 'https://huggingface.co' : named;
  const endpoint = (options.endpoint ?? fallback).replace(/\/+$/, '');
  const ask = (name: string, at: string) =>
    hubFile({endpoint, repository, revision: at, name, silence, signal});
  let at = revision;
  const there: HubFile[] = [];
  const absent: string[] = [];
  for (const name of [...files, ...optional]) {
    const found = await ask(name, at);
    if (found !== undefined) {
      at = found.commit;
      there.push(found);
    } else if (optional.includes(name)) {
      absent.push(name);
    } else {
      throw new HubError(`${repository}: has no ${name} at ${revision}.`);
    }
  }
  return {commit: at, absent, files: there};
}

function remote({name, url, size, sha256, gitBlob}: HubFile, options: HubOptions, folder: string) {
  const remedy =
    `Run this again: it goes on where it stopped. Or put ${name} of ${options.repository} ` +
    `into ${shown(folder)} by hand.`;
  return {name, mirrors: [url], size, sha256, gitBlob, remedy};
}

/** Written last, and whole: a revision counts as known when all its files are there. */
async function remember(file: string, reference: Reference): Promise<void> {
  const beside = `${file}.${process.pid}`;
  await onDisk(file, async () => {
    await mkdir(path.dirname(file), {recursive: true});
    await writeFile(beside, `${JSON.stringify(reference)}\n`);
    await rename(beside, file);
  });
}

function readReference(file: string): Reference | undefined {
  if (!existsSync(file)) return undefined;
  try {
    const {commit, absent} = JSON.parse(readFileSync(file, 'utf8')) as Partial<Reference>;
    return COMMIT.test(commit ?? '') && Array.isArray(absent)
      ? {commit: commit!, absent}
      : undefined;
  } catch {
    return undefined; // looked up anew, and written anew
  }
}

function demandNames(repository: string, revision: string, files: readonly string[]): void {
  const isName = (name: string) =>
    /^[\w.-]+(\/[\w.-]+)*$/.test(name) && name.split('/').every(part => !/^\.\.?$/.test(part));
  if (!isName(repository) || repository.split('/').length > 2) {
    throw new RangeError(`hubFolder: repository is "${repository}", expected OWNER/NAME.`);
  }
  if (!isName(revision)) throw new RangeError(`hubFolder: revision is "${revision}", no name.`);
  const bad = files.find(file => !isName(file));
  if (bad !== undefined) throw new RangeError(`hubFolder: "${bad}" is no name of a file.`);
  if (files.length === 0) throw new RangeError('hubFolder: files is empty.');
}
