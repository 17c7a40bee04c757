/**
 * Runs a command to its end, keeps what it says, and ends it when its time is over.
 */
import fs from 'node:fs';
import path from 'node:path';
import {spawn} from 'node:child_process';

/**
 * @typedef {object} Outcome
 * @property {number | null} code null when it did not end by itself
 * @property {NodeJS.Signals | null} signal what ended it
 * @property {string} output stdout and stderr together
 * @property {string} stdout
 * @property {boolean} missing there is no such command
 * @property {boolean} timedOut
 */

/**
 * @typedef {object} RunOptions
 * @property {string} [cwd]
 * @property {NodeJS.ProcessEnv} [env] the whole environment
 * @property {number} [seconds] after which the command is ended
 * @property {string} [log] a file that gets a copy of the output
 */

/** @typedef {(command: string, args: readonly string[], options?: RunOptions) => Promise<Outcome>} Run */

/** @type {Run} */
export const run = (command, args, options = {}) =>
  new Promise(resolve => {
    const {cwd, env, seconds, log} = options;
    const chunks = {all: '', out: ''};
    let timedOut = false;
    /** @type {NodeJS.Timeout[]} */
    const timers = [];
    const child = spawn(command, args, {cwd, env, stdio: ['ignore', 'pipe', 'pipe']});
    /** @param {Partial<Outcome>} end */
    const finish = end => {
      for (const timer of timers) clearTimeout(timer);
      if (log !== undefined) writeLog(log, [command, ...args], chunks.all);
      resolve({
        code: null,
        signal: null,
        output: chunks.all,
        stdout: chunks.out,
        missing: false,
        timedOut,
        ...end,
      });
    };
    child.stdout.setEncoding('utf8').on('data', text => {
      chunks.all += text;
      chunks.out += text;
    });
    child.stderr.setEncoding('utf8').on('data', text => {
      chunks.all += text;
    });
    child.on('error', error => {
      chunks.all += error.message;
      finish({missing: /** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT'});
    });
    child.on('close', (code, signal) => finish({code, signal}));
    if (seconds !== undefined) {
      const stop = () => {
        timedOut = true;
        child.kill('SIGTERM');
        timers.push(setTimeout(() => child.kill('SIGKILL'), 2000));
      };
      timers.push(setTimeout(stop, seconds * 1000));
    }
  });

/**
 * @param {string} file
 * @param {string[]} command
 * @param {string} output
 */
function writeLog(file, command, output) {
  fs.mkdirSync(path.dirname(file), {recursive: true});
  fs.appendFileSync(file, `$ ${command.join(' ')}\n${output}\n`);
}

/**
 * The end of an output, for an error message.
 * @param {string} output
 * @param {number} [lines]
 */
export function tail(output, lines = 6) {
  const kept = output.split('\n').filter(line => line.trim() !== '');
  return kept.slice(-lines).join('\n');
}
