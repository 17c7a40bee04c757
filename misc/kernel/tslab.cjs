/**
 * Opens tslab's compiler and executor, with compile-hooks.cjs between tslab and its TypeScript, and
 * tells traceback.cjs which lines of a cell its JavaScript came from.
 */
'use strict';
const {createRequire} = require('node:module');
const {hookTypeScript} = require('./compile-hooks.cjs');
const {rememberCell, cellScript} = require('./traceback.cjs');

/** The version whose insides this was written for. */
const KNOWN = '1.0.22';

/** @typedef {import('tslab/dist/converter.js').Converter} Converter */
/** @typedef {import('tslab/dist/converter.js').Diagnostic} Diagnostic */
/** @typedef {import('tslab/dist/executor.js').Executor} Executor */
/** @typedef {import('./compile-hooks.cjs').Compilation} Compilation */

/**
 * What a running cell may report: a value it threw, or what the type-checker says against it.
 * @typedef {{thrown(value: unknown): void, diagnosed(diagnostics: readonly Diagnostic[]): void}} Reports
 */

/**
 * @typedef {object} Session
 * @property {Executor} executor
 * @property {(count: number) => void} nameNextCell the number of the cell that is compiled next
 * @property {typeof import('tslab/dist/converter.js').isCompleteCode} isCompleteCode
 * @property {typeof import('tslab/dist/jupyter.js')} jupyter the module that lessons display through
 * @property {string} tslabVersion
 * @property {string} typescriptVersion
 */

/**
 * @param {Reports} reports
 * @returns {Session}
 */
function openSession(reports) {
  const {typescript, compilation} = replaceTypeScript();
  const {createConverter, isCompleteCode} = require('tslab/dist/converter.js');
  const {createExecutor} = require('tslab/dist/executor.js');
  const jupyter = require('tslab/dist/jupyter.js');
  const tslabVersion = require('tslab/dist/util.js').getVersion();

  let count = 0;
  /** @type {Converter | undefined} */
  let browser;
  const stock = createConverter({});
  verifyHooks(stock, compilation, tslabVersion);
  /** @type {Converter} */
  const node = {
    ...stock,
    convert(earlier, source) {
      compilation.maps.clear();
      compilation.awaits = false;
      const result = stock.convert(earlier, source);
      if (result.diagnostics.length > 0) reports.diagnosed(result.diagnostics);
      if (result.output === undefined) return result;
      rememberCell(count, source, compilation.maps.get(result.output) ?? []);
      return {
        ...result,
        output: `${result.output}\n//# sourceURL=${cellScript(count)}\n`,
        hasToplevelAwait: result.hasToplevelAwait === true || compilation.awaits,
      };
    },
    addModule(name, content, meta) {
      const diagnostics = stock.addModule(name, content, meta);
      if (diagnostics.length > 0) reports.diagnosed(diagnostics);
      return diagnostics;
    },
  };
  const converters = {
    node,
    get browser() {
      return (browser ??= createConverter({isBrowser: true}));
    },
    close() {
      node.close();
      browser?.close();
    },
  };
  const executor = createExecutor(process.cwd(), converters, {
    log: console.log,
    // One argument is a value that the cell threw; more are a diagnostic, which was seen above.
    error: (...args) => args.length === 1 && reports.thrown(args[0]),
  });
  return {
    executor,
    nameNextCell: next => void (count = next),
    isCompleteCode,
    jupyter,
    tslabVersion,
    typescriptVersion: typescript.version,
  };
}

/** Puts the hooked TypeScript where tslab's own require finds it. */
function replaceTypeScript() {
  const file = createRequire(require.resolve('tslab/dist/converter.js')).resolve(
    '@tslab/typescript-for-tslab',
  );
  const hooked = hookTypeScript(require(file));
  const cached = require.cache[file];
  if (cached === undefined) throw new Error(`${file} is not in the module cache`);
  cached.exports = hooked.typescript;
  return hooked;
}

/**
 * Compiles one cell that needs the hooks, which also warms the compiler up for the first real one.
 * @param {Converter} converter
 * @param {Compilation} compilation
 * @param {string} version
 * @throws Error when the hooks do not take effect: another version of tslab works otherwise
 */
function verifyHooks(converter, compilation, version) {
  const {output} = converter.convert(
    'declare const x: {y: number}[];',
    'const [{y: z}] = x; ({x});',
  );
  const mended = output !== undefined && /\{\s*x: exports\.x\s*\}/.test(output);
  if (mended && /\{\s*y: z\s*\}/.test(output) && compilation.maps.has(output)) return;
  throw new Error(
    `The kernel's corrections do not take effect in tslab ${version}; they are written for ` +
      `tslab ${KNOWN}. Remedy: npm ci`,
  );
}

module.exports = {openSession, verifyHooks};
