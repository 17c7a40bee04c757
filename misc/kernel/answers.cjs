/**
 * The requests that are answered without running a cell. Each answer is a reply's content; the
 * server adds `status: 'ok'`.
 */
'use strict';
const {describeSymbol} = require('./describe-symbol.cjs');

/** @typedef {import('./wire.cjs').Content} Content */
/** @typedef {(content: Content, cells: import('./cells.cjs').Cells) => Content} Answer */

/** @type {Answer} */
function kernelInfo(_content, {session}) {
  return {
    protocol_version: '5.3',
    implementation: 'tslab',
    implementation_version: session.tslabVersion,
    banner: `TypeScript ${session.typescriptVersion} by tslab ${session.tslabVersion}`,
    help_links: [],
    language_info: {
      name: 'typescript',
      version: session.typescriptVersion,
      mimetype: 'text/typescript',
      file_extension: '.ts',
      codemirror_mode: {mode: 'typescript', name: 'javascript', typescript: true},
    },
  };
}

/** @type {Answer} */
function complete(content, {session}) {
  const {code, position} = cursorOf(content);
  const {start, end, candidates} = session.executor.complete(code, position);
  return {
    matches: candidates,
    cursor_start: [...code.slice(0, start)].length,
    cursor_end: [...code.slice(0, end)].length,
    metadata: {},
  };
}

/** @type {Answer} */
function inspect(content, {session}) {
  const {code, position} = cursorOf(content);
  const info = session.executor.inspect(code, position);
  const data = info ? {'text/plain': describeSymbol(info)} : {};
  return {found: Boolean(info), data, metadata: {}};
}

/** @type {Answer} */
function isComplete(content, {session}) {
  const {completed, indent} = session.isCompleteCode(String(content['code']));
  return completed ? {status: 'complete'} : {status: 'incomplete', indent: indent ?? ''};
}

/**
 * Jupyter counts the cursor's place in code points, TypeScript in UTF-16 units.
 * @param {Content} content
 */
function cursorOf(content) {
  const code = String(content['code']);
  const before = [...code].slice(0, Number(content['cursor_pos'])).join('');
  return {code, position: before.length};
}

/** @type {Readonly<Record<string, Answer>>} */
const answers = {
  kernel_info_request: kernelInfo,
  complete_request: complete,
  inspect_request: inspect,
  is_complete_request: isComplete,
  comm_info_request: () => ({comms: {}}),
  history_request: () => ({history: []}),
  interrupt_request: (_content, cells) => {
    cells.interrupt();
    return {};
  },
  shutdown_request: content => ({restart: content['restart'] === true}),
};

module.exports = {answers};
