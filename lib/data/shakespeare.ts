/**
 * Lines of Shakespeare's plays: a public text to download, for those who want more than the grammar.
 * Source: Karpathy's char-rnn, data/tinyshakespeare (2015).   Lesson: notebooks/04-bart-vae.
 */
import path from 'node:path';
import {contentProblem} from './checksum';
import {download, type DownloadOptions, type RemoteFile} from './download';
import {dataFolder} from './folder';
import {MissingDataError} from './mnist';
import {readText, usable, type TextOptions} from './text-file';
import {sizeOf} from './transfer';

/** The file of a commit: it does not change, and its checksum is known. */
export const SHAKESPEARE: RemoteFile = {
  name: 'tinyshakespeare.txt',
  mirrors: [
    'https://raw.githubusercontent.com/karpathy/char-rnn/6f9487a6fe5b420b7ca9afb0d7c078e37c1d1b4e/data/tinyshakespeare/input.txt',
    'https://cdn.jsdelivr.net/gh/karpathy/char-rnn@6f9487a6fe5b420b7ca9afb0d7c078e37c1d1b4e/data/tinyshakespeare/input.txt',
  ],
  size: 1_115_394,
  sha256: '86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed',
  remedy: 'data/README.md says how to place the file by hand.',
};

export interface ShakespeareOptions
  extends TextOptions, Pick<DownloadOptions, 'silence' | 'onProgress' | 'signal'> {
  /** Where the file lies or is downloaded to; data/shakespeare unless given. */
  readonly folder?: string;
  /** Whether it may be downloaded where it is missing or damaged; true unless given. */
  readonly download?: boolean;
  readonly file?: RemoteFile;
}

/**
 * The lines that somebody speaks, in the plays' order, without the names of the speakers.
 * @throws DownloadError when no mirror gives the file; DiskError when it cannot be written;
 *   MissingDataError when it is not there and is not to be downloaded
 */
export async function loadShakespeare(options: ShakespeareOptions = {}): Promise<string[]> {
  const {file = SHAKESPEARE, folder = path.join(dataFolder(), 'shakespeare')} = options;
  const where = path.join(folder, file.name);
  const problem = (await sizeOf(where)) === 0 ? 'is not there' : await contentProblem(where, file);
  if (problem !== undefined) {
    if (options.download === false) {
      throw new MissingDataError(
        `${where} ${problem}, and nothing may be downloaded. ${file.remedy}`,
      );
    }
    await download(file, folder, options);
  }
  return usable(where, 'line', spoken(await readText(where)), {tooLong: 'skip', ...options});
}

/** Blocks are set apart by blank lines, and the first line of each names who speaks: "ROMEO:". */
function spoken(text: string): string[] {
  return text.split(/\n{2,}/).flatMap(block => {
    const [first = '', ...rest] = block.trim().split('\n');
    return first.endsWith(':') ? rest : [first, ...rest];
  });
}
