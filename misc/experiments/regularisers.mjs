// @ts-check
/**
 * Four regularisers of the MMD transformer over several seeds, after a sweep of the right MMD's scale.
 * Source: seed 003 offers one and compares none.   Lesson: notebooks/06-mmd-transformer-vae.
 *
 *   node misc/experiments/regularisers.mjs                      all runs, two minutes each on one idle core
 *   node misc/experiments/regularisers.mjs --seeds 1 --steps 30 --out build/try.json
 *   node misc/experiments/regularisers.mjs --seeds 9            more seeds, added to those that stand
 *
 * Writes data/results/mmd-transformer-regularisers.json: settings, versions, the sweep, and for each run
 * its log and its results on test digits. A run that stands there under the same settings is not repeated.
 * With TF_ENABLE_ONEDNN_OPTS=1 a step of this model takes two thirds of the time on one thread.
 */
import path from 'node:path';
import {parseArgs} from 'node:util';
import {describeBackend} from 'latent-lib/tensor/tf';
import {root} from '../setup/paths.mjs';
import {compare} from './regulariser-comparison.mjs';
import {SETTINGS} from './regulariser-run.mjs';

/**
 * How the scale of the right MMD is chosen: shorter runs of a seed that the comparison does not use,
 * judged on digits that are neither trained on nor tested on.
 */
const SWEEP = {
  scales: [1, 5, 20, 100],
  seed: 0,
  share: 1 / 2, // of the comparison's steps
  criterion: 'the least "unlike" on validation digits',
};

const {values} = parseArgs({
  options: {
    seeds: {type: 'string', default: '4'},
    steps: {type: 'string', default: String(SETTINGS.steps)},
    out: {type: 'string', default: 'data/results/mmd-transformer-regularisers.json'},
    fresh: {type: 'boolean', default: false},
  },
});
console.log(await describeBackend());
await compare(
  {...SETTINGS, steps: Number(values.steps), sweep: SWEEP},
  {
    seeds: Number(values.seeds),
    file: path.resolve(root, values.out),
    fresh: values.fresh,
    say: line => console.log(line),
  },
);
