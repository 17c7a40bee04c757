/**
 * Says how an execution goes: on a terminal a line that changes, elsewhere a line for each cell.
 */

/** @typedef {import('./execute.mjs').Event} Event */

const TICK_MS = 500;

export class Progress {
  #out;
  #name;
  #cells = 0;
  #started = performance.now();
  /** @type {{number: number, source: string, since: number} | undefined} */
  #current;
  /** @type {NodeJS.Timeout | undefined} */
  #ticker;

  /**
   * @param {string} name the lesson
   * @param {NodeJS.WriteStream} [out]
   */
  constructor(name, out = process.stdout) {
    this.#name = name;
    this.#out = out;
    if (!out.isTTY) return;
    this.#ticker = setInterval(() => this.#draw(), TICK_MS);
    this.#draw();
  }

  /** @param {Event} event */
  take(event) {
    if (event.event === 'start') this.#cells = event.cells;
    if (event.event === 'cell') this.#current = {...event, since: performance.now()};
    if (event.event === 'executed' && this.#ticker === undefined) {
      const seconds = event.seconds.toFixed(1).padStart(6);
      const cell = `${String(event.number).padStart(3)}/${this.#cells}`;
      this.#out.write(`${this.#name} ${cell} ${seconds} s  ${this.#current?.source ?? ''}\n`);
    }
    if (this.#ticker !== undefined) this.#draw();
  }

  /** Leaves the line, or on a terminal clears it. */
  end() {
    if (this.#ticker === undefined) return;
    clearInterval(this.#ticker);
    this.#out.write('\r\u001b[K');
  }

  #draw() {
    const now = performance.now();
    const seconds = ((now - this.#started) / 1000).toFixed(0);
    const cell = this.#current;
    const doing =
      cell === undefined
        ? 'starting the kernel'
        : `cell ${cell.number}/${this.#cells}, ${((now - cell.since) / 1000).toFixed(0)} s: ${cell.source}`;
    const line = `${this.#name} ${seconds} s  ${doing}`;
    this.#out.write(`\r\u001b[K${line.slice(0, (this.#out.columns || 80) - 1)}`);
  }
}

/**
 * @param {readonly (readonly string[])[]} rows the first is the head; the first column is text
 * @returns {string}
 */
export function table(rows) {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map(row => (row[column] ?? '').length)),
  );
  const line = (/** @type {readonly string[]} */ row) =>
    row
      .map((text, column) => {
        const width = widths[column] ?? 0;
        const last = column === row.length - 1;
        return column === 0 || last ? text.padEnd(width) : text.padStart(width);
      })
      .join('   ')
      .trimEnd();
  return rows.map(line).join('\n');
}
