/**
 * Execute requests in order of arrival. A failed cell takes those with it that were sent before
 * its failure could be known, where its request asks for that (`stop_on_error`), and no later one.
 */
'use strict';

/** @typedef {import('./wire.cjs').Message} Message */
/** @typedef {import('./wire.cjs').Content} Content */

/**
 * What the queue sends by: to everybody who listens, and the reply to the one who asked.
 * @typedef {(type: string, content: Content, request: Message) => void} Send
 */

/** How long requests that wait in the socket get to be read, so that they are aborted too. */
const SETTLE_MS = 20;

class ExecuteQueue {
  /** @type {Message[]} */
  #waiting = [];
  #busy = false;
  #cells;
  #publish;
  #reply;

  /**
   * @param {import('./cells.cjs').Cells} cells
   * @param {{publish: Send, reply: Send}} ways
   */
  constructor(cells, {publish, reply}) {
    this.#cells = cells;
    this.#publish = publish;
    this.#reply = reply;
  }

  /** @param {Message} request */
  add(request) {
    this.#waiting.push(request);
    if (!this.#busy) void this.#work();
  }

  async #work() {
    this.#busy = true;
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
      this.#publish('status', {execution_state: 'busy'}, next);
      const {count, failure} = await this.#execute(next);
      /** @type {Message[]} */
      let aborted = [];
      if (failure && next.content['stop_on_error'] !== false) {
        // Nobody has the reply yet, so whatever is here by then was sent without knowing it.
        await new Promise(resolve => setTimeout(resolve, SETTLE_MS));
        aborted = this.#waiting.splice(0);
      }
      this.#finish(next, {
        execution_count: count,
        ...(failure ? {status: 'error', ...failure} : {status: 'ok', user_expressions: {}}),
        payload: [],
      });
      for (const request of aborted) {
        this.#publish('status', {execution_state: 'busy'}, request);
        this.#finish(request, {status: 'aborted'});
      }
    }
    this.#busy = false;
  }

  /** @param {Message} request */
  #execute(request) {
    const code = String(request.content['code']);
    return this.#cells.run(code, {
      started: count => {
        if (request.content['silent'] === true) return;
        this.#publish('execute_input', {code, execution_count: count}, request);
      },
      stream: (name, text) => this.#publish('stream', {name, text}, request),
      display: (data, update) =>
        this.#publish(update ? 'update_display_data' : 'display_data', {...data}, request),
      failed: failure => this.#publish('error', {...failure}, request),
    });
  }

  /**
   * @param {Message} request
   * @param {Content} content
   */
  #finish(request, content) {
    this.#reply('execute_reply', content, request);
    this.#publish('status', {execution_state: 'idle'}, request);
  }
}

module.exports = {ExecuteQueue};
