/**
 * What tslab's converter gets in place of its TypeScript: the same compiler, which also makes
 * source maps, and which writes names of earlier cells so that they still mean them.
 *
 * tslab keeps what cells declare in one object, `exports`, and rewrites each name that an earlier
 * cell declared from `x` to `exports.x`. It does so to any identifier whose symbol is declared
 * there, which goes wrong where an identifier is not a plain expression:
 *   {x}                      no rewriting at all, so x is not defined when the cell runs
 *   const {a: b} = earlier   the property name a becomes exports.a, which is no JavaScript
 * Both are spelt out here, before tslab's rewriting sees them.
 */
'use strict';

/** @typedef {typeof import('@tslab/typescript-for-tslab')} TypeScript */
/** @typedef {import('@tslab/typescript-for-tslab').Node} Node */
/** @typedef {import('@tslab/typescript-for-tslab').Identifier} Identifier */
/** @typedef {import('@tslab/typescript-for-tslab').SourceFile} SourceFile */
/** @typedef {import('@tslab/typescript-for-tslab').TypeChecker} TypeChecker */
/** @typedef {import('@tslab/typescript-for-tslab').ShorthandPropertyAssignment} ShorthandPropertyAssignment */
/** @typedef {import('@tslab/typescript-for-tslab').BuilderProgram} BuilderProgram */
/** @typedef {import('@tslab/typescript-for-tslab').WatchCompilerHostOfFilesAndCompilerOptions<BuilderProgram>} WatchHost */

const CELL_FILE = /[\\/]__tslab__\.ts$/;
const EARLIER_CELLS_FILE = /[\\/]__prev__\.d\.ts$/;
const INLINE_MAP = /\n?\/\/# sourceMappingURL=data:application\/json;base64,([\w+/=]+)\s*$/;

/** What the hooks saw of the compilation that ran last. */
class Compilation {
  /** The cell waits at its top level: it must run in an async function. */
  awaits = false;
  /** JavaScript text to its source maps, the last transformation's first. @type {Map<string, string[]>} */
  maps = new Map();
}

/**
 * @param {TypeScript} ts
 * @returns {{typescript: TypeScript, compilation: Compilation}}
 */
function hookTypeScript(ts) {
  const compilation = new Compilation();

  /** @param {WatchHost} host */
  const createWatchProgram = host => {
    host.options.inlineSourceMap = true;
    keepTimersApart(host);
    const created = host.afterProgramCreate;
    host.afterProgramCreate = builder => {
      const emit = builder.emit;
      builder.emit = (file, write, token, onlyTypes, transformers) => {
        const mend = mendCell(ts, builder.getProgram().getTypeChecker(), compilation);
        return emit(file, write, token, onlyTypes, {before: [mend], ...transformers});
      };
      created?.(builder);
    };
    return ts.createWatchProgram(host);
  };

  /** @type {TypeScript['transpileModule']} */
  const transpileModule = (input, options) => {
    const first = INLINE_MAP.exec(input)?.[1];
    const compilerOptions = {...options.compilerOptions, sourceMap: true};
    const result = ts.transpileModule(input.replace(INLINE_MAP, '\n'), {
      ...options,
      compilerOptions,
    });
    const outputText = result.outputText.replace(/\/\/# sourceMappingURL=\S+\s*$/, '');
    if (first !== undefined && result.sourceMapText !== undefined) {
      const maps = [result.sourceMapText, Buffer.from(first, 'base64').toString()];
      compilation.maps.set(outputText, maps);
    }
    return {...result, outputText};
  };

  const hooked = {...ts, createWatchProgram, transpileModule};
  return {typescript: /** @type {TypeScript} */ (/** @type {unknown} */ (hooked)), compilation};
}

/**
 * Gives the compiler's second timer a place of its own: tslab has one place, for the timer of the
 * next build, and stops for good with "Unexpected pending rebuildTimer" when a file that was looked
 * for before appears, as files of the library do when it is compiled anew.
 * @param {WatchHost} host
 */
function keepTimersApart(host) {
  const {setTimeout: setBuildTimer, clearTimeout: clearBuildTimer} = host;
  /** @type {Set<unknown>} */
  const lookups = new Set();
  host.setTimeout = (callback, delay, ...rest) => {
    if (callback.name !== 'invalidateResolutionsOfFailedLookup') {
      return setBuildTimer?.(callback, delay, ...rest);
    }
    const timer = setTimeout(() => {
      lookups.delete(timer);
      callback(...rest);
    }, delay);
    timer.unref();
    lookups.add(timer);
    return timer;
  };
  host.clearTimeout = timer => {
    if (lookups.delete(timer)) clearTimeout(timer);
    else clearBuildTimer?.(timer);
  };
}

/**
 * @param {TypeScript} ts
 * @param {TypeChecker} checker
 * @param {Compilation} compilation
 * @returns {import('@tslab/typescript-for-tslab').TransformerFactory<SourceFile>}
 */
function mendCell(ts, checker, compilation) {
  const {factory} = ts;
  return context => file => {
    if (!CELL_FILE.test(file.fileName)) return file;
    compilation.awaits = awaitsAtTopLevel(ts, file);

    /** A name that is only text: with no place in the source it has no symbol to be rewritten by.
     * @param {Identifier} name */
    const plain = name => factory.createIdentifier(name.text);

    /** @type {(node: Node) => Node} */
    const visit = node => {
      const whole = ts.visitEachChild(node, visit, context);
      if (ts.isShorthandPropertyAssignment(whole)) return spellOut(whole);
      if (ts.isBindingElement(whole) && whole.propertyName && ts.isIdentifier(whole.propertyName)) {
        const {dotDotDotToken, propertyName, name, initializer} = whole;
        const property = plain(propertyName);
        return factory.updateBindingElement(whole, dotDotDotToken, property, name, initializer);
      }
      if (ts.isPropertyAssignment(whole) && ts.isIdentifier(whole.name)) {
        return factory.updatePropertyAssignment(whole, plain(whole.name), whole.initializer);
      }
      return whole;
    };

    /** @param {ShorthandPropertyAssignment} node */
    const spellOut = node => {
      const source = ts.getOriginalNode(node);
      const symbol = checker.getShorthandAssignmentValueSymbol(source);
      const earlier = symbol?.declarations?.some(declaration =>
        EARLIER_CELLS_FILE.test(declaration.getSourceFile().fileName),
      );
      if (!earlier) return node;
      const exported = factory.createIdentifier('exports');
      const value = factory.createPropertyAccessExpression(exported, plain(node.name));
      const byDefault = node.objectAssignmentInitializer;
      const whole = byDefault ? factory.createAssignment(value, byDefault) : value;
      return ts.setTextRange(factory.createPropertyAssignment(plain(node.name), whole), node);
    };

    return ts.visitEachChild(file, visit, context);
  };
}

/**
 * tslab finds a top-level await by a compile error, which `await (…)` and `for await` do not give.
 * @param {TypeScript} ts
 * @param {Node} root
 * @returns {boolean}
 */
function awaitsAtTopLevel(ts, root) {
  /** @type {(node: Node) => boolean} */
  const awaits = node =>
    ts.isAwaitExpression(node) ||
    (ts.isForOfStatement(node) && node.awaitModifier !== undefined) ||
    (!ts.isFunctionLike(node) &&
      !ts.isClassStaticBlockDeclaration(node) &&
      (ts.forEachChild(node, child => awaits(child) || undefined) ?? false));
  return awaits(root);
}

module.exports = {hookTypeScript, Compilation};
