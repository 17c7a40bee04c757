// @ts-check
/**
 * Runs test files with Node's own test runner, each in a process of its own, and counts.
 * Source: https://nodejs.org/api/test.html#runoptions.   Lesson: none.
 */
import {existsSync, readdirSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {run} from 'node:test';
import {inspect} from 'node:util';
import {ROOT} from './notebook.mjs';

/** @typedef {{readonly passed: number, readonly failed: number, readonly skipped: number,
 *   readonly details: readonly string[], readonly skips: readonly string[]}} Result */

/**
 * Takes each failure as it comes, a note on what begins, and as often as the step likes to say it,
 * where it stands.
 * @typedef {{failure(text: string): void, note(text: string): void,
 *   progress(text: string): void}} Report
 */

/** @type {Report} */
export const SILENT = {failure() {}, note() {}, progress() {}};

const MINUTES = 10;

/**
 * The test files: compiled ones whose source still exists, and plain ones.
 * All tests but the browser's, which `npm run test:browser` runs.
 * @param {readonly string[]} names parts of a path; a file with any of them is taken, none means all
 * @param {string} root
 * @returns {string[]}
 */
export function testFiles(names = [], root = ROOT) {
  const compiled = filesUnder(path.join(root, 'build', 'test'), '.test.js').filter(file =>
    existsSync(sourceOf(file, root)),
  );
  const browser = path.join(root, 'test', 'browser', path.sep);
  const plain = filesUnder(path.join(root, 'test'), '.test.mjs').filter(
    file => !file.startsWith(browser),
  );
  const wanted = (/** @type {string} */ file) =>
    names.length === 0 || names.some(name => path.relative(root, file).includes(name));
  return [...compiled, ...plain].filter(wanted).sort();
}

/**
 * @param {string} file a compiled test
 * @param {string} root
 * @returns {string}
 */
function sourceOf(file, root) {
  const inside = path.relative(path.join(root, 'build', 'test'), file);
  return path.join(root, 'test', inside.replace(/\.js$/, '.ts'));
}

/**
 * @param {string} folder
 * @param {string} ending
 * @returns {string[]}
 */
function filesUnder(folder, ending) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, {recursive: true, encoding: 'utf8'})
    .filter(name => name.endsWith(ending) && !name.includes('node_modules'))
    .map(name => path.join(folder, name));
}

/**
 * Runs the files, as many at a time as the machine has cores (at most four, for their memory).
 * @param {readonly string[]} files
 * @param {Report} report
 * @returns {Promise<Result>}
 */
export async function runTests(files, report = SILENT) {
  const counts = {passed: 0, failed: 0, skipped: 0};
  /** @type {string[]} */
  const details = [];
  /** @type {string[]} */
  const skips = [];
  const stream = run({
    files: [...files],
    concurrency: Math.max(1, Math.min(os.cpus().length, 4)),
    timeout: MINUTES * 60_000,
  });
  /** @type {Map<string | undefined, string>} */
  const errors = new Map();
  stream.on('test:stderr', ({file, message}) => {
    errors.set(file, (errors.get(file) ?? '') + message);
  });
  stream.on('test:pass', event => {
    const {name, skip, todo} = event;
    if (isSuite(event)) return;
    if (skip !== undefined || todo !== undefined) {
      counts.skipped++;
      const why = [skip, todo].find(reason => typeof reason === 'string');
      skips.push(`${name}${why === undefined ? '' : `: ${why}`}`);
    } else counts.passed++;
  });
  stream.on('test:fail', event => {
    if (isSuite(event) && isOnlyChildren(event.details.error)) return;
    counts.failed++;
    const where = event.file === undefined ? '' : `${path.relative(ROOT, event.file)}: `;
    const isFile = event.file !== undefined && path.resolve(event.name) === event.file;
    const cause = isFile ? errors.get(event.file) : undefined;
    const lines = [
      `${where}${isFile ? 'the file' : event.name}`,
      ...explain(event.details.error, cause),
    ];
    details.push(lines.join('\n  '));
    report.failure(lines.join('\n  '));
  });
  for await (const event of stream) {
    void event;
    report.progress(`${counts.passed} passed, ${counts.failed} failed so far`);
  }
  return {...counts, details, skips};
}

/**
 * Whether an event speaks of a group of tests (a file, a suite) that are counted by themselves.
 * @param {{details: object}} event
 * @returns {boolean}
 */
function isSuite({details}) {
  return 'type' in details && details.type === 'suite';
}

/**
 * Whether a group failed only since some of its tests did.
 * @param {unknown} error
 * @returns {boolean}
 */
function isOnlyChildren(error) {
  return typeof error === 'object' && error !== null && failureType(error) === 'subtestsFailed';
}

/**
 * @param {object} error
 * @returns {unknown}
 */
function failureType(error) {
  return 'failureType' in error ? error.failureType : undefined;
}

/**
 * What went wrong, without the test runner's own frames.
 * @param {unknown} error
 * @param {string} [printed] what the test's process wrote instead
 * @returns {string[]}
 */
function explain(error, printed) {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const text =
    printed ?? (cause instanceof Error ? (cause.stack ?? cause.message) : inspect(cause));
  const lines = text.split('\n').filter(line => !/\bnode:internal\b/.test(line));
  return lines.length > 30 ? [...lines.slice(0, 30), '…'] : lines;
}
