/**
 * The unfinished downloads beside a file: one for each mirror and process, `NAME.MIRROR.PID.part`.
 * Source: rename(2), which only one process can win.   Lesson: none; lib/data/download.ts uses it.
 */
import {createHash} from 'node:crypto';
import {readdir, rename, rm} from 'node:fs/promises';
import path from 'node:path';
import {sizeOf} from './transfer';

/**
 * The name of this process's part of a file from one mirror. It takes over, by a rename that only
 * one process can win, what a process that no longer runs has left.
 */
export async function claimPart(target: string, url: string): Promise<string> {
  const mirror = createHash('sha256').update(url).digest('hex').slice(0, 8);
  const own = `${target}.${mirror}.${process.pid}.part`;
  if ((await sizeOf(own)) > 0) return own;
  for (const {name, pid} of await partsOf(target)) {
    if (!name.startsWith(`${path.basename(target)}.${mirror}.`) || isRunning(pid)) continue;
    try {
      await rename(path.join(path.dirname(target), name), own);
      break;
    } catch {
      continue; // another process was faster
    }
  }
  return own;
}

/** Removes the parts that no running process owns, and our own. */
export async function dropParts(target: string): Promise<void> {
  for (const {name, pid} of await partsOf(target)) {
    if (pid !== process.pid && isRunning(pid)) continue;
    await rm(path.join(path.dirname(target), name), {force: true});
  }
}

async function partsOf(target: string): Promise<{name: string; pid: number}[]> {
  const prefix = `${path.basename(target)}.`;
  return (await readdir(path.dirname(target))).flatMap(name => {
    const pid = /\.[0-9a-f]{8}\.(\d+)\.part$/.exec(name)?.[1];
    return pid !== undefined && name.startsWith(prefix) ? [{name, pid: Number(pid)}] : [];
  });
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
