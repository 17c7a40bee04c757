/**
 * The environment in which Jupyter runs: its settings, its data and its sockets stay in the clone,
 * and the virtual environment's kernels come before any that the user has installed elsewhere.
 */
import path from 'node:path';
import {setUpFolder, venv, venvBin} from './paths.mjs';

/**
 * @param {NodeJS.ProcessEnv} [base] the environment to start from
 * @returns {NodeJS.ProcessEnv} pass it to every command of the virtual environment
 */
export function jupyterEnvironment(base = process.env) {
  const own = path.join(setUpFolder, 'jupyter');
  return {
    ...base,
    PATH: [path.dirname(venvBin('jupyter')), base['PATH'] ?? ''].join(path.delimiter),
    VIRTUAL_ENV: venv,
    JUPYTER_CONFIG_DIR: path.join(own, 'config'),
    JUPYTER_DATA_DIR: path.join(own, 'data'),
    JUPYTER_RUNTIME_DIR: path.join(own, 'runtime'),
    JUPYTERLAB_SETTINGS_DIR: path.join(own, 'settings'),
    JUPYTERLAB_WORKSPACES_DIR: path.join(own, 'workspaces'),
    IPYTHONDIR: path.join(own, 'ipython'),
    JUPYTER_PREFER_ENV_PATH: '1',
    JUPYTER_PLATFORM_DIRS: '1',
  };
}
