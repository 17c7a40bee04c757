/**
 * How much memory a training step of the MMD transformer takes at its peak, in a process of its own.
 * Source: the README of Fraser-Greenlee/transformer-vae, "max run specs"; proc(5), VmHWM.   Lesson: notebooks/06-mmd-transformer-vae.
 */
import {execFile} from 'node:child_process';
import fs from 'node:fs';
import {promisify} from 'node:util';
import type {MmdTransformerConfig} from '../models/mmd-transformer';

/** A step to try: the model, and the batch. */
export interface StepTrial {
  readonly model: MmdTransformerConfig;
  /** B; sequences have the model's T tokens */
  readonly batch: number;
  /** As a graph (unless given), or eagerly. */
  readonly compiled?: boolean;
  /** Steps after the first, 3 unless given: their median is the time. */
  readonly steps?: number;
  /** Gives up after so many seconds; 120 unless given. */
  readonly seconds?: number;
}

export interface StepMeasurement {
  /** Resident memory at its peak during steps, less what was resident between them; in bytes */
  readonly peakBytes: number;
  /** Resident memory between steps, less what the process held before the model was made; in bytes */
  readonly heldBytes: number;
  /** Median time of a step, in milliseconds; longer than usual, since memory is fetched anew */
  readonly milliseconds: number;
}

const run = promisify(execFile);

/**
 * Makes glibc give every larger block back to the system when it is freed, and not keep it for later:
 * only then is resident memory what is in use.
 */
const GIVE_BACK = {
  MALLOC_MMAP_THRESHOLD_: String(2 ** 14),
  MALLOC_TRIM_THRESHOLD_: String(2 ** 16),
  MALLOC_MMAP_MAX_: String(2 ** 20),
};

/**
 * Runs a few training steps in a new process and reads how far its memory rose.
 *
 *   const {peakBytes} = await stepMemory({model: {...config, recomputeRate: 1}, batch: 8});
 *
 * The first step, which records the graph, does not count. Linux only: elsewhere there is no VmHWM.
 *
 * @throws Error where the system does not say how far memory rose, or the step fails or takes too long
 */
export async function stepMemory(trial: StepTrial): Promise<StepMeasurement> {
  if (!fs.existsSync('/proc/self/status')) {
    throw new Error('stepMemory: this system has no /proc; it measures on Linux only.');
  }
  const {seconds = 120} = trial;
  const probe = require.resolve('./step-memory-probe');
  try {
    const env = {...process.env, ...GIVE_BACK};
    const options = {timeout: seconds * 1000, maxBuffer: 2 ** 20, env};
    const {stdout} = await run(process.execPath, [probe, JSON.stringify(trial)], options);
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as StepMeasurement;
  } catch (error) {
    const {killed, stderr} = error as {killed?: boolean; stderr?: string};
    const why = killed === true ? `it took over ${seconds} s` : lastLine(stderr ?? String(error));
    throw new Error(`stepMemory: the step did not end: ${why}.`, {cause: error});
  }
}

function lastLine(text: string): string {
  const lines = text.split('\n').filter(line => /\S/.test(line));
  return lines.find(line => /^\w*Error: /.test(line)) ?? lines.at(-1) ?? 'no message';
}
