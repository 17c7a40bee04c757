/**
 * A process that keeps one model and runs steps when told to: ours, or a Python original.
 */
import readline from 'node:readline';
import {spawn} from 'node:child_process';

/**
 * What it says when it is ready.
 * @typedef {object} Ready
 * @property {number} weights how many numbers are trained
 * @property {number} importSeconds
 * @property {number} firstStepSeconds compiling or recording included
 * @property {Record<string, string>} versions
 * @property {{operations: number, bytes: number, milliseconds: number}} [recording] ours, compiled
 */

/**
 * What it says after each round.
 * @typedef {object} Round
 * @property {number[]} milliseconds one a step
 * @property {number} processorSeconds of all cores together
 * @property {number} loss mean over the round
 * @property {number} peakMegabytes of memory, so far
 */

export class Runner {
  /** @type {AsyncIterator<string>} */
  #lines;
  #errors = '';

  /**
   * @param {string} label
   * @param {string} command
   * @param {readonly string[]} args
   * @param {NodeJS.ProcessEnv} env
   */
  constructor(label, command, args, env) {
    this.label = label;
    this.child = spawn(command, args, {env, stdio: ['pipe', 'pipe', 'pipe']});
    this.child.on('error', error => (this.#errors += error.message));
    this.child.stdin.on('error', () => undefined); // said by the end of its output
    this.child.stderr.setEncoding('utf8').on('data', text => (this.#errors += text));
    this.#lines = readline.createInterface({input: this.child.stdout})[Symbol.asyncIterator]();
  }

  /** @returns {Promise<Ready>} */
  ready() {
    return this.#answer();
  }

  /**
   * @param {number} seconds how long
   * @returns {Promise<Round>}
   */
  run(seconds) {
    this.child.stdin.write(`${seconds}\n`);
    return this.#answer();
  }

  end() {
    this.child.stdin.end();
    this.child.kill();
  }

  /** The next line of JSON; what else a framework prints is passed over. */
  async #answer() {
    for (;;) {
      const {value, done} = await this.#lines.next();
      if (done) {
        const said = this.#errors.trim().split('\n').slice(-12).join('\n');
        throw new Error(`${this.label} ended early:\n${said}`);
      }
      if (value.startsWith('{')) return JSON.parse(value);
    }
  }
}
