/**
 * Recordings by the shapes and dtypes of their inputs, with a word when there are too many.
 * Source: the retracing rules of tf.function.   Lesson: none.
 */
import type {NamedTensors} from './shapes';
import {tf} from './tf';

/** What is known of one recording. */
export interface RecordingReport {
  /** Names, dtypes and shapes of the inputs, e.g. 'x: float32[32,784]'. */
  readonly signature: string;
  /** How many ops one run performs, before TensorFlow's own optimisation. */
  readonly operations: number;
  /** The size of the graph in bytes. */
  readonly bytes: number;
  /** What recording and loading took, once. */
  readonly milliseconds: number;
}

/** A recording that can be run. */
export interface Recording {
  readonly report: RecordingReport;
  dispose(): void;
}

/** From this many recordings on, a warning says how many there are. */
const MANY = 8;
/** More are not kept: the one not used for longest is dropped. */
const KEPT = 32;

/** Keeps one recording a signature. */
export class RecordingCache<R extends Recording> {
  private readonly kept = new Map<string, R>();
  private made = 0;

  /** @param what names the function in the warning */
  constructor(private readonly what: string) {}

  /** The recordings kept, the last used last. */
  get reports(): readonly RecordingReport[] {
    return [...this.kept.values()].map(({report}) => report);
  }

  /** The recording for inputs like these, made when it is not there. */
  get(inputs: NamedTensors, make: (signature: string) => R): R {
    const signature = signatureOf(inputs);
    let recording = this.kept.get(signature);
    if (recording === undefined) {
      recording = make(signature);
      this.made += 1;
      if (this.made === MANY) this.warn(signature);
    } else {
      this.kept.delete(signature);
    }
    this.kept.set(signature, recording);
    if (this.kept.size > KEPT) this.drop();
    return recording;
  }

  dispose(): void {
    for (const recording of this.kept.values()) recording.dispose();
    this.kept.clear();
  }

  private drop(): void {
    for (const [signature, recording] of this.kept) {
      recording.dispose();
      this.kept.delete(signature);
      return;
    }
  }

  private warn(signature: string): void {
    process.emitWarning(
      `${this.what} has been recorded ${this.made} times, last for ${signature}. Each new shape costs ` +
        'a recording: keep the shapes of its inputs, for instance by dropping a last smaller batch.',
      {code: 'LATENT_RECORDINGS'},
    );
  }
}

/** Names, dtypes and shapes. @throws TypeError when a value is no tensor, Error when it is disposed */
function signatureOf(inputs: NamedTensors): string {
  const parts: string[] = [];
  for (const [name, input] of Object.entries(inputs)) {
    if (!(input instanceof tf.Tensor)) {
      throw new TypeError(`The input ${name} is ${typeof input}, expected a tensor.`);
    }
    if (input.isDisposed) throw new Error(`The input ${name} is a disposed tensor.`);
    parts.push(`${name}: ${input.dtype}[${input.shape.join(',')}]`);
  }
  return parts.join(', ');
}
