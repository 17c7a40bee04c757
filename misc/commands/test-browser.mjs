/**
 * Opens the lessons in the real JupyterLab with a real browser, and tries what a reader would.
 *
 *   npm run test:browser                  everything
 *   npm run test:browser -- 01 fixture    these lessons only; 'interaction' and 'stored' name the rest
 *
 * Screenshots, executed lessons and times are kept in build/browser/.
 */
import {spawn} from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import {root} from '../setup/paths.mjs';

const folder = path.join(root, 'test', 'browser');
const suites = fs.readdirSync(folder).filter(name => name.endsWith('.test.mjs'));

/** @param {readonly string[]} names */
function chosen(names) {
  const named = names.filter(name => suites.includes(`${name}.test.mjs`));
  const lessons = names.filter(name => !named.includes(name));
  const files =
    names.length === 0
      ? suites
      : [...(lessons.length > 0 ? ['lessons.test.mjs'] : []), ...named.map(n => `${n}.test.mjs`)];
  return {files: files.map(file => path.join(folder, file)), lessons};
}

const {files, lessons} = chosen(process.argv.slice(2));
const child = spawn(
  process.execPath,
  ['--test', '--test-concurrency=1', '--test-reporter=spec', ...files],
  {cwd: root, env: {...process.env, BROWSER_LESSONS: lessons.join(',')}, stdio: 'inherit'},
);
child.on('close', (code, signal) => {
  if (signal !== null) console.error(`The browser suite was ended by ${signal}.`);
  const measurements = path.join(root, 'build', 'browser', 'measurements.json');
  if (fs.existsSync(measurements)) {
    console.log(`Seconds, unless named otherwise:\n${fs.readFileSync(measurements, 'utf8')}`);
  }
  console.log('Screenshots are in build/browser/.');
  process.exitCode = code ?? 1;
});
