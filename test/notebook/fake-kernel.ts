/** A stand-in for tslab's module that sends displays, so that tests see what a notebook would get. */
import {type MimeBundle} from 'latent-lib/notebook/display';

export interface Sent {
  readonly data: MimeBundle;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly transient: {readonly display_id?: string};
  readonly update: boolean;
}

/** Runs code as if in a cell, and returns what it sent. */
export async function inCell(run: () => unknown): Promise<Sent[]> {
  const file = '/somewhere/node_modules/tslab/dist/jupyter.js';
  const sent: Sent[] = [];
  const lastWriteDisplayData = (message: Omit<Sent, 'update'>, update: boolean) => {
    sent.push({...message, update});
  };
  require.cache[file] = {exports: {lastWriteDisplayData}} as unknown as NodeModule;
  try {
    await run();
  } finally {
    delete require.cache[file];
  }
  return sent;
}

/** Runs code outside a cell, and returns what it printed. */
export async function inTerminal(run: () => unknown): Promise<string> {
  const write = process.stdout.write.bind(process.stdout);
  let printed = '';
  process.stdout.write = (text: string | Uint8Array) => {
    printed += String(text);
    return true;
  };
  try {
    await run();
  } finally {
    process.stdout.write = write;
  }
  return printed;
}
