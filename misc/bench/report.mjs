/**
 * The bench in words: a table for each model, then whether the bars are met.
 */
import os from 'node:os';
import {barOf} from './participants.mjs';

/** @typedef {import('./compare.mjs').Comparison} Comparison */
/** @typedef {import('./compare.mjs').Result} Result */

/**
 * @param {Comparison} comparison
 * @returns {string}
 */
export function table({model, weights, results, others, absent}) {
  const rows = results.map(result => [
    result.label,
    result.median.toFixed(2),
    `${result.low.toFixed(2)}–${result.high.toFixed(2)}`,
    `${result.times.median.toFixed(2)} (${result.times.low.toFixed(2)}–${result.times.high.toFixed(2)})`,
    result.processor.toFixed(2),
    result.firstStepSeconds.toFixed(1),
    result.importSeconds.toFixed(1),
    String(Math.round(result.peakMegabytes)),
    result.loss.toPrecision(4),
  ]);
  const head = [
    `${model}, ${weights.toLocaleString('en')} weights`,
    'ms a step',
    '10–90 %',
    'times ours',
    'cpu ms',
    'first step s',
    'import s',
    'peak MB',
    'loss',
  ];
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map(row => row[column]?.length ?? 0)));
  const lines = all.map(row =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  '),
  );
  const recording = results[0]?.recording;
  if (recording !== undefined) {
    const {operations, bytes, milliseconds} = recording;
    lines.push(
      `Recorded and loaded in ${(milliseconds / 1e3).toFixed(2)} s: ${operations} ops, ${Math.round(bytes / 1024)} KiB.`,
    );
  }
  if (others > 0.1) {
    lines.push(
      `Other processes kept ${others.toFixed(1)} cores busy: trust the ratios, not the times.`,
    );
  }
  for (const {label, why} of absent) lines.push(`Absent: ${label}. ${why}`);
  return [...lines, ...verdicts(model, results)].join('\n');
}

/**
 * Whether Keras takes as much longer as it should, and no original is faster than we are.
 * @param {import('./participants.mjs').ModelName} model
 * @param {readonly Result[]} results
 * @returns {string[]}
 */
export function verdicts(model, results) {
  const peers = results.filter(({kind}) => kind !== 'ours' && kind !== 'eager');
  const [first, ...others] = peers;
  if (first === undefined) return [];
  const fastest = others.reduce(
    (best, one) => (one.times.median < best.times.median ? one : best),
    first,
  );
  /** @type {(who: string, times: number, bar: number) => string} */
  const verdict = (who, times, bar) =>
    `${who} takes ${times.toFixed(2)} times as long, wanted ${bar}: ${times >= bar ? 'met' : 'MISSED'}.`;
  const keras = peers.find(({label}) => label === 'Keras');
  return [
    ...(keras === undefined ? [] : [verdict('Keras', keras.times.median, barOf(model))]),
    verdict(`The fastest original, ${fastest.label},`, fastest.times.median, 1),
  ];
}

/** What the numbers were measured on. */
export function machine() {
  const cpus = os.cpus();
  return {
    cores: cpus.length,
    processor: cpus[0]?.model ?? 'unknown',
    memoryGigabytes: Math.round(os.totalmem() / 2 ** 30),
    node: process.versions.node,
    date: new Date().toISOString().slice(0, 10),
  };
}
