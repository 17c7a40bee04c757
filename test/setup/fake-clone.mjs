/**
 * A clone of the project in a temporary folder, small enough to be set up in a second: the real set-up,
 * real Node, and around them commands that only look like npm, Python, pip and a compiler.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {run} from '../../misc/setup/run.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');

/** Nothing listens here. */
const CLOSED = 'http://127.0.0.1:9/';

const LIBRARIES =
  process.platform === 'darwin'
    ? ['libtensorflow_cc.2.dylib', 'libtensorflow_framework.2.dylib']
    : ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'];

/** What `npm ci` puts into node_modules. */
const PACKAGES = {
  'nodejs-polars': {'index.js': ''},
  zeromq: {'index.js': ''},
  '@resvg/resvg-js': {'index.js': ''},
  typescript: {
    'bin/tsc': `const fs = require('fs');
      fs.mkdirSync('lib/dist', {recursive: true});
      for (const file of fs.readdirSync('lib')) {
        if (!file.endsWith('.ts')) continue;
        const text = fs.readFileSync('lib/' + file, 'utf8');
        if (text.includes('wrong')) {
          console.log('lib/' + file + '(1,1): error TS2322: It is wrong.');
          process.exitCode = 2;
        }
        fs.writeFileSync('lib/dist/' + file.replace('.ts', '.js'), text);
      }`,
  },
  '@tensorflow/tfjs-node-gpu': {
    'binding/tfjs_backend.cc': '',
    'binding/tfjs_binding.cc': '',
    'scripts/install.js': 'process.exit(1)',
    'index.js': `const fs = require('fs'), path = require('path');
      const addon = fs.readFileSync(path.join(__dirname, 'lib/napi-v8/tfjs_binding.node'), 'utf8');
      if (addon.includes('crash')) process.kill(process.pid, 'SIGILL');
      const library = fs.readFileSync(path.join(__dirname, 'deps/lib/${LIBRARIES[0]}'), 'utf8');
      process.dlopen = (module, file) => {
        if (fs.readFileSync(file, 'utf8').includes('crash')) process.kill(process.pid, 'SIGILL');
        module.exports = {version: 1};
      };
      exports.tensor1d = values => values;
      exports.add = (values, more) => ({dataSync: () => values.map(value => value + more)});
      exports.backend = () => ({binding: {TF_Version: library.trim()}, isUsingGpuDevice: false});`,
  },
};

/** Commands that say in calls.log that they were called, and do as little as is needed. */
const COMMANDS = {
  npm: `#!/bin/sh
echo "npm $*" >> "$LOG"
[ "$1" = --version ] && echo 11.0.0 && exit 0
[ "$1" = ci ] || exit 0
rm -rf node_modules && cp -R "$TEMPLATE" node_modules`,
  'python3.12': `#!/bin/sh
[ "$1" = -c ] && echo "python -c" >> "$LOG" || echo "python $*" >> "$LOG"
case "$*" in
  -c*) echo '{"executable": "'"$0"'", "version": "3.12.1", "whole": true, "threaded": false}' ;;
  "-m venv "*)
    mkdir -p "$3/bin" "$3/lib/python3.12/site-packages"
    cp "$0" "$3/bin/python" ;;
  "-m pip download "*) exit 0 ;;
  "-m pip install "*tensorflow*)
    to="$(dirname "$0")/../lib/python3.12/site-packages/tensorflow"
    mkdir -p "$to/include"
    for name in ${LIBRARIES.join(' ')}; do echo 2.21.0 > "$to/$name"; done
    echo "Downloading tensorflow_cpu-2.21.0.whl (273.8 MB)" ;;
  "-m pip install "*) echo "Downloading jupyterlab-4.6.6.whl (12.2 MB)" ;;
esac`,
  'c++': `#!/bin/sh
echo "c++ $*" >> "$LOG"
while [ "$1" != -o ]; do shift; done
echo addon > "$2"`,
};

/**
 * Makes the clone. Call `remove` when done.
 * @param {{name?: string, commands?: Record<string, string | undefined>}} [options] the folder's name,
 *   and commands to replace or, as undefined, to leave out
 */
