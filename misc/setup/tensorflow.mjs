/**
 * Step 5: TensorFlow's wheel, which brings the C library that the addon is built against.
 */
import fs from 'node:fs';
import path from 'node:path';
import {librariesOn} from './addon-build.mjs';
import {logFile} from './context.mjs';
import {askIndex, pipInstall} from './pip.mjs';
import {cleanEnvironment} from './python.mjs';
import {agrees, readStamp, removeStamp, writeStamp} from './stamp.mjs';

/** @typedef {import('./context.mjs').Context} Context */
/** @typedef {import('./context.mjs').StepState} StepState */

export const TENSORFLOW = '2.21.0';

/**
 * The wheel for a machine.
 * @param {Pick<Context, 'platform' | 'arch' | 'musl'>} machine
 * @param {'cpu' | 'gpu'} device
 * @returns {string | undefined} a requirement; undefined when there is no wheel
 */
export function wheelFor({platform, arch, musl}, device) {
  const x64 = arch === 'x64';
  const arm64 = arch === 'arm64';
  if (platform === 'linux' && !musl && (x64 || arm64)) {
    if (device === 'gpu') return `tensorflow[and-cuda]==${TENSORFLOW}`;
    return x64 ? `tensorflow-cpu==${TENSORFLOW}` : `tensorflow==${TENSORFLOW}`;
  }
  if (platform === 'darwin' && arm64) return `tensorflow==${TENSORFLOW}`;
  return undefined;
}

/**
 * @param {Context} context
 * @returns {Promise<StepState>}
 */
export async function installTensorFlow(context) {
  const {places, platform, arch, musl, progress} = context;
  const stamp = readStamp(places.setUpFolder, 'tensorflow');
  const device = context.device ?? known(stamp['device']) ?? (await deviceFor(context));
  const wheel = wheelFor(context, device);
  if (wheel === undefined) {
    const detail = `TensorFlow ${TENSORFLOW} has no wheel for ${platform}-${arch}${musl ? ' (musl)' : ''}.`;
    return {ok: false, detail};
  }
  const detail = `TensorFlow ${TENSORFLOW} (${wheel.split('==')[0]})`;
  if (agrees(stamp, {wheel}) && tensorFlowFolder(context) !== undefined) return {ok: true, detail};

  removeStamp(places.setUpFolder, 'tensorflow');
  const line = progress.begin(`${detail} in .venv`);
  await removeOthers(context, wheel);
  const failure = (await askIndex(context)) ?? (await pipInstall(context, [wheel]));
  if (failure !== undefined) {
    line.failed(failure);
    return failure;
  }
  if (tensorFlowFolder(context) === undefined) {
    const strange = {ok: false, detail: `${wheel} holds no C library.`, remedy: 'npm run doctor'};
    line.failed(strange);
    return strange;
  }
  line.done();
  writeStamp(places.setUpFolder, 'tensorflow', {wheel, device});
  return {ok: true, detail};
}

/**
 * The folder of the Python package tensorflow in the virtual environment.
 * @param {Context} context
 * @returns {string | undefined} undefined when its C library is not there
 */
export function tensorFlowFolder({places, platform}) {
  const lib = path.join(places.venv, 'lib');
  for (const python of fs.existsSync(lib) ? fs.readdirSync(lib) : []) {
    const folder = path.join(lib, python, 'site-packages', 'tensorflow');
    const whole = librariesOn(platform).every(name => fs.existsSync(path.join(folder, name)));
    if (whole) return folder;
  }
  return undefined;
}

/**
 * @param {string | undefined} text
 * @returns {'cpu' | 'gpu' | undefined}
 */
const known = text => (text === 'cpu' || text === 'gpu' ? text : undefined);

/**
 * Whether an NVIDIA driver answers.
 * @param {Context} context
 * @returns {Promise<'cpu' | 'gpu'>}
 */
async function deviceFor({run, env}) {
  const ended = await run('nvidia-smi', ['--list-gpus'], {env, seconds: 20});
  return ended.code === 0 && ended.stdout.includes('GPU') ? 'gpu' : 'cpu';
}

/**
 * The wheels share one folder, so the CPU wheel must go before the GPU wheel comes, and back.
 * @param {Context} context
 * @param {string} wheel
 */
async function removeOthers(context, wheel) {
  const folder = tensorFlowFolder(context);
  if (folder === undefined) return;
  const name = wheel.split(/[=[]/)[0];
  const others = ['tensorflow', 'tensorflow-cpu'].filter(other => other !== name);
  const {places, run, env} = context;
  await run(places.venvPython, ['-m', 'pip', 'uninstall', '--yes', ...others], {
    cwd: places.root,
    env: cleanEnvironment(env),
    log: logFile(context, 'python'),
  });
}
