/**
 * Jupyter messages as ZeroMQ frames: [identities…, delimiter, signature, header, parent header,
 * metadata, content].   Source: jupyter-client.readthedocs.io/en/latest/messaging.html, version 5.3.
 */
'use strict';
const {createHmac, randomUUID, timingSafeEqual} = require('node:crypto');

const DELIMITER = Buffer.from('<IDS|MSG>');
const SESSION = randomUUID();

/**
 * @typedef {{msg_id: string, msg_type: string, session: string, username: string, date: string,
 *   version: string}} Header
 * @typedef {Record<string, unknown>} Content
 * @typedef {{identities: Buffer[], header: Header, content: Content}} Message
 */

/**
 * @param {readonly Buffer[]} frames
 * @param {string} key an empty one turns signatures off
 * @returns {Message}
 * @throws Error when the frames are no message, or its signature is wrong
 */
function decode(frames, key) {
  const delimiter = frames.findIndex(frame => frame.equals(DELIMITER));
  const [signature, ...parts] = frames.slice(delimiter + 1);
  const [header, , , content] = parts;
  if (delimiter < 0 || !signature || !header || !content) {
    throw new Error(`not a Jupyter message: ${frames.length} frames`);
  }
  if (key !== '' && !sameBytes(signature, Buffer.from(sign(parts.slice(0, 4), key)))) {
    throw new Error('a message with a wrong signature');
  }
  return {
    identities: frames.slice(0, delimiter),
    header: JSON.parse(header.toString()),
    content: JSON.parse(content.toString()),
  };
}

/**
 * @param {string} type
 * @param {Content} content
 * @param {Header | undefined} parent the request that this message answers
 * @param {readonly (Buffer | string)[]} identities whom it goes to, or its topic
 * @param {string} key
 * @returns {(Buffer | string)[]}
 */
function encode(type, content, parent, identities, key) {
  /** @type {Header} */
  const header = {
    msg_id: randomUUID(),
    msg_type: type,
    session: SESSION,
    username: 'kernel',
    date: new Date().toISOString(),
    version: '5.3',
  };
  const parts = [header, parent ?? {}, {}, content].map(part => JSON.stringify(part));
  return [...identities, DELIMITER, sign(parts, key), ...parts];
}

/**
 * @param {readonly (Buffer | string)[]} parts
 * @param {string} key
 */
function sign(parts, key) {
  if (key === '') return '';
  const hash = createHmac('sha256', key);
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

/**
 * @param {Buffer} a
 * @param {Buffer} b
 */
function sameBytes(a, b) {
  return a.length === b.length && timingSafeEqual(a, b);
}

module.exports = {decode, encode};
