/**
 * The training loop: a step for each batch, a log for each step, and room for the kernel to breathe.
 * Source: Keras's fit, as an async generator.   Lesson: notebooks/01-dense-vae.
 */

/** What `fit` needs to know of a batch; the batches of lib/data/batches say both. */
export interface NumberedBatch {
  /** Counts epochs, from 0 */
  readonly epoch: number;
  /** Counts steps over all epochs, from 0 */
  readonly step: number;
}

/** One step's numbers: the terms of the loss, before the update, and where and when. */
export type StepLog<Term extends string = string> = Readonly<Record<Term, number>> & {
  readonly step: number;
  readonly epoch: number;
  /** Since the training began. */
  readonly seconds: number;
};

export interface FitOptions<Batch extends NumberedBatch, Term extends string> {
  /** The iterator owns its tensors: it disposes of a batch when the next one is asked for. */
  readonly batches: Iterable<Batch> | AsyncIterable<Batch>;
  /** Trains on one batch and returns the terms of the loss. */
  readonly step: (batch: Batch) => Readonly<Record<Term, number>>;
  /** Stops after this many steps; without it, when the batches end. */
  readonly steps?: number;
  /** Ends the training before the next step, quietly: the logs so far stand, and so do the weights. */
  readonly signal?: AbortSignal;
}

/** How long steps may follow each other before the event loop gets its turn, in milliseconds. */
const BREATH = 50;

/**
 * Trains, and yields each step's log.
 *
 *   for await (const {step, loss, kl} of fit({batches: batches(images, options), step: train})) {
 *     if (step % 100 === 0) console.log(step, loss, kl);
 *   }
 *
 * Between steps the event loop gets a turn at least every 50 ms, so that an interrupt, a timer or a
 * progress bar is served. Leaving the loop ends the training and frees the batch.
 *
 * @throws RangeError when `steps` is no positive integer, or a term is named step, epoch or seconds
 * @throws Error when a term is not finite, naming the step and all terms
 */
export async function* fit<Batch extends NumberedBatch, Term extends string>(
  options: FitOptions<Batch, Term>,
): AsyncGenerator<StepLog<Term>, void, void> {
  const {batches, step: train, steps = Infinity, signal} = options;
  if (steps !== Infinity && !(Number.isInteger(steps) && steps > 0)) {
    throw new RangeError(`fit: steps is ${steps}, expected a positive integer.`);
  }
  const start = performance.now();
  let breathed = start;
  let done = 0;
  for await (const batch of batches) {
    if (performance.now() - breathed > BREATH) {
      await breathe();
      breathed = performance.now();
    }
    if (signal?.aborted === true) return;
    const terms = train(batch);
    const {step, epoch} = batch;
    demandUsable(terms, step, epoch);
    yield {...terms, step, epoch, seconds: (performance.now() - start) / 1000};
    done += 1;
    if (done >= steps) return;
  }
}

/** Lets everything that waits run: input and output, timers, an interrupt. */
export function breathe(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve));
}

function demandUsable(terms: Readonly<Record<string, number>>, step: number, epoch: number): void {
  const taken = ['step', 'epoch', 'seconds'].find(name => Object.hasOwn(terms, name));
  if (taken !== undefined) {
    throw new RangeError(`fit: a term of the loss is named "${taken}"; the log has one already.`);
  }
  if (Object.values(terms).every(Number.isFinite)) return;
  const values = Object.entries(terms).map(([name, value]) => `${name} ${value}`);
  throw new Error(
    `fit: step ${step} (epoch ${epoch}) gave ${values.join(', ')}. The training has left the ` +
      'numbers: lower the learning rate, clip the gradients, or look for such values in the batch.',
  );
}
