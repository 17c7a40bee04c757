/**
 * A file is written whole or not at all: beside its place first, then moved into it.
 * Source: rename(2) and fsync(2).   Lesson: none; checkpoints use it.
 */
import fs from 'node:fs';
import path from 'node:path';

/**
 * Writes a file so that its path always holds the old bytes or the new ones: a temporary file in
 * the same folder, brought to the disk (fsync), then renamed. Folders on the way are made. What a
 * killed process left behind is cleared by the next write to the same path.
 *
 * @throws Error naming the path and the reason, e.g. a full disk; the old file stays as it was
 */
export function writeWhole(target: string, bytes: Uint8Array): void {
  const folder = path.dirname(target);
  const part = path.join(folder, `${partPrefix(target)}${process.pid}`);
  try {
    fs.mkdirSync(folder, {recursive: true});
    clearLeftovers(target);
    writeToDisk(part, bytes);
    fs.renameSync(part, target);
    syncFolder(folder);
  } catch (error) {
    discard(part);
    const reason = error instanceof Error ? error.message : String(error);
    const what = `writeWhole: ${target} was not written; what was there is untouched. ${reason}`;
    throw new Error(what, {cause: error});
  }
}

function writeToDisk(part: string, bytes: Uint8Array): void {
  const file = fs.openSync(part, 'w');
  try {
    fs.writeFileSync(file, bytes);
    fs.fsyncSync(file);
  } finally {
    fs.closeSync(file);
  }
}

function discard(part: string): void {
  try {
    fs.unlinkSync(part);
  } catch {
    // it was never made, or has been moved into place already
  }
}

/** Brings the rename itself to the disk, where the system lets a folder be opened. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const handle = fs.openSync(folder, 'r');
  try {
    fs.fsyncSync(handle);
  } finally {
    fs.closeSync(handle);
  }
}

function partPrefix(target: string): string {
  return `.${path.basename(target)}.part-`;
}

/** Removes temporary files of processes that are no more. */
function clearLeftovers(target: string): void {
  const prefix = partPrefix(target);
  for (const name of fs.readdirSync(path.dirname(target))) {
    const pid = Number(name.startsWith(prefix) ? name.slice(prefix.length) : NaN);
    if (Number.isInteger(pid) && !isAlive(pid)) {
      fs.rmSync(path.join(path.dirname(target), name), {force: true});
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
