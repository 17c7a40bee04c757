/**
 * Memory is owned: a second call leaves no tensor behind.
 * Source: tfjs-layers' no-leak assertions.   Lesson: notebooks/00-orientation.
 */
import assert from 'node:assert/strict';
import {tf} from 'latent-lib/tensor/tf';
import {scope} from './close';

/**
 * Asserts that `fn` leaves nothing behind but what it returns, over a second call: the first may
 * make what is kept, such as an optimizer's state. What `fn` returns is disposed here.
 *
 * @param fn returns nothing, a tensor, or tensors in a list or an object; may be asynchronous
 */
export async function leavesNoTensor(fn: () => unknown): Promise<void> {
  await once(fn);
  const before = tf.memory();
  await once(fn);
  const after = tf.memory();
  const title = scope.getStore() ?? 'a second call';
  assert.equal(
    after.numTensors - before.numTensors,
    0,
    `${title}: left ${after.numTensors - before.numTensors} tensors behind`,
  );
  assert.equal(
    after.numBytes - before.numBytes,
    0,
    `${title}: left ${after.numBytes - before.numBytes} bytes behind`,
  );
}

async function once(fn: () => unknown): Promise<void> {
  tf.dispose((await fn()) as tf.TensorContainer);
}
