/**
 * Step 7: the kernel `tslab`, made known to the Jupyter of the virtual environment and to no other.
 */
import fs from 'node:fs';
import path from 'node:path';

/** @typedef {import('./context.mjs').Context} Context */
/** @typedef {import('./context.mjs').StepState} StepState */

/**
 * @param {Context} context
 * @returns {StepState}
 */
export function installKernelspec({places, node}) {
  const spec = {
    argv: [node.execPath, places.kernelEntry, '--config-path', '{connection_file}'],
    display_name: 'TypeScript (tslab)',
    language: 'typescript',
  };
  const text = `${JSON.stringify(spec, null, 2)}\n`;
  const file = path.join(places.kernelspec, 'kernel.json');
  if (!fs.existsSync(file) || fs.readFileSync(file, 'utf8') !== text) {
    fs.mkdirSync(places.kernelspec, {recursive: true});
    fs.writeFileSync(`${file}.draft`, text);
    fs.renameSync(`${file}.draft`, file);
  }
  return {ok: true, detail: `kernelspec tslab in ${path.relative(places.root, places.kernelspec)}`};
}
