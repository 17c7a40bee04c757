/**
 * Runs cells: gives each its number, sends what is written meanwhile and until the next one to its
 * outputs, and settles how it ended, with what nobody waited for counted as its failure.
 *
 * Why no AsyncLocalStorage tells whose output it is: before Node 24 that shows in every promise and
 * timer that a cell prints.
 */
'use strict';
const {thrownFailure, strayFailure, typeFailure} = require('./failure.cjs');

/** @typedef {import('./failure.cjs').Failure} Failure */

/**
 * Where a cell's messages go: to the request that it answers.
 * @typedef {object} Outputs
 * @property {(count: number) => void} started
 * @property {(name: 'stdout' | 'stderr', text: string) => void} stream
 * @property {(data: object, update: boolean) => void} display
 * @property {(failure: Failure) => void} failed
 */

/**
 * @typedef {object} Cell
 * @property {number} count
 * @property {string} source
 * @property {Outputs} outputs
 * @property {boolean} running
 * @property {Failure | undefined} failure
 */

class Cells {
  /** @type {Cell | undefined} the cell that runs, or ran last */
  #latest;
  #count = 0;
  /** @type {string[]} failures that came while no cell ran */
  #unseen = [];
  #session;

  /** @param {typeof import('./tslab.cjs').openSession} openSession */
  constructor(openSession) {
    this.#session = openSession({
      thrown: value => this.#fail(thrownFailure(value)),
      diagnosed: diagnostics => {
        const {source, count} = this.#latest ?? {source: '', count: 0};
        this.#fail(typeFailure(diagnostics, source, count));
      },
    });
    this.#route(process.stdout, 'stdout');
    this.#route(process.stderr, 'stderr');
  }

  get session() {
    return this.#session;
  }

  /**
   * @param {string} source
   * @param {Outputs} outputs
   * @returns {Promise<{count: number, failure: Failure | undefined}>}
   */
  async run(source, outputs) {
    const count = ++this.#count;
    /** @type {Cell} */
    const cell = {count, source, outputs, running: true, failure: undefined};
    this.#latest = cell;
    // Lessons' displays go through this variable of tslab's.
    this.#session.jupyter.lastWriteDisplayData = (data, update) => outputs.display(data, update);
    outputs.started(count);
    for (const text of this.#unseen.splice(0)) outputs.stream('stderr', text);
    this.#session.nameNextCell(count);
    try {
      await this.#session.executor.execute(source);
      await new Promise(resolve => setImmediate(resolve)); // Node reports rejections before this
    } catch (error) {
      cell.failure ??= thrownFailure(error);
    }
    cell.running = false;
    if (cell.failure) outputs.failed(cell.failure);
    return {count, failure: cell.failure};
  }

  /** Ends the running cell at the next point where it waits. */
  interrupt() {
    this.#session.executor.interrupt();
  }

  /**
   * Takes a rejection that nobody handled or an exception that nobody caught. The cell that runs
   * fails by it at once. If none runs, it shows below the latest one, and again in the next, since
   * a client that runs a whole notebook does not look back.
   * @param {unknown} reason
   */
  stray(reason) {
    const failure = strayFailure(reason);
    const latest = this.#latest;
    if (latest?.running) {
      latest.failure ??= failure;
      this.interrupt();
      return;
    }
    latest?.outputs.failed(failure);
    this.#unseen.push(`Since the cell before:\n${failure.traceback.join('\n')}\n`);
  }

  /** @param {Failure} failure */
  #fail(failure) {
    if (this.#latest?.running) this.#latest.failure ??= failure;
  }

  /**
   * @param {NodeJS.WriteStream} terminal
   * @param {'stdout' | 'stderr'} name
   */
  #route(terminal, name) {
    const toTerminal = terminal.write.bind(terminal);
    const decoder = new TextDecoder();
    /** @type {(chunk: string | Uint8Array, ...rest: unknown[]) => boolean} */
    const write = (chunk, ...rest) => {
      const text = typeof chunk === 'string' ? chunk : decoder.decode(chunk, {stream: true});
      if (this.#latest) this.#latest.outputs.stream(name, text);
      else toTerminal(text);
      const callback = rest.at(-1);
      if (typeof callback === 'function') process.nextTick(callback);
      return true;
    };
    terminal.write = write;
  }
}

module.exports = {Cells};
