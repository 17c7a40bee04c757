/**
 * What was obtained against what the source says, line by line, with the verdict.
 * Source: the tables of pythae's reproductions.   Lesson: all.
 */
import pl, {type DataFrame} from 'nodejs-polars';

/** A number and what it should be. */
export interface Comparison {
  readonly quantity: string;
  readonly obtained: number;
  readonly reference: number;
  /** They agree within this much; default 1 % of the reference. In the quantity's own unit. */
  readonly tolerance?: number;
  readonly unit?: string;
  /** Where the reference stands. */
  readonly source?: string;
}

/**
 * A table of quantities: obtained, reference, difference, tolerance, and whether they agree.
 *
 *   show(comparison([{quantity: '−ELBO', obtained: 104.2, reference: 103.9, tolerance: 1, unit: 'nats'}]));
 */
export function comparison(rows: readonly Comparison[]): DataFrame {
  const lines = rows.map(({quantity, obtained, reference, tolerance, unit, source}) => {
    const allowed = tolerance ?? Math.abs(reference) * 0.01;
    const difference = obtained - reference;
    return {
      ...{quantity, obtained, reference, difference, tolerance: allowed},
      agrees: Math.abs(difference) <= allowed,
      unit: unit ?? null,
      source: source ?? null,
    };
  });
  const column = <Name extends keyof (typeof lines)[number]>(name: Name) =>
    lines.map(line => line[name]);
  const numbers = ['obtained', 'reference', 'difference', 'tolerance'] as const;
  const texts = (['unit', 'source'] as const).filter(name =>
    column(name).some(text => text !== null),
  );
  return pl.DataFrame({
    quantity: pl.Series('quantity', column('quantity'), pl.Utf8),
    ...Object.fromEntries(numbers.map(name => [name, pl.Series(name, column(name), pl.Float64)])),
    agrees: pl.Series('agrees', column('agrees'), pl.Bool),
    ...Object.fromEntries(texts.map(name => [name, pl.Series(name, column(name), pl.Utf8)])),
  });
}
