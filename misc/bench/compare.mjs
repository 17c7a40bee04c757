/**
 * One model's comparison: everybody is started, then everybody runs a little in each round.
 */
import fs from 'node:fs';
import os from 'node:os';
import {median, quantile, ratio} from './statistics.mjs';

/** @typedef {import('./participants.mjs').Participant} Participant */
/** @typedef {import('./runner.mjs').Ready} Ready */
/** @typedef {import('./runner.mjs').Round} Round */

/**
 * One participant's result. Times of a step in milliseconds.
 * @typedef {object} Result
 * @property {string} label
 * @property {Participant['kind']} kind
 * @property {number} median
 * @property {number} low the 10th percentile
 * @property {number} high the 90th
 * @property {number} steps how many were timed
 * @property {number} processor milliseconds of processor time a step, of all cores together
 * @property {{median: number, low: number, high: number}} times how many times as long as ours
 * @property {number} loss over the last round
 * @property {number} peakMegabytes
 * @property {number} firstStepSeconds
 * @property {number} importSeconds
 * @property {Record<string, string>} versions
 * @property {Ready['recording']} [recording]
 */

/**
 * A model's results.
 * @typedef {object} Comparison
 * @property {import('./participants.mjs').ModelName} model
 * @property {number} weights
 * @property {Result[]} results ours first
 * @property {number} others how many cores other processes kept busy meanwhile
 * @property {{label: string, why: string}[]} absent who could not run
 */

/**
 * @param {import('./participants.mjs').ModelName} model
 * @param {readonly Participant[]} participants ours first
 * @param {{rounds: number, seconds: number, data: string, say: (text: string) => void}} options
 * @returns {Promise<Comparison>}
 */
export async function compare(model, participants, {rounds, seconds, data, say}) {
  /** @type {{participant: Participant, runner: import('./runner.mjs').Runner, ready: Ready, rounds: Round[]}[]} */
  const running = [];
  /** @type {Comparison['absent']} */
  const absent = [];
  try {
    for (const participant of participants) {
      say(`${model}: starting ${participant.label}`);
      const runner = participant.start(data);
      try {
        running.push({participant, runner, ready: await runner.ready(), rounds: []});
      } catch (error) {
        runner.end();
        if (participant.kind === 'ours') throw error;
        absent.push({label: participant.label, why: String(error)});
      }
    }
    const before = busy();
    const start = performance.now();
    for (let round = 0; round < rounds; round++) {
      say(`${model}: round ${round + 1} of ${rounds}`);
      // Each round starts with somebody else, so that nobody always follows the same one.
      const order = running.map((_, place) => running[(place + round) % running.length]);
      for (const one of order) one?.rounds.push(await one.runner.run(seconds));
    }
    const span = (performance.now() - start) / 1e3;
    const all = busy() - before;
    const own = running.flatMap(({rounds}) => rounds.map(round => round.processorSeconds));
    const ours = running[0]?.rounds.map(({milliseconds}) => milliseconds) ?? [];
    return {
      model,
      weights: running[0]?.ready.weights ?? 0,
      results: running.map(({participant, ready, rounds}) => {
        const perRound = rounds.map(({milliseconds}) => milliseconds);
        const times = perRound.flat();
        const {label, kind} = participant;
        const {weights: _, ...about} = ready;
        return {
          label,
          kind,
          median: median(times),
          low: quantile(times, 0.1),
          high: quantile(times, 0.9),
          steps: times.length,
          processor: (sum(rounds.map(round => round.processorSeconds)) * 1e3) / times.length,
          times: ratio(perRound, ours),
          loss: rounds.at(-1)?.loss ?? NaN,
          peakMegabytes: Math.max(...rounds.map(({peakMegabytes}) => peakMegabytes)),
          ...about,
        };
      }),
      others: Math.max(0, all - sum(own)) / span,
      absent,
    };
  } finally {
    for (const {runner} of running) runner.end();
  }
}

/** @param {readonly number[]} values */
function sum(values) {
  return values.reduce((total, value) => total + value, 0);
}

/** Seconds of processor time that everybody on this machine has used; NaN outside Linux. */
function busy() {
  if (os.platform() !== 'linux') return NaN;
  const [, ...ticks] = fs.readFileSync('/proc/stat', 'utf8').split('\n')[0]?.split(/\s+/) ?? [];
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = ticks.map(Number);
  return (user + nice + system + irq + softirq) / 100;
}
