/**
 * Watches a training: a curve and a line that update in place, and one figure at the end.
 * Source: none.   Lesson: all.
 */
import {type Figure} from '../plot/figure';
import {type LogLine, lossCurves, type LossCurvesOptions, termsOf} from '../plot/losses';
import {inKernel, LiveDisplay} from './display';
import {liveSvg} from './live-svg';
import {
  type Progress,
  progressLine,
  type Reporter,
  terminalReporter,
  type Terminal,
} from './progress';
import {figureBundle} from './show';
import {Thinned} from './thinned';

export interface WatchOptions extends LossCurvesOptions {
  /** How many logs will come; without it the remaining time is not known. */
  readonly total?: number;
  /** The least time between two updates in milliseconds; default and minimum 250. */
  readonly every?: number;
  /** Where to write outside a notebook; default the standard error stream. */
  readonly terminal?: Terminal;
}

/** At most four updates a second: more would keep the notebook busier than the training. */
const EVERY = 250;

/**
 * Runs a training to its end while showing how it goes, and gives back all its logs.
 *
 *   const history = await watch(fit(model, batches, {epochs}), {total: steps, title: 'Training'});
 *
 * In JupyterLab a curve moves and becomes an interactive figure; in a terminal a bar runs; elsewhere
 * plain lines are written. An interrupt ends the training after its current step and keeps what was
 * learnt and logged so far.
 *
 * @param logs yields one record of numbers a step; counters are named step and epoch
 * @throws whatever the training throws, after showing the curve so far
 */
export async function watch<Log extends LogLine>(
  logs: AsyncIterable<Log> | Iterable<Log>,
  options: WatchOptions = {},
): Promise<Log[]> {
  const {total, title = 'Training', unit = 'nats', terminal} = options;
  const every = Math.max(EVERY, options.every ?? EVERY);
  const history: Log[] = [];
  const start = performance.now();
  const reporter = inKernel()
    ? new NotebookReporter(history, options)
    : terminalReporter(title, terminal, unit);
  const now = (): Progress => ({
    ...{done: history.length, total, seconds: (performance.now() - start) / 1000},
    last: history.at(-1) ?? {},
  });
  let isInterrupted = false;
  const interrupt = () => (isInterrupted = true);
  // Porting note: a cell's synchronous part runs under vm's own watch for SIGINT, which at its end
  // takes away handlers that were added meanwhile; then an interrupt would end the kernel.
  await breathe(0);
  process.once('SIGINT', interrupt);
  let lastShown = -Infinity;
  try {
    for await (const log of logs) {
      history.push(log);
      if (reporter instanceof NotebookReporter) reporter.add(log);
      if (performance.now() - lastShown >= every) {
        lastShown = performance.now();
        reporter.update(now());
        await breathe(0); // lets interrupts and messages in
      }
      if (isInterrupted) break;
    }
  } finally {
    process.removeListener('SIGINT', interrupt);
    reporter.finish(now());
    if (isInterrupted) await breathe(50); // the kernel says first that it was interrupted
    if (reporter instanceof NotebookReporter) await reporter.conclude(isInterrupted);
  }
  return history;
}

/** Gives the event loop its turn. */
function breathe(milliseconds: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, milliseconds));
}

/** Draws frames in one place under the cell. */
class NotebookReporter implements Reporter {
  private readonly place = new LiveDisplay();
  private readonly thinned = new Thinned();
  private line = '';

  constructor(
    private readonly history: readonly LogLine[],
    private readonly options: WatchOptions,
  ) {}

  add(log: LogLine): void {
    this.thinned.push(log);
  }

  update(progress: Progress): void {
    const {title = 'Training', unit = 'nats'} = this.options;
    this.line = progressLine(progress, unit);
    const drawn = this.thinned.means();
    const terms = this.options.terms ?? termsOf(drawn);
    this.place.update({
      'text/html': liveSvg(drawn, terms, {title, line: this.line, progress}),
      'text/plain': `${title}   ${this.line}`,
    });
  }

  finish(progress: Progress): void {
    this.line = progressLine(progress, this.options.unit ?? 'nats');
  }

  /** Puts the interactive figure in the place of the last frame. */
  async conclude(isInterrupted: boolean): Promise<void> {
    const note = isInterrupted ? `interrupted · ${this.line}` : this.line;
    const figure = finalFigure(this.history, this.options, note);
    if (!figure) {
      this.place.finish({'text/plain': `${this.options.title ?? 'Training'}   ${note}`});
      return;
    }
    this.place.finish(...(await figureBundle(figure)));
  }
}

function finalFigure(
  history: readonly LogLine[],
  options: WatchOptions,
  note: string,
): Figure | undefined {
  if (history.length === 0 || (options.terms ?? termsOf(history)).length === 0) return undefined;
  const {title = 'Training'} = options;
  const figure = lossCurves(history, {...options, title});
  const text = `${title}<br><sub>${note}</sub>`;
  return {
    ...figure,
    layout: {
      ...figure.layout,
      // two lines stand higher than one
      title: Object.assign({}, figure.layout.title, {text, pad: {t: 18, l: 12}}),
    },
    alt: `${figure.alt} ${note}.`,
  };
}
