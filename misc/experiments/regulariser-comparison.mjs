// @ts-check
/**
 * All runs of a comparison of regularisers: the sweep of the scale, then every objective from every seed.
 * Each run is written when it has ended, so that a killed comparison goes on with the next one.
 */
import {RIVALS} from 'latent-lib/models/mmd-transformer-objectives';
import {measured, references} from './regulariser-measures.mjs';
import {dataOf, trained} from './regulariser-run.mjs';
import {provenanceOf, readResults, writeResults} from './stored.mjs';

/** @typedef {import('./regulariser-run.mjs').Settings} Settings */
/** @typedef {{scales: number[], seed: number, share: number, criterion: string}} Sweep */
/** @typedef {{seconds: number, log: object[], results: Record<string, number>}} Measured */

/**
 * @param {Settings & {sweep: Sweep}} settings
 * @param {object} options
 * @param {number} options.seeds 1, 2, … up to this one
 * @param {string} options.file JSON; its runs stand if they were made under the same settings
 * @param {boolean} options.fresh whether no run stands
 * @param {boolean} [options.compiled] false for models so small that recording a step takes longest
 * @param {(line: string) => void} options.say
 */
export async function compare(settings, {seeds, file, fresh, compiled = true, say}) {
  const before = fresh ? undefined : readResults(file);
  const isSame = JSON.stringify(before?.settings) === JSON.stringify(settings);
  /** @type {(Measured & {scale: number})[]} */
  const sweep = isSame ? before.sweep : [];
  /** @type {(Measured & {objective: string, seed: number, scale: number})[]} */
  const runs = isSame ? before.runs : [];
  const {data, validation} = await dataOf(settings);
  say(data.description);
  const about = {
    provenance: provenanceOf(
      'node misc/experiments/regularisers.mjs',
      'own, other, carried, kl and negativeElbo: nats a digit; unlike and offPrior: MMD² of pictures, and of codes with the prior; the rest: shares',
    ),
    settings,
    references: references(data, settings),
  };
  /** @param {number} [scale] that was chosen */
  const write = scale => writeResults(file, {...about, sweep, scale, runs});

  const {scales, seed: ofSweep, share} = settings.sweep;
  const short = {...settings, steps: Math.ceil(share * settings.steps)};
  for (const scale of scales) {
    if (sweep.some(run => run.scale === scale)) continue;
    const run = timed(() => {
      const {model, log} = trained('MMD', data, short, {seed: ofSweep, scale, compiled});
      const results = measured(model, data, validation, settings);
      model.dispose();
      return {log, results};
    });
    sweep.push({scale, ...run});
    write();
    say(`sweep, scale ${scale}: ${JSON.stringify(run.results)}, ${run.seconds} s`);
  }
  const unlike = (/** @type {typeof sweep[number]} */ run) => run.results['unlike'] ?? Infinity;
  const {scale} = sweep.reduce((least, run) => (unlike(run) < unlike(least) ? run : least));
  write(scale);
  say(`scale ${scale}`);

  for (let seed = 1; seed <= seeds; seed++) {
    for (const objective of RIVALS) {
      if (runs.some(run => run.objective === objective && run.seed === seed)) continue;
      const run = timed(() => {
        const {model, log} = trained(objective, data, settings, {seed, scale, compiled});
        const results = measured(model, data, data.test, settings);
        model.dispose();
        return {log, results};
      });
      runs.push({objective, seed, scale, ...run});
      write(scale);
      say(`seed ${seed} ${objective}: ${JSON.stringify(run.results)}, ${run.seconds} s`);
    }
  }
}

/**
 * @template T
 * @param {() => T} run
 * @returns {T & {seconds: number}}
 */
function timed(run) {
  const start = performance.now();
  const made = run();
  return {seconds: Math.round((performance.now() - start) / 1000), ...made};
}
