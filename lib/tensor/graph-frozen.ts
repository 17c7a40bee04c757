/**
 * Finds what a recording would freeze: records twice and demands the same graph.
 * Source: none; randomness, clocks and counters read in JavaScript differ between two calls.   Lesson: none.
 */
import type {Attribute, GraphNode} from './graph';
import {Recorder} from './graph-recorder';
import {RecordingError} from './graph-refusals';
import type {NativeBackend} from './native-backend';

/**
 * Records a function twice and returns the second recording.
 *
 * @param what    names the function in errors
 * @param perform records into the recorder it is given, and leaves no tensor
 * @throws RecordingError when the two differ, so that running the function anew would not do the same
 */
export function recordTwice<T>(
  backend: NativeBackend,
  what: string,
  perform: (recorder: Recorder) => T,
): {readonly recorder: Recorder; readonly result: T} {
  const first = new Recorder(backend, what);
  const second = new Recorder(backend, what);
  try {
    perform(first);
    const result = perform(second);
    const difference = firstDifference(first, second);
    if (difference !== undefined) {
      throw new RecordingError(
        `${what}: two calls with the same inputs differ (${difference}), so a recording would freeze ` +
          'what changes between calls: a random draw, a counter, the time. Make it an input.',
      );
    }
    return {recorder: second, result};
  } catch (error) {
    second.release();
    throw error;
  } finally {
    first.release();
  }
}

function firstDifference(first: Recorder, second: Recorder): string | undefined {
  const [left, right] = [first.graph.nodes, second.graph.nodes];
  if (left.length !== right.length) return `${left.length} ops, then ${right.length}`;
  const index = left.findIndex((node, which) => !sameNode(node, right[which]!));
  if (index >= 0) return `op ${index}, ${left[index]!.op}`;
  const digests = (recorder: Recorder) => recorder.captured.map(({digest}) => digest).join();
  return digests(first) === digests(second) ? undefined : 'a large tensor';
}

function sameNode(left: GraphNode, right: GraphNode): boolean {
  const names = Object.keys(left.attributes);
  return (
    left.op === right.op &&
    left.inputs.join() === right.inputs.join() &&
    names.join() === Object.keys(right.attributes).join() &&
    names.every(name => sameAttribute(left.attributes[name]!, right.attributes[name]!))
  );
}

/** Whether two attributes are equal, bit by bit. */
export function sameAttribute(left: Attribute, right: Attribute): boolean {
  if ('tensor' in left && 'tensor' in right) {
    const [a, b] = [left.tensor, right.tensor];
    return (
      a.dtype === b.dtype &&
      a.shape.join() === b.shape.join() &&
      Buffer.compare(a.bytes, b.bytes) === 0
    );
  }
  return JSON.stringify(left) === JSON.stringify(right);
}
