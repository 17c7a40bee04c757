/**
 * One display message with several forms of the same thing; the reader's program picks the best.
 * Source: Jupyter messaging protocol 5.3, display_data.   Lesson: none.
 */
import {randomBytes} from 'node:crypto';

/** Forms by MIME type. The plain text is always there: terminals, logs and mails need it. */
export interface MimeBundle {
  readonly 'text/plain': string;
  readonly [mimeType: string]: unknown;
}

/** Hints by MIME type, e.g. the size at which a picture is shown. */
export type MimeMetadata = Readonly<Record<string, unknown>>;

/** What tslab's kernel offers to the code of the cell that runs. */
type WriteDisplayData = (
  message: {
    data: MimeBundle;
    metadata: MimeMetadata;
    transient: {display_id?: string};
  },
  update: boolean,
) => void;

/** Is this code run by a tslab kernel? Otherwise outputs go to the terminal as plain text. */
export function inKernel(): boolean {
  return kernelWriter() !== undefined;
}

/** Shows one thing under the cell, or prints its plain text when there is no cell. */
export function display(bundle: MimeBundle, metadata: MimeMetadata = {}): void {
  const write = kernelWriter();
  if (write) write({data: bundle, metadata, transient: {}}, false);
  else process.stdout.write(`${bundle['text/plain']}\n`);
}

/** A place under the cell whose content can be replaced. In a terminal, only the last is printed. */
export class LiveDisplay {
  private readonly id = randomBytes(8).toString('hex');
  private readonly write = kernelWriter();
  private shown = false;

  /** Shows the bundle in this place, instead of what was there. */
  update(bundle: MimeBundle, metadata: MimeMetadata = {}): void {
    this.write?.({data: bundle, metadata, transient: {display_id: this.id}}, this.shown);
    this.shown = true;
  }

  /** Shows the last state; after it the place is left alone. */
  finish(bundle: MimeBundle, metadata: MimeMetadata = {}): void {
    if (this.write) this.update(bundle, metadata);
    else process.stdout.write(`${bundle['text/plain']}\n`);
  }
}

/**
 * The function with which the running cell sends displays; undefined outside a kernel.
 *
 * Porting note: tslab's own `display.raw` sends one MIME type a message, so its writer is asked.
 * It is found among the loaded modules, since a kernel may run a tslab of another folder.
 */
function kernelWriter(): WriteDisplayData | undefined {
  const file = Object.keys(require.cache).find(name =>
    /tslab[\\/]dist[\\/]jupyter\.js$/.test(name),
  );
  if (file === undefined) return undefined;
  const {lastWriteDisplayData} = require.cache[file]?.exports as {
    lastWriteDisplayData: WriteDisplayData | null;
  };
  return lastWriteDisplayData ?? undefined;
}
