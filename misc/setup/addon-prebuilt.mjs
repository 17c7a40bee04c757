/**
 * Upstream's prebuilt addon with its own, older libtensorflow: where the addon cannot be compiled.
 */
import fs from 'node:fs';
import path from 'node:path';
import {logFile} from './context.mjs';
import {tail} from './run.mjs';

/** @typedef {import('./context.mjs').Context} Context */

/** Where upstream keeps it; the script reads the same variable. */
const HOST = 'https://storage.googleapis.com/';

/** The first answer must come within this time, the whole download within the other. */
const PATIENCE = {answer: 10, download: 600};

/**
 * @param {Context} context
 * @returns {Promise<string | undefined>} why it failed
 */
export async function downloadPrebuilt(context) {
  const {places, node, platform, env, run} = context;
  const host = env['TFJS_NODE_CDN_STORAGE'] ?? env['CDN_STORAGE'] ?? HOST;
  const unreachable = await ask(host);
  if (unreachable !== undefined) return `${new URL(host).host} cannot be reached (${unreachable})`;

  const script = path.join(places.binding, 'scripts', 'install.js');
  const device = platform === 'linux' ? 'gpu' : 'cpu';
  const manifest = path.join(places.binding, 'package.json');
  const whole = fs.readFileSync(manifest);
  fs.rmSync(path.join(places.binding, 'deps'), {recursive: true, force: true});
  const tools = path.join(places.modules, '.bin');
  const ended = await run(node.execPath, [script, device, 'download'], {
    cwd: places.binding,
    env: {...env, PATH: [tools, env['PATH'] ?? ''].join(path.delimiter)},
    seconds: PATIENCE.download,
    log: logFile(context, 'addon'),
  });
  // The script writes into its own package.json and leaves it so when it fails.
  fs.writeFileSync(manifest, whole);
  if (ended.timedOut) return `the download took more than ${PATIENCE.download} s`;
  const addon = path.join(places.binding, 'lib', 'napi-v8', 'tfjs_binding.node');
  if (ended.code === 0 && fs.existsSync(addon)) return undefined;
  return `the download failed: ${tail(ended.output, 2)}`;
}

/**
 * Whether a host answers at all, with whatever status.
 * @param {string} address
 * @returns {Promise<string | undefined>} why not
 */
async function ask(address) {
  try {
    await fetch(address, {method: 'HEAD', signal: AbortSignal.timeout(PATIENCE.answer * 1000)});
    return undefined;
  } catch (error) {
    const {cause, message} = /** @type {Error & {cause?: {code?: string}}} */ (error);
    return cause?.code ?? message;
  }
}
