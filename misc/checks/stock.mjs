// @ts-check
/**
 * Proof that lessons are ordinary tslab notebooks: stock tslab, without the project's kernel, runs them.
 * Source: tslab 1.0.22; nbconvert --execute.   Lesson: 00-orientation.
 */
import {mkdirSync, readFileSync, rmSync} from 'node:fs';
import path from 'node:path';
import {jupyterEnvironment} from '../setup/jupyter.mjs';
import {venvPython} from '../setup/paths.mjs';
import {run, tail} from '../setup/run.mjs';
import {ROOT, parseNotebook, printed, readNotebook, writeWhole} from './notebook.mjs';

/** @typedef {import('./notebook.mjs').Notebook} Notebook */
/** @typedef {import('./notebook.mjs').Finding} Finding */

const KERNEL = 'tslab-stock';
const CELL_SECONDS = 240;
const LESSON_SECONDS = 900;

/**
 * Executes a lesson in the quick profile with stock tslab and looks at what each cell gave.
 * @param {string} file
 * @returns {Promise<Finding[]>}
 */
export async function runWithStock(file) {
  const lesson = readNotebook(file);
  const folder = path.join(ROOT, 'build', 'stock');
  const data = path.join(folder, 'jupyter');
  const executed = path.join(folder, `${lesson.name}.ipynb`);
  rmSync(executed, {force: true});
  mkdirSync(folder, {recursive: true});
  installKernel(data);
  const {code, output, timedOut} = await run(
    venvPython,
    [
      ...['-m', 'jupyter', 'nbconvert', '--to', 'notebook', '--execute', file],
      `--ExecutePreprocessor.kernel_name=${KERNEL}`,
      `--ExecutePreprocessor.timeout=${CELL_SECONDS}`,
      `--output-dir=${folder}`,
    ],
    {
      cwd: ROOT,
      env: {...jupyterEnvironment(), JUPYTER_PATH: data, LATENT_PROFILE: 'quick'},
      seconds: LESSON_SECONDS,
    },
  );
  if (code !== 0) {
    const what = timedOut ? `took longer than ${LESSON_SECONDS} s` : tail(output, 12);
    return [{notebook: lesson.name, rule: 'stock tslab', message: `it does not run: ${what}`}];
  }
  return compareRuns(lesson, parseNotebook(readFileSync(executed, 'utf8'), executed));
}

/**
 * Stock tslab tells no client that a cell failed: it prints the error, and the cells after it say
 * nothing. So each cell must speak where it speaks in the lesson, and none on the error stream.
 * @param {Notebook} lesson
 * @param {Notebook} executed
 * @returns {Finding[]}
 */
export function compareRuns(lesson, executed) {
  return lesson.code.flatMap(cell => {
    const place = {notebook: lesson.name, cell: cell.number, rule: 'stock tslab'};
    const twin = executed.cells[cell.number - 1];
    if (twin === undefined) return [{...place, message: 'the cell was not executed'}];
    if (twin.outputs.some(output => output.name === 'stderr' || output.output_type === 'error')) {
      return [{...place, message: `fails: ${printed(twin).split('\n')[0] ?? ''}`}];
    }
    if (cell.outputs.length > 0 && twin.outputs.length === 0) {
      return [{...place, message: 'says nothing, though it does in the lesson'}];
    }
    return [];
  });
}

/**
 * A kernelspec that starts tslab as its own installer would.
 * @param {string} folder
 */
function installKernel(folder) {
  const tslab = path.join(ROOT, 'node_modules', 'tslab', 'bin', 'tslab');
  const spec = {
    argv: [process.execPath, tslab, 'kernel', '--config-path', '{connection_file}'],
    display_name: 'TypeScript (stock tslab)',
    language: 'typescript',
  };
  writeWhole(path.join(folder, 'kernels', KERNEL, 'kernel.json'), JSON.stringify(spec));
}
