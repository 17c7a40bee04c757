/**
 * Opens JupyterLab on the lessons; what it does not know it hands to JupyterLab.
 *
 *   npm start                                 the first lesson in the browser
 *   npm start -- --no-browser --port 9000     only the address
 */
import fs from 'node:fs';
import path from 'node:path';
import {spawn} from 'node:child_process';
import {fileURLToPath} from 'node:url';
import {jupyterEnvironment} from '../setup/jupyter.mjs';
import {root, venvPython} from '../setup/paths.mjs';
import {readState, skippedSteps} from '../setup/state.mjs';

/** JupyterLab asks its makers for news and new versions unless told not to. */
const SETTINGS = {
  '@jupyterlab/apputils-extension:notification': {fetchNews: 'false', checkForUpdates: false},
};

/** What is opened first: the first of these that there is. */
const FIRST = ['00-orientation.ipynb', 'README.md'];

/**
 * JupyterLab's arguments.
 * @param {readonly string[]} own those of the command line, which come last and win
 * @param {{display: boolean, superuser: boolean, notebooks: string}} machine
 * @returns {string[]}
 */
export function jupyterArguments(own, {display, superuser, notebooks}) {
  const first = FIRST.find(name => fs.existsSync(path.join(notebooks, name)));
  return [
    ...['-m', 'jupyterlab'],
    `--ServerApp.root_dir=${notebooks}`,
    `--LabApp.default_url=/lab${first === undefined ? '' : `/tree/${first}`}`,
    '--ServerApp.answer_yes=True', // one Ctrl-C ends it
    '--MultiKernelManager.default_kernel_name=tslab',
    '--ServerApp.log_level=WARN',
    '--LabApp.log_level=WARN',
    '--LabApp.news_url=None',
    '--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate',
    ...(superuser ? ['--allow-root'] : []),
    ...(display ? [] : ['--no-browser']),
    ...own,
  ];
}

/**
 * Whether a browser can be shown.
 * @param {NodeJS.ProcessEnv} env
 * @param {NodeJS.Platform} platform
 */
export function hasDisplay(env, platform) {
  /** @param {string} name */
  const set = name => (env[name] ?? '') !== '';
  if (set('CI')) return false;
  if (platform !== 'linux') return !set('SSH_CONNECTION');
  return set('DISPLAY') || set('WAYLAND_DISPLAY') || set('WSL_DISTRO_NAME');
}

/**
 * @param {readonly string[]} own arguments for JupyterLab
 * @returns {Promise<number>} the exit code
 */
async function main(own) {
  const state = readState();
  if (state === undefined || !state.venv.ok || !state.kernelspec.ok) {
    const why = state?.venv.ok === false ? state.venv : state?.kernelspec;
    console.error(`JupyterLab is not set up: ${why?.detail ?? 'nothing is set up yet.'}`);
    console.error(`To mend it: ${why?.remedy ?? 'npm run setup'}`);
    return 1;
  }
  const env = jupyterEnvironment();
  const settings = path.join(env['JUPYTER_CONFIG_DIR'] ?? root, 'labconfig');
  fs.mkdirSync(settings, {recursive: true});
  const file = path.join(settings, 'default_setting_overrides.json');
  fs.writeFileSync(file, `${JSON.stringify(SETTINGS, null, 2)}\n`);
  console.error(`Lessons in notebooks/ on ${state.addon.ok ? state.addon.detail : 'WebAssembly'}.`);
  for (const {name, detail} of skippedSteps(state)) {
    console.error(`Without ${name}: ${detail.split('\n')[0] ?? ''}`);
  }
  console.error('JupyterLab is starting; Ctrl-C ends it.');
  const args = jupyterArguments(own, {
    display: hasDisplay(process.env, process.platform),
    superuser: process.getuid?.() === 0,
    notebooks: path.join(root, 'notebooks'),
  });
  return serve(args, env);
}

/**
 * Runs JupyterLab until it ends, and sees to it that it ends with this process.
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<number>}
 */
function serve(args, env) {
  const child = spawn(venvPython, args, {cwd: root, env, stdio: 'inherit'});
  /** @type {NodeJS.Timeout | undefined} */
  let patience;
  // A terminal sends Ctrl-C to JupyterLab too; if it was meant for this process alone, it is passed on.
  process.on('SIGINT', () => {
    patience ??= setTimeout(() => child.kill('SIGTERM'), 1500);
  });
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  process.on('SIGHUP', () => child.kill('SIGTERM'));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', code => {
      clearTimeout(patience);
      resolve(patience === undefined ? (code ?? 1) : 0);
    });
  });
}

if (
  process.argv[1] !== undefined &&
  path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)
) {
  process.exitCode = await main(process.argv.slice(2));
}
