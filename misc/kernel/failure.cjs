/**
 * Why a cell failed, as the protocol's `error` message says it: name, message, and a traceback that
 * begins with them and goes on with the reader's own lines.
 */
'use strict';
const util = require('node:util');
const {framesOf, quote} = require('./traceback.cjs');

/** @typedef {{ename: string, evalue: string, traceback: string[]}} Failure */
/** @typedef {import('tslab/dist/converter.js').Diagnostic} Diagnostic */

/** What tslab and Node say when SIGINT ended a cell. */
const INTERRUPTIONS = /^(Interrupted asynchronously|Script execution was interrupted by `SIGINT`)$/;

/**
 * @param {unknown} value what the cell threw
 * @returns {Failure}
 */
function thrownFailure(value) {
  if (!isError(value)) {
    const evalue = util.inspect(value);
    return {ename: 'Thrown', evalue, traceback: [`Thrown, though it is no Error: ${evalue}`]};
  }
  const {ename, evalue} = namesOf(value);
  if (INTERRUPTIONS.test(evalue)) return interruption();
  const traceback = [headline(value), ...framesOf(value)];
  for (let {cause} = value; isError(cause) && traceback.length < 100; cause = cause.cause) {
    traceback.push('', `Caused by ${headline(cause)}`, ...framesOf(cause));
  }
  return {ename, evalue, traceback};
}

/**
 * Under the name by which Jupyter's tools know it.
 * @returns {Failure}
 */
function interruption() {
  const evalue = 'The cell was interrupted. What earlier cells defined is still there.';
  return {ename: 'KeyboardInterrupt', evalue, traceback: [`Interrupted: ${evalue}`]};
}

/**
 * A failure that nobody waited for: a promise that rejected, or an error in a callback.
 * @param {unknown} reason
 * @returns {Failure}
 */
function strayFailure(reason) {
  const {ename, evalue, traceback} = thrownFailure(reason);
  const hint = 'Nobody waited for this: is an await missing?';
  return {ename, evalue, traceback: [...traceback, '', hint]};
}

/**
 * @param {readonly Diagnostic[]} diagnostics what the type-checker says against the cell
 * @param {string} source
 * @param {number} count the cell's number
 * @returns {Failure}
 */
function typeFailure(diagnostics, source, count) {
  const ename = 'TypeScriptError';
  /** @type {string[]} */
  const traceback = [];
  /** @type {string[]} */
  let place = [];
  diagnostics.forEach(({fileName, start, messageText, code}, index) => {
    const before = diagnostics[index - 1];
    // A chain of reasons comes as several diagnostics at one place.
    if (before?.start.offset === start.offset) {
      traceback.push(`  ${messageText}`);
      return;
    }
    traceback.push(...place, ...(before ? [''] : []));
    traceback.push(`${before ? '' : `${ename}: `}${messageText} (TS${code})`);
    const [line, column] = [start.line + 1, start.character + 1];
    place = fileName
      ? [`    at ${fileName}:${line}:${column}`]
      : quote(count, line, column, source);
  });
  return {ename, evalue: diagnostics[0]?.messageText ?? '', traceback: [...traceback, ...place]};
}

/** @param {Error} error */
function headline(error) {
  const {ename, evalue} = namesOf(error);
  return evalue === '' ? ename : `${ename}: ${evalue}`;
}

/**
 * A subclass that does not set its name is called by its class.
 * @param {Error} error
 */
function namesOf(error) {
  const own = String(error.name);
  const ename = own === 'Error' ? String(error.constructor?.name || own) : own;
  return {ename, evalue: String(error.message)};
}

/**
 * @param {unknown} value
 * @returns {value is Error}
 */
function isError(value) {
  return util.types.isNativeError(value) || value instanceof Error;
}

module.exports = {thrownFailure, strayFailure, typeFailure, interruption};
