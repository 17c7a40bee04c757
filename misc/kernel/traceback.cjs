/**
 * Stack traces in which a student finds the own line: TypeScript lines of the cells, the library's
 * and the reader's files, and nothing of the kernel, of installed packages or of Node itself.
 */
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const {SourceMap} = require('node:module');
const {fileURLToPath} = require('node:url');

const ROOT = path.resolve(__dirname, '../..');
const HIDDEN = [__dirname + path.sep, `${path.sep}node_modules${path.sep}`];
const CELL_PLACE = /\bcell (\d+), line (\d+)/;

/** Receivers that say nothing: module objects, and tslab's object of what the cells declared. */
const NO_CLASSES = new Set(['Object', 'Proxy']);

/** @typedef {{source: string, line: number, column: number}} Position from 1, as in stack traces */

/** The cells that ran: their lines, and the way back from JavaScript to them, by script name.
 * @type {Map<string, {lines: string[], maps: SourceMap[]}>} */
const cells = new Map();
/** @type {Map<string, SourceMap | undefined>} */
const mapsOfFiles = new Map();

/** @param {number} count */
const cellScript = count => `cell-${count}`;

/** Formats the stack of every error from now on. */
function install() {
  Error.prepareStackTrace = (error, frames) => {
    const shown = frames.map(describeFrame).filter(line => line !== undefined);
    return [headline(error), ...shown.map(line => `    at ${line}`)].join('\n');
  };
}

/**
 * @param {number} count the cell's number
 * @param {string} source
 * @param {readonly string[]} maps from its JavaScript to it, as JSON, the last step's first
 */
function rememberCell(count, source, maps) {
  cells.set(cellScript(count), {
    lines: source.split('\n'),
    maps: maps.map(map => new SourceMap(JSON.parse(map))),
  });
}

/**
 * The lines below an error's message: its frames, then the innermost line of a cell itself.
 * @param {Error} error
 * @returns {string[]}
 */
function framesOf(error) {
  const stack = String(error.stack ?? '').split('\n');
  const first = stack.findIndex(line => line.startsWith('    at '));
  const frames = first < 0 ? [] : stack.slice(first).filter(line => line.startsWith('    at '));
  const place = frames.map(frame => CELL_PLACE.exec(frame)).find(match => match !== null);
  const quoted = place ? quote(Number(place[1]), Number(place[2])) : [];
  return [...frames, ...quoted];
}

/**
 * One line of a cell, under a heading that says which.
 * @param {number} count
 * @param {number} line from 1
 * @param {number} [column] from 1: what to point at
 * @param {string} [source] the cell's text, where it is not remembered
 * @returns {string[]}
 */
function quote(count, line, column, source) {
  const text = (source?.split('\n') ?? cells.get(cellScript(count))?.lines ?? [])[line - 1];
  if (text === undefined) return [];
  const trimmed = text.trimStart();
  const arrow = column === undefined ? [] : [' '.repeat(4 + column - 1 - indent(text)) + '^'];
  return ['', `cell ${count}, line ${line}:`, `    ${trimmed}`, ...arrow];
}

/** @param {string} text */
const indent = text => text.length - text.trimStart().length;

/** @param {Error} error */
function headline(error) {
  try {
    return String(error);
  } catch {
    return 'Error';
  }
}

/**
 * @param {NodeJS.CallSite} frame
 * @returns {string | undefined} undefined for a frame that is not the reader's
 */
function describeFrame(frame) {
  const place = placeOf(frame);
  if (place === undefined) return undefined;
  const type = frame.getTypeName();
  const method = frame.getMethodName() ?? frame.getFunctionName();
  const plain = frame.isToplevel() || !type || NO_CLASSES.has(type) || !method;
  const name = frame.isConstructor()
    ? `new ${frame.getFunctionName() ?? type ?? ''}`
    : plain
      ? (frame.getFunctionName() ?? '')
      : `${type}.${method}`;
  const called = `${frame.isAsync() && name !== '' ? 'async ' : ''}${name}`;
  return called === '' ? place : `${called} (${place})`;
}

/**
 * @param {NodeJS.CallSite} frame
 * @returns {string | undefined}
 */
function placeOf(frame) {
  const script = frame.getScriptNameOrSourceURL?.() ?? frame.getFileName();
  const line = frame.getLineNumber();
  if (!script || line === null) return undefined;
  /** @type {Position} */
  const compiled = {source: script, line, column: frame.getColumnNumber() ?? 1};
  const cell = cells.get(script);
  if (cell === undefined) return placeInFile(compiled);
  const at = cell.maps.reduce(originalOf, compiled);
  // The compiler saw one line above the cell's first. Outside of it is tslab's wrapping.
  const inCell = cell.maps.length > 0 && at !== compiled && at.line >= 2;
  return inCell && at.line - 1 <= cell.lines.length
    ? `${script.replace('-', ' ')}, line ${at.line - 1}`
    : undefined;
}

/**
 * @param {Position} compiled
 * @returns {string | undefined}
 */
function placeInFile(compiled) {
  const {source} = compiled;
  const file = source.startsWith('file:') ? fileURLToPath(source) : source;
  if (!path.isAbsolute(file) || HIDDEN.some(part => file.includes(part))) return undefined;
  const map = mapOf(file);
  const at = map ? originalOf({...compiled, source: file}, map) : compiled;
  const original = path.resolve(path.dirname(file), at.source);
  const near = path.relative(ROOT, original);
  return `${near.startsWith('..') ? original : near}:${at.line}:${at.column}`;
}

/**
 * @param {Position} compiled
 * @param {SourceMap} map
 * @returns {Position} itself where the map has no entry on that line
 */
function originalOf(compiled, map) {
  const entry = map.findEntry(compiled.line - 1, compiled.column - 1);
  if (!('originalLine' in entry) || entry.generatedLine !== compiled.line - 1) return compiled;
  const {originalSource, originalLine, originalColumn} = entry;
  return {source: originalSource, line: originalLine + 1, column: originalColumn + 1};
}

/**
 * The source map beside a compiled file, if there is one.
 * @param {string} file
 * @returns {SourceMap | undefined}
 */
function mapOf(file) {
  if (!mapsOfFiles.has(file)) {
    const map = `${file}.map`;
    mapsOfFiles.set(
      file,
      fs.existsSync(map) ? new SourceMap(JSON.parse(fs.readFileSync(map, 'utf8'))) : undefined,
    );
  }
  return mapsOfFiles.get(file);
}

module.exports = {install, rememberCell, cellScript, framesOf, quote};
