/**
 * The command that installs what a machine lacks, for the package manager that it has.
 */
import fs from 'node:fs';
import path from 'node:path';

/** @typedef {'python' | 'venv' | 'compiler'} Lack */

/** @type {Record<string, Record<Lack, string>>} */
const COMMANDS = {
  'apt-get': {
    python: 'sudo apt-get install -y python3 python3-venv',
    venv: 'sudo apt-get install -y python3-venv',
    compiler: 'sudo apt-get install -y g++',
  },
  dnf: {
    python: 'sudo dnf install -y python3.12',
    venv: 'sudo dnf install -y python3.12',
    compiler: 'sudo dnf install -y gcc-c++',
  },
  zypper: {
    python: 'sudo zypper install -y python312',
    venv: 'sudo zypper install -y python312',
    compiler: 'sudo zypper install -y gcc-c++',
  },
  pacman: {
    python: 'sudo pacman -S --needed python',
    venv: 'sudo pacman -S --needed python',
    compiler: 'sudo pacman -S --needed gcc',
  },
  apk: {
    python: 'sudo apk add python3',
    venv: 'sudo apk add python3',
    compiler: 'sudo apk add g++',
  },
  brew: {
    python: 'brew install python@3.12',
    venv: 'brew install python@3.12',
    compiler: 'xcode-select --install',
  },
  winget: {
    python: 'winget install Python.Python.3.12',
    venv: 'winget install Python.Python.3.12',
    compiler: 'wsl --install',
  },
};

/**
 * @param {Lack} lack
 * @param {object} machine
 * @param {NodeJS.Platform} machine.platform
 * @param {NodeJS.ProcessEnv} machine.env
 * @param {string} [version] of the Python whose venv module is missing, such as '3.11'
 * @returns {string} a command
 */
export function installCommand(lack, {platform, env}, version) {
  const command = COMMANDS[packageManager(platform, env)]?.[lack] ?? '';
  return lack === 'venv' && version !== undefined
    ? command.replace('python3-venv', `python${version}-venv`)
    : command;
}

/**
 * @param {NodeJS.Platform} platform
 * @param {NodeJS.ProcessEnv} env
 */
function packageManager(platform, env) {
  if (platform === 'darwin') return 'brew';
  if (platform === 'win32') return 'winget';
  return Object.keys(COMMANDS).find(name => findCommand(name, env) !== undefined) ?? 'apt-get';
}

/**
 * Looks a command up in PATH.
 * @param {string} name
 * @param {NodeJS.ProcessEnv} env
 * @returns {string | undefined} its path
 */
export function findCommand(name, env) {
  for (const folder of (env['PATH'] ?? '').split(path.delimiter)) {
    if (folder === '') continue;
    for (const file of process.platform === 'win32' ? [`${name}.exe`, `${name}.cmd`] : [name]) {
      const candidate = path.join(folder, file);
      try {
        fs.accessSync(candidate, fs.constants.X_OK);
        if (fs.statSync(candidate).isFile()) return candidate;
      } catch {
        // not here
      }
    }
  }
  return undefined;
}
