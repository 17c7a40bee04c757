/**
 * How far a loop has come: rate, remaining time and the last numbers, in the form the place allows.
 * Source: none.   Lesson: all.
 */
import {type SingleBar} from 'cli-progress';
import {tidy} from '../plot/figure';
import {type LogLine, termsOf} from '../plot/losses';

/** Where a loop stands. */
export interface Progress {
  readonly done: number;
  /** undefined: nobody knows how many there will be. */
  readonly total: number | undefined;
  readonly seconds: number;
  readonly last: LogLine;
}

/** '12 s', '3 min 05 s', '1 h 02 min'. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${pad(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${pad(Math.floor((whole % 3600) / 60))} min`;
}

const pad = (value: number) => String(value).padStart(2, '0');

/** '230/1000 steps · 51.2 steps/s · 15 s left · reconstruction 91.2, kl 12.1 nats'. */
export function progressLine({done, total, seconds, last}: Progress, unit = 'nats'): string {
  const rate = seconds > 0 ? done / seconds : 0;
  const parts = [total === undefined ? `${done} steps` : `${done}/${total} steps`];
  if (rate > 0) parts.push(`${rate.toPrecision(3)} steps/s`);
  if (total === undefined || done >= total) parts.push(`${duration(seconds)}`);
  else if (rate > 0) parts.push(`${duration((total - done) / rate)} left`);
  const terms = termsOf([last]).map(term => `${term} ${tidy(last[term]!)}`);
  if (terms.length > 0) parts.push(`${terms.join(', ')}${unit === '' ? '' : ` ${unit}`}`);
  return parts.join(' · ');
}

/** Where progress is written to outside a notebook. */
export interface Terminal {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** Shows progress somewhere. */
export interface Reporter {
  update(progress: Progress): void;
  finish(progress: Progress): void;
}

/** A bar in a terminal; lines where there is none, one every `seconds` and one at the end. */
export function terminalReporter(
  label: string,
  stream: Terminal = process.stderr,
  unit = 'nats',
  seconds = 10,
): Reporter {
  return stream.isTTY
    ? barReporter(label, stream as NodeJS.WritableStream, unit)
    : lineReporter(label, stream, unit, seconds);
}

function lineReporter(label: string, stream: Terminal, unit: string, seconds: number): Reporter {
  let lastAt = 0;
  const write = (progress: Progress) =>
    stream.write(`${label}   ${progressLine(progress, unit)}\n`);
  return {
    update: progress => {
      if (progress.seconds - lastAt < seconds) return;
      lastAt = progress.seconds;
      write(progress);
    },
    finish: write,
  };
}

function barReporter(label: string, stream: NodeJS.WritableStream, unit: string): Reporter {
  let bar: SingleBar | undefined;
  const start = async (): Promise<SingleBar> => {
    const {SingleBar, Presets} = await import('cli-progress');
    return new SingleBar(
      {format: `${label} {bar} {line}`, stream, hideCursor: true, barsize: 24, fps: 4},
      Presets.shades_classic,
    );
  };
  let starting: Promise<void> | undefined;
  let closed = false;
  return {
    update: progress => {
      starting ??= start().then(made => {
        if (closed) return;
        bar = made;
        bar.start(progress.total ?? 0, progress.done, {line: progressLine(progress, unit)});
      });
      bar?.update(progress.done, {line: progressLine(progress, unit)});
    },
    finish: progress => {
      closed = true;
      bar?.update(progress.done, {line: progressLine(progress, unit)});
      bar?.stop();
      if (!bar) stream.write(`${label}   ${progressLine(progress, unit)}\n`);
    },
  };
}
