// @ts-check
/**
 * All checks of the project, with progress, a table at the end and an exit code.
 *
 *   npm test                                      everything
 *   npm test -- --only lib                        types, lint, format, unit tests
 *   npm test -- --only unit tensor                the unit tests whose path holds "tensor"
 *   npm test -- --only checks,nbval 01-dense-vae  two steps over one lesson
 *   npm test -- --list                            the steps
 */
import {pathToFileURL} from 'node:url';
import {parseArgs} from 'node:util';
import {STEPS} from '../checks/steps.mjs';
import {readState} from '../setup/state.mjs';

/** @typedef {import('../checks/steps.mjs').Step} Step */
/** @typedef {import('../checks/unit-tests.mjs').Result} Result */
/** @typedef {import('../checks/unit-tests.mjs').Report} Report */
/** @typedef {ReturnType<typeof readState>} State */
/** @typedef {{readonly step: Step, readonly result: Result, readonly seconds: number}} Outcome */

/**
 * The steps that `--only` names, by their own name or their group's.
 * @param {string | undefined} only e.g. 'lib' or 'checks,nbval'
 * @param {readonly Step[]} steps
 * @returns {readonly Step[]}
 * @throws {RangeError} when a name is unknown
 */
export function chosen(only, steps = STEPS) {
  if (only === undefined) return steps;
  const names = only.split(',').filter(name => name !== '');
  for (const name of names) {
    if (!steps.some(step => step.name === name || step.groups.includes(name))) {
      const known = [...new Set(steps.flatMap(step => [step.name, ...step.groups]))].join(', ');
      throw new RangeError(`--only: there is no step "${name}"; there are ${known}.`);
    }
  }
  return steps.filter(step => [step.name, ...step.groups].some(name => names.includes(name)));
}

/**
 * Why a step cannot run, or undefined when it can.
 * @param {Step} step
 * @param {State} state
 * @returns {string | undefined}
 */
export function obstacle(step, state) {
  if (step.needs.length === 0) return undefined;
  if (state === undefined) return 'nothing is set up. To mend it: npm run setup';
  const missing = step.needs.map(name => state[name]).find(({ok}) => !ok);
  if (missing === undefined) return undefined;
  return missing.detail + (missing.remedy === undefined ? '' : `. To mend it: ${missing.remedy}`);
}

/**
 * Runs one step; what it throws is a failure, and what cannot run is a skip, or in CI a failure.
 * @param {Step} step
 * @param {{state: State, wanted: readonly string[], ci: boolean, report: Report}} options
 * @returns {Promise<Result>}
 */
export async function runStep(step, {state, wanted, ci, report}) {
  const why = obstacle(step, state);
  /** @type {Result} */
  let result = {passed: 0, failed: 0, skipped: 0, details: [], skips: []};
  if (why !== undefined) result = {...result, skipped: 1, skips: [`${step.name}: ${why}`]};
  else {
    try {
      result = await step.run(wanted, report);
    } catch (error) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      result = {...result, failed: 1, details: [text]};
    }
  }
  if (!ci || result.skipped === 0) return result;
  const details = [...result.details, ...result.skips.map(skip => `skipped, in CI: ${skip}`)];
  return {...result, failed: result.failed + result.skipped, skipped: 0, details, skips: []};
}

/**
 * The table of all steps and, alone on the last line, the sum.
 * @param {readonly Outcome[]} outcomes
 * @returns {string}
 */
export function summary(outcomes) {
  const rows = outcomes.map(({step, result, seconds}) => [
    step.name,
    result.failed > 0 ? 'FAILED' : result.passed > 0 ? 'passed' : 'skipped',
    String(result.passed),
    String(result.failed),
    String(result.skipped),
    `${seconds.toFixed(1)} s`,
  ]);
  const table = [['step', 'result', 'passed', 'failed', 'skipped', 'time'], ...rows];
  const widths = table[0]?.map((_, n) => Math.max(...table.map(row => row[n]?.length ?? 0))) ?? [];
  const lines = table.map(row =>
    row
      .map((cell, n) => (n < 2 ? cell.padEnd(widths[n] ?? 0) : cell.padStart(widths[n] ?? 0)))
      .join('  '),
  );
  const skips = outcomes.flatMap(({result}) => result.skips).map(skip => `skipped ${skip}`);
  return [...lines, '', ...skips, sum(outcomes.map(({result}) => result))].join('\n');
}

/**
 * 'N passed, N failed', and ', N skipped' when there are any.
 * @param {readonly Result[]} results
 * @returns {string}
 */
function sum(results) {
  const total = (/** @type {'passed' | 'failed' | 'skipped'} */ key) =>
    results.reduce((sum, result) => sum + result[key], 0);
  const skipped = total('skipped');
  const line = `${total('passed')} passed, ${total('failed')} failed`;
  return skipped > 0 ? `${line}, ${skipped} skipped` : line;
}

/**
 * Writes failures as they come and, every few seconds, where a step stands: on one line of a
 * terminal, on a new line elsewhere.
 * @param {{write(text: string): unknown, isTTY?: boolean}} stream
 * @param {Set<string>} said collects the failures written
 * @param {() => number} now milliseconds
 * @returns {Report}
 */
export function reporter(stream, said, now = Date.now) {
  const every = stream.isTTY ? 500 : 20_000;
  const [start, end] = stream.isTTY ? ['\r\x1b[K      ', ''] : ['      ', '\n'];
  let last = now();
  return {
    failure(text) {
      said.add(text);
      stream.write(stream.isTTY ? `\r\x1b[K${text}\n` : `${text}\n`);
    },
    note(text) {
      stream.write(stream.isTTY ? `\r\x1b[K      ${text}` : `      ${text}\n`);
    },
    progress(text) {
      if (now() - last < every) return;
      last = now();
      stream.write(`${start}${text}${end}`);
    },
  };
}

async function main() {
  const {values, positionals: wanted} = parseArgs({
    allowPositionals: true,
    options: {only: {type: 'string'}, list: {type: 'boolean'}},
  });
  if (values.list) {
    for (const {name, groups, does} of STEPS) {
      console.log(`${name.padEnd(12)} ${groups.join(', ').padEnd(8)} ${does}`);
    }
    return;
  }
  const steps = chosen(values.only);
  const state = readState();
  const ci = /^(?:true|1)$/.test(process.env['CI'] ?? '');
  /** @type {Outcome[]} */
  const outcomes = [];
  for (const [index, step] of steps.entries()) {
    console.log(`[${index + 1}/${steps.length}] ${step.name}: ${step.does} …`);
    const start = performance.now();
    const said = new Set();
    const report = reporter(process.stdout, said);
    const result = await runStep(step, {state, wanted, ci, report});
    const seconds = (performance.now() - start) / 1000;
    for (const detail of result.details) if (!said.has(detail)) console.log(detail);
    console.log(
      `${process.stdout.isTTY ? '\r\x1b[K' : ''}      ${sum([result])} in ${seconds.toFixed(1)} s\n`,
    );
    outcomes.push({step, result, seconds});
  }
  console.log(summary(outcomes));
  process.exit(outcomes.some(({result}) => result.failed > 0) ? 1 : 0);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    await main();
  } catch (error) {
    console.error(error instanceof RangeError || isUsage(error) ? message(error) : error);
    process.exit(2);
  }
}

/**
 * @param {unknown} error
 * @returns {boolean}
 */
function isUsage(error) {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return code.startsWith('ERR_PARSE_ARGS');
}

/**
 * @param {unknown} error
 * @returns {string}
 */
function message(error) {
  return error instanceof Error ? error.message : String(error);
}
