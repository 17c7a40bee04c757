/**
 * The Python of the originals: one the user names, or the environment under build/reference.
 */
import fs from 'node:fs';
import path from 'node:path';
import {context} from '../setup/context.mjs';
import {root} from '../setup/paths.mjs';
import {cleanEnvironment, findPython} from '../setup/python.mjs';

const folder = path.join(root, 'build', 'reference');
const windows = process.platform === 'win32';
const own = path.join(folder, windows ? 'Scripts' : 'bin', windows ? 'python.exe' : 'python');
const requirements = path.join(root, 'misc', 'reference', 'peers', 'requirements.txt');

/** The Python to use, or undefined when there is none. */
export function referencePython() {
  const named = process.env['LATENT_REFERENCE_PYTHON'];
  if (named !== undefined && named !== '') return named;
  return fs.existsSync(own) ? own : undefined;
}

/**
 * Makes build/reference and installs what the originals need (about 3 GB with PyTorch's CUDA).
 * @throws {Error} with pip's last words when it fails
 */
export async function install() {
  const machine = context();
  const {python, detail} = await findPython(machine);
  if (python === undefined) throw new Error(detail);
  const env = cleanEnvironment(process.env);
  /** @type {(command: string, args: string[]) => Promise<void>} */
  const run = async (command, args) => {
    const ended = await machine.run(command, args, {cwd: root, env});
    if (ended.code !== 0) throw new Error(ended.output.trim().split('\n').slice(-8).join('\n'));
  };
  await run(python.executable, ['-m', 'venv', '--clear', folder]);
  await run(own, ['-m', 'pip', 'install', '--disable-pip-version-check', '-r', requirements]);
}
