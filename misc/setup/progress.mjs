/**
 * What the set-up says while it works: one line a step, with its time; nothing when nothing is done.
 */

/** The lines of the steps. */
export class Progress {
  /** @type {string | undefined} */
  #title;
  #start = 0;
  /** @type {NodeJS.Timeout | undefined} */
  #ticker;

  /**
   * @param {{write(text: string): unknown, isTTY?: boolean | undefined}} [stream]
   * @param {() => number} [now] milliseconds
   */
  constructor(stream = process.stderr, now = Date.now) {
    this.stream = stream;
    this.now = now;
    /** How many steps had something to do. */
    this.steps = 0;
  }

  /**
   * A step starts to work.
   * @param {string} title what it does
   */
  begin(title) {
    this.end('');
    this.#title = title;
    this.#start = this.now();
    this.steps += 1;
    this.stream.write(`${title} …`);
    if (this.stream.isTTY !== true) return;
    this.#ticker = setInterval(() => {
      this.stream.write(`\r${title} … ${this.#seconds()}`);
    }, 1000);
    this.#ticker.unref();
  }

  /**
   * The step that was begun has ended; nothing happens when none was.
   * @param {string} result a few words, may be empty
   */
  end(result) {
    if (this.#title === undefined) return;
    clearInterval(this.#ticker);
    const line = ` ${this.#seconds()}${result === '' ? '' : `, ${result}`}\n`;
    this.stream.write(this.stream.isTTY === true ? `\r${this.#title} …${line}` : line);
    this.#title = undefined;
  }

  /**
   * Says why a step is left out, and what mends it.
   * @param {string} title
   * @param {import('./state.mjs').StepState} state
   */
  skip(title, {detail, remedy}) {
    const began = this.#title !== undefined;
    this.end('failed');
    const indented = detail.split('\n').join('\n  ');
    this.stream.write(began ? `  ${indented}\n` : `${title}: ${indented}\n`);
    if (remedy !== undefined) this.stream.write(`  To mend it: ${remedy}\n`);
  }

  /** @param {string} text a whole line */
  line(text) {
    this.end('');
    this.stream.write(`${text}\n`);
  }

  #seconds() {
    const seconds = (this.now() - this.#start) / 1000;
    return seconds < 10 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds)} s`;
  }
}
