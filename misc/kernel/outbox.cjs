/**
 * Sends messages by one socket in order. ZeroMQ's binding takes some hundred at once and then none
 * until the event loop has turned; those that a busy cell sends meanwhile wait here.
 */
'use strict';

/** @typedef {(Buffer | string)[]} Frames */

class Outbox {
  /** @type {Frames[]} */
  #waiting = [];
  /** @type {Promise<unknown>} */
  #latest = Promise.resolve();
  #socket;
  #onError;

  /**
   * @param {{send(frames: Frames): Promise<void>, closed: boolean}} socket
   * @param {(error: unknown) => void} onError
   */
  constructor(socket, onError) {
    this.#socket = socket;
    this.#onError = onError;
  }

  /** @param {Frames} frames */
  send(frames) {
    if (this.#socket.closed) return;
    if (this.#waiting.length === 0 && this.#hand(frames)) return;
    this.#waiting.push(frames);
    if (this.#waiting.length === 1) this.#latest = this.#drain(this.#latest);
  }

  /** Resolves when everything so far is sent. */
  sent() {
    return this.#latest;
  }

  /**
   * @param {Frames} frames
   * @returns {boolean} whether the socket took them
   */
  #hand(frames) {
    try {
      this.#latest = this.#socket.send(frames).catch(this.#onError);
      return true;
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EBUSY') this.#onError(error);
      return false;
    }
  }

  /** @param {Promise<unknown>} previous */
  async #drain(previous) {
    await previous;
    for (let next = this.#waiting[0]; next && !this.#socket.closed; next = this.#waiting[0]) {
      await this.#socket.send(next).catch(this.#onError);
      this.#waiting.shift();
    }
  }
}

module.exports = {Outbox};
