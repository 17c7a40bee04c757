/**
 * Step 8: lib/ compiled to lib/dist, which the lessons import.
 */
import fs from 'node:fs';
import path from 'node:path';
import {logFile} from './context.mjs';
import {hashFiles, readStamp, removeStamp, writeStamp, agrees} from './stamp.mjs';
import {tail} from './run.mjs';

/** @typedef {import('./context.mjs').Context} Context */
/** @typedef {import('./context.mjs').StepState} StepState */

/**
 * @param {Context} context
 * @returns {Promise<StepState>}
 */
export async function compileLibrary(context) {
  const {places, node, env, run, progress} = context;
  const lib = path.join(places.root, 'lib');
  const dist = path.join(lib, 'dist');
  const sources = sourcesIn(lib);
  const settings = ['tsconfig.base.json', 'lib/tsconfig.json', 'lib/package.json'];
  const wanted = {
    sources: hashFiles([...sources, ...settings.map(name => path.join(places.root, name))]),
    files: sources.map(file => path.relative(lib, file)).join(' '),
  };
  const detail = `${sources.length} files in lib/dist`;
  const stamp = readStamp(places.setUpFolder, 'library');
  if (agrees(stamp, wanted) && fs.existsSync(dist)) return {ok: true, detail};

  removeStamp(places.setUpFolder, 'library');
  const line = progress.begin('Library compiled');
  removeOrphans(dist, lib);
  const log = logFile(context, 'library');
  const args = [places.compiler, '-b', 'lib'];
  const ended = await run(node.execPath, args, {cwd: places.root, env, log});
  if (ended.code !== 0) {
    const errors = [...ended.output.matchAll(/^\S.*error TS.*$/gm)].map(([line]) => line);
    const failure = {
      ok: false,
      detail: errors.length > 0 ? errors.slice(0, 3).join('\n') : tail(ended.output),
      remedy: 'node node_modules/typescript/bin/tsc -b lib   (shows all that is wrong)',
    };
    line.failed(failure);
    return failure;
  }
  line.done();
  writeStamp(places.setUpFolder, 'library', wanted);
  return {ok: true, detail};
}

/**
 * The TypeScript files under a folder, sorted.
 * @param {string} folder
 * @returns {string[]}
 */
function sourcesIn(folder) {
  return fs
    .readdirSync(folder, {withFileTypes: true})
    .filter(entry => entry.name !== 'dist' && entry.name !== 'node_modules')
    .flatMap(entry => {
      const file = path.join(folder, entry.name);
      if (entry.isDirectory()) return sourcesIn(file);
      return entry.name.endsWith('.ts') ? [file] : [];
    })
    .sort();
}

/**
 * Removes what was compiled from a source that is no more, so that no import finds it.
 * @param {string} dist
 * @param {string} lib
 */
function removeOrphans(dist, lib) {
  if (!fs.existsSync(dist)) return;
  for (const entry of fs.readdirSync(dist, {withFileTypes: true})) {
    const file = path.join(dist, entry.name);
    if (entry.isDirectory()) removeOrphans(file, path.join(lib, entry.name));
    const stem = /^(.+?)(\.d\.ts|\.js|\.js\.map)$/.exec(entry.name)?.[1];
    if (stem === undefined || !entry.isFile()) continue;
    if (!fs.existsSync(path.join(lib, `${stem}.ts`))) fs.rmSync(file);
  }
}
