/**
 * What the set-up says while it works: one line a step, with its time; nothing when nothing is done.
 * On a terminal, a last line shows what is at work now.
 */

/** @typedef {import('./state.mjs').StepState} StepState */
/** @typedef {{write(text: string): unknown, isTTY?: boolean, columns?: number}} Output */

/** The lines of the steps. */
export class Progress {
  /** @type {Map<string, number>} what is at work, and since when */
  #active = new Map();
  /** @type {NodeJS.Timeout | undefined} */
  #ticker;

  /**
   * @param {Output} [stream]
   * @param {() => number} [now] milliseconds
   */
  constructor(stream = process.stderr, now = () => performance.now()) {
    this.stream = stream;
    this.now = now;
    /** How many steps had something to do. */
    this.steps = 0;
  }

  /**
   * A step starts to work; end it with one of the two functions.
   * @param {string} title what it does
   * @returns {{done(): void, failed(state: StepState): void}}
   */
  begin(title) {
    this.steps += 1;
    this.#active.set(title, this.now());
    this.#draw();
    if (this.stream.isTTY === true && this.#ticker === undefined) {
      this.#ticker = setInterval(() => this.#draw(), 1000);
      this.#ticker.unref();
    }
    return {
      done: () => this.#end(title, ''),
      failed: state => this.#end(title, `, failed${explain(state)}`),
    };
  }

  /**
   * Says why a step is left out, and what mends it.
   * @param {string} title
   * @param {StepState} state
   */
  skip(title, state) {
    this.line(`${title}:${explain(state)}`);
  }

  /** @param {string} text one whole line or several */
  line(text) {
    this.stream.write(this.stream.isTTY === true ? `\r\x1b[K${text}\n` : `${text}\n`);
    this.#draw();
  }

  /**
   * @param {string} title
   * @param {string} result
   */
  #end(title, result) {
    const time = this.#time(title);
    this.#active.delete(title);
    if (this.#active.size === 0) {
      clearInterval(this.#ticker);
      this.#ticker = undefined;
    }
    this.line(`${title}: ${time}${result}`);
  }

  #draw() {
    if (this.stream.isTTY !== true || this.#active.size === 0) return;
    const titles = [...this.#active.keys()].map(title => `${title}: ${this.#time(title)} …`);
    const width = (this.stream.columns ?? 80) - 1; // a longer line would not be wiped whole
    this.stream.write(`\r\x1b[K${titles.join('   ').slice(0, width)}`);
  }

  /** @param {string} title */
  #time(title) {
    const seconds = (this.now() - (this.#active.get(title) ?? this.now())) / 1000;
    return seconds < 10 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds)} s`;
  }
}

/**
 * The reason and the remedy, indented under a step's line.
 * @param {StepState} state
 */
function explain({detail, remedy}) {
  const lines = [...detail.split('\n'), ...(remedy === undefined ? [] : [`To mend it: ${remedy}`])];
  return lines.map(line => `\n  ${line}`).join('');
}
