/**
 * The lessons' Jupyter kernel: stock tslab's compiler and executor behind a conforming protocol.
 *   node misc/kernel/kernel.cjs --config-path CONNECTION_FILE
 * README.md in this folder says what differs from stock tslab, and why.
 */
'use strict';
// TensorFlow's C++ side reads its environment once, when it is loaded: no INFO and WARNING lines.
process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2';

const fs = require('node:fs');

main().catch(error => {
  fs.writeSync(2, `${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});

async function main() {
  const connection = readConnection(process.argv.slice(2));
  require('./parent-watch.cjs').dieWithParent();
  require('./traceback.cjs').install();
  const {Cells} = require('./cells.cjs');
  const {openSession} = require('./tslab.cjs');
  const {Server} = require('./server.cjs');

  const cells = new Cells(openSession);
  const server = new Server(connection, cells);
  process.on('SIGINT', () => cells.interrupt());
  process.on('unhandledRejection', reason => cells.stray(reason));
  process.on('uncaughtException', error => cells.stray(error));
  await server.listen();
}

/**
 * @param {readonly string[]} args
 * @returns {import('./server.cjs').Connection}
 */
function readConnection(args) {
  const file = args[args.indexOf('--config-path') + 1];
  if (!args.includes('--config-path') || file === undefined) {
    throw new Error('Usage: node misc/kernel/kernel.cjs --config-path CONNECTION_FILE');
  }
  const connection = JSON.parse(fs.readFileSync(file, 'utf8'));
  if (connection.key !== '' && connection.signature_scheme !== 'hmac-sha256') {
    throw new Error(`${file}: signature_scheme is ${connection.signature_scheme}, not hmac-sha256`);
  }
  return connection;
}
