// @ts-check
/**
 * The steps of `npm test`, each with what it needs of the set-up.
 * Source: CONTRIBUTING.md, "Commands".   Lesson: none.
 */
import path from 'node:path';
import {runNbval} from '../lessons/nbval.mjs';
import {run} from '../setup/run.mjs';
import {checkLessons} from './lessons.mjs';
import {ROOT, describe, notebookFiles} from './notebook.mjs';
import {runWithStock} from './stock.mjs';
import {libraryFiles} from './twins.mjs';
import {checkLibraryWithTslab} from './tslab.mjs';
import {runTests, testFiles} from './unit-tests.mjs';

/** @typedef {import('./unit-tests.mjs').Result} Result */
/** @typedef {import('./unit-tests.mjs').Report} Report */
/** @typedef {import('../setup/state.mjs').StepName} Need */

/**
 * @typedef {{readonly name: string, readonly groups: readonly string[], readonly does: string,
 *   readonly needs: readonly Need[], run(wanted: readonly string[], report: Report):
 *   Promise<Result>}} Step
 */

const TSC = 'node_modules/typescript/bin/tsc';

/** @type {readonly Need[]} */
const JUPYTER = ['venv', 'kernelspec'];

/** @type {readonly Step[]} */
export const STEPS = [
  {
    name: 'types',
    groups: ['lib'],
    does: 'type-checks lib, test and misc, strict',
    needs: [],
    run: () => tool(TSC, ['-b', '.', 'test/lessons']),
  },
  {
    name: 'tslab-types',
    groups: ['lib'],
    does: "type-checks the library with tslab's TypeScript 5.0.4",
    needs: [],
    run: () =>
      Promise.resolve(
        result(1, checkLibraryWithTslab(libraryFiles().map(file => path.join(ROOT, file)))),
      ),
  },
  {
    name: 'lint',
    groups: ['lib'],
    does: 'ESLint over lib and test',
    needs: [],
    run: () => tool('node_modules/eslint/bin/eslint.js', ['lib', 'test']),
  },
  {
    name: 'format',
    groups: ['lib'],
    does: 'Prettier over lib, test and misc',
    needs: [],
    run: () => {
      const quiet = ['--log-level', 'warn'];
      return tool('node_modules/prettier/bin/prettier.cjs', ['--check', ...quiet, ...SOURCES]);
    },
  },
  {
    name: 'unit',
    groups: ['lib'],
    does: 'unit and golden tests (node:test)',
    needs: [],
    run: async (wanted, report) => {
      // What runs is compiled: alone, this step would run tests as they were, or find none.
      const compiled = await tool(TSC, ['-b', 'test']);
      if (compiled.failed > 0) return compiled;
      const files = testFiles(wanted);
      if (files.length === 0) return result(0, [`no test file matches ${wanted.join(', ')}`]);
      return runTests(files, report);
    },
  },
  {
    name: 'checks',
    groups: ['lessons'],
    does: "the lessons' form, prose, teaching, twins, types and format",
    needs: [],
    run: async wanted => {
      const checks = await checkLessons(wanted);
      const failed = checks.filter(({findings}) => findings.length > 0);
      const details = failed.flatMap(({findings}) => findings.map(describe));
      return {
        ...result(0, []),
        passed: checks.length - failed.length,
        failed: failed.length,
        details,
      };
    },
  },
  {
    name: 'nbval',
    groups: ['lessons'],
    does: 'executes the lessons, quick profile, and compares the marked outputs',
    needs: JUPYTER,
    run: (wanted, report) =>
      runNbval({profile: 'quick', lessons: wanted, say: line => report.note(line.trim())}),
  },
  {
    name: 'stock',
    groups: ['lessons'],
    does: 'executes lesson 00 with stock tslab',
    needs: JUPYTER,
    run: async () => {
      const [orientation] = notebookFiles(['00-orientation']);
      if (orientation === undefined) throw new Error('notebooks/00-orientation.ipynb is missing.');
      return result(1, (await runWithStock(orientation)).map(describe));
    },
  },
];

const SOURCES = ['lib', 'test', 'misc'];

/**
 * Runs one of the project's tools with this Node.
 * @param {string} script
 * @param {readonly string[]} args
 * @returns {Promise<Result>}
 */
async function tool(script, args) {
  const {code, output} = await run(process.execPath, [path.join(ROOT, script), ...args], {
    cwd: ROOT,
  });
  return result(1, code === 0 ? [] : [output.trim() || `${script} ended with ${code}`]);
}

/**
 * @param {number} checks how many there are when nothing is wrong
 * @param {readonly string[]} details what is wrong
 * @returns {Result}
 */
function result(checks, details) {
  const failed = details.length > 0 ? Math.max(checks, 1) : 0;
  return {passed: failed > 0 ? 0 : checks, failed, skipped: 0, details, skips: []};
}
