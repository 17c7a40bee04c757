/**
 * Rows of values as a table: HTML for the notebook, aligned text for the terminal.
 * Source: none.   Lesson: all.
 */
import {escapeHtml} from './html';

/** A table ready to be written: one record a row. */
export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
  /** Rows of the whole, if some are left out. */
  readonly height: number;
}

export interface TableOptions {
  /** The units of columns, written under their names. */
  readonly units?: Readonly<Record<string, string>>;
  /** Significant digits of numbers that are not whole; default 4. */
  readonly digits?: number;
  /** Rows shown; the rest is left out in the middle. Default 20. */
  readonly rows?: number;
}

/** The table with the middle left out if it is long. */
function shortened(table: Table, limit: number): Table {
  if (table.rows.length <= limit) return table;
  const half = Math.ceil(limit / 2);
  const dots = table.columns.map(() => '…');
  return {...table, rows: [...table.rows.slice(0, half), dots, ...table.rows.slice(half - limit)]};
}

/** A cell as text. Numbers of one column share their digits behind the point. */
function cells(table: Table, digits: number): string[][] {
  const writers = table.columns.map((_, column) =>
    numberWriter(
      table.rows
        .map(row => row[column])
        .filter<number>((value): value is number => typeof value === 'number'),
      digits,
    ),
  );
  return table.rows.map(row => row.map((value, column) => write(value, writers[column]!)));
}

function write(value: unknown, number: (value: number) => string): string {
  if (typeof value === 'number') return number(value);
  if (value === null || value === undefined) return '–';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'string') return value;
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value) || ArrayBuffer.isView(value)) {
    const items = Array.from(value as unknown as ArrayLike<unknown>);
    const shown = items.slice(0, 6).map(item => write(item, n => String(Number(n.toPrecision(4)))));
    return `[${shown.join(', ')}${items.length > 6 ? ', …' : ''}]`;
  }
  return JSON.stringify(value);
}

/** One way of writing for a column: whole numbers whole, others with common decimals. */
export function numberWriter(values: readonly number[], digits: number): (value: number) => string {
  const finite = values.filter(Number.isFinite);
  if (finite.every(Number.isInteger)) return String;
  const sizes = finite.filter(value => value !== 0).map(Math.abs);
  const largest = Math.max(...sizes);
  if (largest >= 1e7 || largest < 1e-3) {
    return value => (Number.isFinite(value) ? value.toExponential(digits - 1) : String(value));
  }
  const decimals = Math.min(6, Math.max(0, digits - 1 - Math.floor(Math.log10(largest))));
  return value => {
    if (!Number.isFinite(value)) return String(value);
    const tooSmall = value !== 0 && Math.abs(value) < 0.5 * 10 ** -decimals;
    return tooSmall ? value.toExponential(1) : value.toFixed(decimals);
  };
}

/** Is this column drawn to the right, since it holds numbers? */
function isNumeric(table: Table, column: number): boolean {
  const filled = table.rows.filter(row => row[column] !== null && row[column] !== '…');
  return filled.length > 0 && filled.every(row => typeof row[column] === 'number');
}

/** The table as aligned text. */
export function tableText(table: Table, options: TableOptions = {}): string {
  const short = shortened(table, options.rows ?? 20);
  const heads = table.columns.map(name => {
    const unit = options.units?.[name];
    return unit === undefined ? name : `${name} [${unit}]`;
  });
  const body = cells(short, options.digits ?? 4);
  const widths = heads.map((head, column) =>
    Math.max(head.length, ...body.map(row => row[column]!.length)),
  );
  const line = (row: readonly string[]) =>
    row
      .map((text, column) =>
        isNumeric(table, column) ? text.padStart(widths[column]!) : text.padEnd(widths[column]!),
      )
      .join('  ')
      .trimEnd();
  const rule = widths.map(width => '─'.repeat(width)).join('  ');
  return [line(heads), rule, ...body.map(line), ...footer(table, short)].join('\n');
}

/** The table as HTML without styles of its own but alignment: JupyterLab's theme does the rest. */
export function tableHtml(table: Table, options: TableOptions = {}, title?: string): string {
  const short = shortened(table, options.rows ?? 20);
  const align = table.columns.map((_, n) => (isNumeric(table, n) ? 'right' : 'left'));
  const cell = (tag: 'td' | 'th', html: string, column: number) =>
    `<${tag} style="text-align:${align[column]}">${html}</${tag}>`;
  const heads = table.columns.map((name, column) => {
    const unit = options.units?.[name];
    const below = unit === undefined ? '' : `<br><small>${escapeHtml(unit)}</small>`;
    return cell('th', `${escapeHtml(name)}${below}`, column);
  });
  const body = cells(short, options.digits ?? 4).map(
    row => `<tr>${row.map((text, n) => cell('td', escapeHtml(text), n)).join('')}</tr>`,
  );
  const caption = title === undefined ? '' : `<p><b>${escapeHtml(title)}</b></p>`;
  const foot = footer(table, short).map(text => `<p><small>${text}</small></p>`);
  return (
    `${caption}<table><thead><tr>${heads.join('')}</tr></thead>` +
    `<tbody>${body.join('')}</tbody></table>${foot.join('')}`
  );
}

function footer(table: Table, short: Table): string[] {
  if (short === table && table.height === table.rows.length) return [];
  return [`${table.height} rows, ${table.columns.length} columns`];
}
