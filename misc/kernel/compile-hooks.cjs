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
/** @typedef {import('@tslab/typescript-for-tslab').SourceFile} SourceFile */

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

  /** @type {TypeScript['createWatchProgram']} */
  const createWatchProgram = (/** @type {any} */ host) => {
    host.options.inlineSourceMap = true;
    const created = host.afterProgramCreate;
    host.afterProgramCreate = (/** @type {any} */ builder) => {
      const emit = builder.emit;
      builder.emit = (/** @type {any[]} */ ...args) => {
        const checker = builder.getProgram().getTypeChecker();
        args[4] = {before: [mendCell(ts, checker, compilation)], ...args[4]};
        return emit(...args);
      };
      created(builder);
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

  return {typescript: {...ts, createWatchProgram, transpileModule}, compilation};
}

/**
 * @param {TypeScript} ts
 * @param {import('@tslab/typescript-for-tslab').TypeChecker} checker
 * @param {Compilation} compilation
 * @returns {import('@tslab/typescript-for-tslab').TransformerFactory<SourceFile>}
 */
function mendCell(ts, checker, compilation) {
  const {factory} = ts;
  return context => file => {
    if (!CELL_FILE.test(file.fileName)) return file;
    compilation.awaits = awaitsAtTopLevel(ts, file);

    /** @type {(node: Node) => Node} */
    const visit = node => {
      if (ts.isShorthandPropertyAssignment(node)) return spellOut(node);
      if (ts.isBindingElement(node) && node.propertyName && ts.isIdentifier(node.propertyName)) {
        const initializer = node.initializer && ts.visitNode(node.initializer, visit, isExpression);
        const name = ts.visitNode(node.name, visit, isBindingName);
        return factory.updateBindingElement(
          node,
          node.dotDotDotToken,
          plainName(node.propertyName),
          name,
          initializer,
        );
      }
      if (ts.isPropertyAssignment(node) && ts.isIdentifier(node.name)) {
        const value = ts.visitNode(node.initializer, visit, isExpression);
        return factory.updatePropertyAssignment(node, plainName(node.name), value);
      }
      return ts.visitEachChild(node, visit, context);
    };

    /** @param {import('@tslab/typescript-for-tslab').ShorthandPropertyAssignment} node */
    const spellOut = node => {
      const symbol = checker.getShorthandAssignmentValueSymbol(node);
      const earlier = symbol?.declarations?.some(declaration =>
        EARLIER_CELLS_FILE.test(declaration.getSourceFile().fileName),
      );
      if (!earlier) return ts.visitEachChild(node, visit, context);
      const value = factory.createPropertyAccessExpression(
        factory.createIdentifier('exports'),
        plainName(node.name),
      );
      const byDefault = ts.visitNode(node.objectAssignmentInitializer, visit, isExpression);
      return ts.setTextRange(
        factory.createPropertyAssignment(
          plainName(node.name),
          byDefault === undefined ? value : factory.createAssignment(value, byDefault),
        ),
        node,
      );
    };

    /** A name that is only text: with no place in the source it has no symbol to be rewritten by.
     * @param {import('@tslab/typescript-for-tslab').Identifier} name */
    const plainName = name => factory.createIdentifier(name.text);

    /** @type {(node: Node) => node is import('@tslab/typescript-for-tslab').Expression} */
    const isExpression = /** @type {any} */ (ts).isExpression;
    /** @type {(node: Node) => node is import('@tslab/typescript-for-tslab').BindingName} */
    const isBindingName = /** @type {any} */ (ts).isBindingName;

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
