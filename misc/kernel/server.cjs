/**
 * The five sockets of a Jupyter kernel and the requests that come in by them. Cells run one after
 * another; everything else is answered at once, also while a cell waits.
 * Source: jupyter-client.readthedocs.io/en/latest/messaging.html
 */
'use strict';
const fs = require('node:fs');
const zmq = require('zeromq');
const {Outbox} = require('./outbox.cjs');
const {decode, encode} = require('./wire.cjs');
const {ExecuteQueue} = require('./execute-queue.cjs');
const {answers} = require('./answers.cjs');

/**
 * @typedef {{transport: string, ip: string, key: string, signature_scheme: string,
 *   shell_port: number, iopub_port: number, control_port: number, stdin_port: number,
 *   hb_port: number}} Connection
 * @typedef {import('./wire.cjs').Message} Message
 * @typedef {import('./wire.cjs').Content} Content
 */

/** What ZeroMQ's own thread gets to send the last messages. */
const FLUSH_MS = 50;

class Server {
  #connection;
  #cells;
  #queue;
  #iopub = new zmq.Publisher({sendHighWaterMark: 0}); // a cell that prints much loses nothing
  #shell = new zmq.Router({sendHighWaterMark: 0});
  #control = new zmq.Router({sendHighWaterMark: 0});
  #stdin = new zmq.Router();
  #heartbeat = new zmq.Reply();
  #toAll = new Outbox(this.#iopub, note);
  #toShell = new Outbox(this.#shell, note);
  #toControl = new Outbox(this.#control, note);

  /**
   * @param {Connection} connection
   * @param {import('./cells.cjs').Cells} cells
   */
  constructor(connection, cells) {
    this.#connection = connection;
    this.#cells = cells;
    this.#queue = new ExecuteQueue(cells, {
      publish: (...message) => this.#publish(...message),
      reply: (...message) => this.#reply(this.#toShell, ...message),
    });
  }

  /** Opens the sockets and answers until a shutdown request comes. */
  async listen() {
    const {transport, ip, ...ports} = this.#connection;
    const at = (/** @type {number} */ port) => `${transport}://${ip}:${port}`;
    await Promise.all([
      this.#iopub.bind(at(ports.iopub_port)),
      this.#shell.bind(at(ports.shell_port)),
      this.#control.bind(at(ports.control_port)),
      this.#stdin.bind(at(ports.stdin_port)),
      this.#heartbeat.bind(at(ports.hb_port)),
    ]);
    await Promise.all([
      this.#serve(this.#shell, this.#toShell),
      this.#serve(this.#control, this.#toControl),
      this.#echo(),
    ]);
  }

  async #echo() {
    for await (const frames of this.#heartbeat) await this.#heartbeat.send(frames);
  }

  /**
   * @param {zmq.Router} socket
   * @param {Outbox} outbox
   */
  async #serve(socket, outbox) {
    for await (const frames of socket) {
      try {
        this.#receive(outbox, decode(frames, this.#connection.key));
      } catch (error) {
        note(error);
      }
    }
  }

  /**
   * @param {Outbox} outbox
   * @param {Message} request
   */
  #receive(outbox, request) {
    const type = request.header.msg_type;
    if (type === 'execute_request') {
      this.#queue.add(request);
      return;
    }
    this.#publish('status', {execution_state: 'busy'}, request);
    const answer = answers[type];
    if (answer) {
      const content = this.#answer(answer, request.content);
      this.#reply(outbox, type.replace(/_request$/, '_reply'), content, request);
    }
    this.#publish('status', {execution_state: 'idle'}, request);
    if (type === 'shutdown_request') void this.#close();
  }

  /**
   * @param {import('./answers.cjs').Answer} answer
   * @param {Content} content
   * @returns {Content}
   */
  #answer(answer, content) {
    try {
      return {status: 'ok', ...answer(content, this.#cells)};
    } catch (error) {
      note(error);
      const {name, message} = error instanceof Error ? error : new Error(String(error));
      return {status: 'error', ename: name, evalue: message, traceback: []};
    }
  }

  /**
   * @param {string} type
   * @param {Content} content
   * @param {Message} request
   */
  #publish(type, content, request) {
    this.#toAll.send(encode(type, content, request.header, [type], this.#connection.key));
  }

  /**
   * @param {Outbox} outbox
   * @param {string} type
   * @param {Content} content
   * @param {Message} request
   */
  #reply(outbox, type, content, request) {
    const {identities, header} = request;
    outbox.send(encode(type, content, header, identities, this.#connection.key));
  }

  /** Lets what was sent go out, then ends the process, whatever a cell left running. */
  async #close() {
    this.#cells.session.executor.close();
    await Promise.all([this.#toAll.sent(), this.#toShell.sent(), this.#toControl.sent()]);
    await new Promise(resolve => setTimeout(resolve, FLUSH_MS));
    for (const socket of [this.#iopub, this.#shell, this.#control, this.#stdin, this.#heartbeat]) {
      socket.close();
    }
    process.exit(0);
  }
}

/** Tells the terminal, not a cell, about trouble in the kernel itself.
 * @param {unknown} error */
function note(error) {
  fs.writeSync(2, `kernel: ${error instanceof Error ? (error.stack ?? error.message) : error}\n`);
}

module.exports = {Server};
