/**
 * Training histories as tables that a user can filter, join, and write to files.
 * Source: polars.   Lesson: notebooks/00-orientation.
 */
import fs from 'node:fs';
import path from 'node:path';
import pl, {type DataFrame} from 'nodejs-polars';
import {type LogLine} from '../plot/losses';

/**
 * Logs as a DataFrame: a column a number, in the order of their first appearance; what a log does
 * not have is null.
 *
 *   const history = historyFrame(await watch(fit(…)));
 *   show(history.filter(pl.col('step').gt(900)), 'the end', {units: {kl: 'nats'}});
 */
export function historyFrame(logs: readonly LogLine[]): DataFrame {
  const names = [...new Set(logs.flatMap(log => Object.keys(log)))];
  const columns = names.map(name => {
    const values = logs.map(log => log[name] ?? null);
    const isWhole = values.every(value => value === null || Number.isSafeInteger(value));
    return [name, pl.Series(name, values, isWhole ? pl.Int64 : pl.Float64)] as const;
  });
  return pl.DataFrame(Object.fromEntries(columns));
}

/**
 * Writes a table to a .csv or .parquet file, whole or not at all.
 * @throws RangeError for any other ending
 */
export function writeFrame(frame: DataFrame, file: string): void {
  const write = {
    '.csv': (target: string) => frame.writeCSV(target),
    '.parquet': (target: string) => frame.writeParquet(target),
  }[endingOf(file)];
  fs.mkdirSync(path.dirname(file), {recursive: true});
  const draft = `${file}.draft`;
  write(draft);
  fs.renameSync(draft, file);
}

/** Reads a table from a .csv or .parquet file. @throws RangeError for any other ending */
export function readFrame(file: string): DataFrame {
  return endingOf(file) === '.csv' ? pl.readCSV(file) : pl.readParquet(file);
}

function endingOf(file: string): '.csv' | '.parquet' {
  const ending = path.extname(file);
  if (ending === '.csv' || ending === '.parquet') return ending;
  throw new RangeError(`A table is written as .csv or .parquet, not as "${path.basename(file)}".`);
}
