/**
 * Step 3: a Python that can make the virtual environment.
 */
import {installCommand} from './remedies.mjs';

/** @typedef {import('./context.mjs').Context} Context */
/** @typedef {import('./context.mjs').StepState} StepState */

/**
 * @typedef {object} Python
 * @property {string} executable
 * @property {string} version such as '3.11.7'
 */

/** The versions for which the pinned TensorFlow has wheels, as minors of Python 3. */
const OLDEST = 10;
const NEWEST = 13;

const NAMES = ['python3.13', 'python3.12', 'python3.11', 'python3.10', 'python3', 'python'];

const QUESTION = `import json, sys, sysconfig
try:
    import venv, ensurepip
    whole = True
except ImportError:
    whole = False
print(json.dumps({
    'executable': sys.executable,
    'version': '.'.join(map(str, sys.version_info[:3])),
    'whole': whole,
    'threaded': bool(sysconfig.get_config_var('Py_GIL_DISABLED')),
}))`;

/**
 * @param {Context} context
 * @returns {Promise<StepState & {python?: Python}>}
 */
export async function findPython(context) {
  const {env} = context;
  const asked = env['LATENT_PYTHON'];
  /** @type {string[]} */
  const unfit = [];
  /** @type {string | undefined} */
  let withoutVenv;
  for (const name of asked === undefined || asked === '' ? NAMES : [asked]) {
    const found = await question(context, name);
    if (found === undefined) continue;
    const {executable, version, whole, threaded} = found;
    const [major = 0, minor = 0] = version.split('.').map(Number);
    if (major !== 3 || minor < OLDEST || minor > NEWEST) unfit.push(version);
    else if (threaded) unfit.push(`${version} free-threaded`);
    else if (!whole) withoutVenv ??= version;
    else return {ok: true, detail: `Python ${version}`, python: {executable, version}};
  }
  if (withoutVenv !== undefined) {
    const line = withoutVenv.split('.').slice(0, 2).join('.');
    return {
      ok: false,
      detail: `Python ${withoutVenv} has no venv module.`,
      remedy: installCommand('venv', context, line),
    };
  }
  const wanted = `3.${OLDEST} to 3.${NEWEST}`;
  const there = unfit.length > 0 ? `; found ${[...new Set(unfit)].join(', ')}` : '';
  return {
    ok: false,
    detail: `There is no Python ${wanted}${asked ? ` at LATENT_PYTHON=${asked}` : ''}${there}.`,
    remedy: installCommand('python', context),
  };
}

/**
 * @param {Context} context
 * @param {string} command
 * @returns {Promise<(Python & {whole: boolean, threaded: boolean}) | undefined>}
 */
async function question({run, env}, command) {
  const ended = await run(command, ['-c', QUESTION], {env: cleanEnvironment(env), seconds: 20});
  if (ended.code !== 0) return undefined;
  try {
    return JSON.parse(ended.stdout);
  } catch {
    return undefined;
  }
}

/**
 * The environment without what another Python set-up may have put into it.
 * @param {NodeJS.ProcessEnv} env
 * @returns {NodeJS.ProcessEnv}
 */
export function cleanEnvironment(env) {
  const strangers = [
    'PYTHONHOME',
    'PYTHONPATH',
    'VIRTUAL_ENV',
    '__PYVENV_LAUNCHER__',
    'PIP_USER',
    'PIP_TARGET',
    'PIP_PREFIX',
    'PIP_REQUIRE_VIRTUALENV',
  ];
  const kept = Object.entries(env).filter(([name]) => !strangers.includes(name));
  return {...Object.fromEntries(kept), PYTHONUTF8: '1', PIP_USER: '0'};
}
