/**
 * Whether ours and the originals compute the same: the losses of a few steps from equal weights.
 *
 * Dropout is off and noise is 0.5 everywhere, as no two frameworks draw the same. The first loss says
 * that the models agree, the later ones that gradients and optimizers do.
 */
import path from 'node:path';
import {CHECKED, environmentOf} from './participants.mjs';
import {Runner} from './runner.mjs';
import {root} from '../setup/paths.mjs';

/** How far losses may lie apart, as a part of them: float32 sums over thousands of numbers. */
const TOLERANCE = 1e-4;

/**
 * @param {import('./participants.mjs').ModelName} model
 * @param {string} python
 * @param {string} data
 * @returns {Promise<{lines: string[], agree: boolean}>}
 */
export async function check(model, python, data) {
  const ours = path.join(root, 'misc', 'bench', 'ours.mjs');
  const own = await losses(
    'ours',
    process.execPath,
    [ours, model, data, 'check'],
    environmentOf(model, 'ours'),
  );
  const lines = [`${model}, from equal weights  ${say(own)}`];
  let agree = true;
  for (const kind of CHECKED[model] ?? []) {
    const script = `${kind}_${model.replaceAll('-', '_')}.py`;
    const peers = path.join(root, 'misc', 'reference', 'peers', script);
    const weights = path.join(data, `${model}.safetensors`);
    const theirs = await losses(
      kind,
      python,
      [peers, data, '--weights', weights],
      environmentOf(model, 'peers'),
    );
    const furthest = Math.max(
      ...theirs.map((loss, step) => Math.abs(loss / (own[step] ?? NaN) - 1)),
    );
    const isEqual = furthest <= TOLERANCE;
    agree &&= isEqual;
    lines.push(`  ${kind}  ${say(theirs)}  ${isEqual ? 'equal' : 'NOT EQUAL'} within ${TOLERANCE}`);
  }
  return {lines, agree};
}

/**
 * @param {string} label
 * @param {string} command
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<number[]>}
 */
async function losses(label, command, args, env) {
  const runner = new Runner(label, command, args, env);
  const answer = /** @type {unknown} */ (await runner.ready());
  runner.end();
  return /** @type {{losses: number[]}} */ (answer).losses;
}

/** @param {readonly number[]} values */
const say = values => values.map(value => value.toPrecision(7)).join('  ');