export function fakeClone({name = 'clone', commands = {}} = {}) {
  const base = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'set-up-')));
  const clone = path.join(base, name);
  const bin = path.join(base, 'bin');
  const template = path.join(base, 'template');
  const log = path.join(base, 'calls.log');

  /** @param {string} file @param {string} text @param {number} [mode] */
  const write = (file, text, mode = 0o644) => {
    fs.mkdirSync(path.dirname(file), {recursive: true});
    fs.writeFileSync(file, text, {mode});
  };
  for (const [tool, text] of Object.entries({...COMMANDS, ...commands})) {
    if (text !== undefined) write(path.join(bin, tool), `${text}\n`, 0o755);
  }
  for (const tool of ['sh', 'rm', 'cp', 'mkdir', 'dirname', 'echo', 'sleep', 'cat']) {
    for (const folder of ['/usr/bin', '/bin']) {
      const target = path.join(folder, tool);
      const link = path.join(bin, tool);
      if (fs.existsSync(target) && !fs.existsSync(link)) fs.symlinkSync(target, link);
    }
  }
  /** @type {Record<string, {version?: string, dependencies?: Record<string, string>}>} */
  const locked = {'': {dependencies: {}}, lib: {}};
  for (const [name, files] of Object.entries(PACKAGES)) {
    locked[`node_modules/${name}`] = {version: '1.0.0'};
    const manifest = JSON.stringify({name, version: '1.0.0', main: 'index.js'});
    write(path.join(template, name, 'package.json'), manifest);
    for (const [file, text] of Object.entries(files)) write(path.join(template, name, file), text);
  }
  const {'': _, lib: __, ...installed} = locked;
  write(path.join(template, '.package-lock.json'), JSON.stringify({packages: installed}));
  write(path.join(clone, 'package-lock.json'), JSON.stringify({packages: locked}));
  write(path.join(clone, 'package.json'), '{"dependencies": {}}');
  write(path.join(clone, 'lib', 'package.json'), '{}');
  write(path.join(clone, 'lib', 'one.ts'), 'exports.one = 1;');
  write(path.join(clone, 'requirements.txt'), 'jupyterlab==4.6.6\nnbclient==0.11.0\n');
  // Headers, so that none are fetched.
  const headers = path.join('.set-up', 'headers', 'node_modules', 'node-api-headers', 'include');
  write(path.join(clone, headers, 'node_api.h'), '');
  for (const scripts of ['misc/setup', 'misc/native', 'misc/commands/doctor.mjs']) {
    fs.cpSync(path.join(root, scripts), path.join(clone, scripts), {recursive: true});
  }

  const env = {
    PATH: bin,
    HOME: base,
    LOG: log,
    TEMPLATE: template,
    TFJS_NODE_CDN_STORAGE: CLOSED,
  };
  return {
    folder: clone,
    bin,
    env,
    setUpScript: path.join(clone, 'misc', 'setup', 'setup.mjs'),
    /** Runs the set-up to its end, as npm does. @param {string[]} args */
    async setUp(...args) {
      fs.rmSync(log, {force: true});
      const script = path.join(clone, 'misc', 'setup', 'setup.mjs');
      const start = performance.now();
      const ended = await run(process.execPath, [script, ...args], {cwd: clone, env, seconds: 60});
      const stateFile = path.join(clone, '.set-up', 'state.json');
      return {
        code: ended.code,
        output: ended.output,
        seconds: (performance.now() - start) / 1000,
        state: fs.existsSync(stateFile)
          ? JSON.parse(fs.readFileSync(stateFile, 'utf8'))
          : undefined,
        /** The commands that were called, one a line. */
        calls: fs.existsSync(log) ? fs.readFileSync(log, 'utf8') : '',
      };
    },
    /** @param {string} file @param {string} text @param {number} [mode] */
    write: (file, text, mode) => write(path.join(clone, file), text, mode),
    /** @param {string} tool @param {string | undefined} text undefined to remove it */
    command(tool, text) {
      const file = path.join(bin, tool);
      fs.rmSync(file, {force: true});
      if (text !== undefined) write(file, `${text}\n`, 0o755);
    },
    remove: () => fs.rmSync(base, {recursive: true, force: true}),
  };
}

export {COMMANDS, LIBRARIES};
