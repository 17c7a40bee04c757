/**
 * What a run says of its model while it trains: samples of the prior, ways between held-out sequences,
 * and numbers about sequences that it never saw.
 */
import {interpolate} from 'latent-lib/evaluation/interpolation';
import {tf} from 'latent-lib/tensor/tf';

/** @typedef {import('latent-lib/data/sequences').SequenceData} SequenceData */
/** @typedef {import('latent-lib/tensor/random').Random} Random */
/** @typedef {import('./model.mjs').Trainable} Trainable */
/** @typedef {{model: Trainable, data: SequenceData, random: Random}} About */

/**
 * @typedef {object} Report
 * @property {string} name
 * @property {string} [text] in Markdown
 * @property {Float32Array[]} [pictures]
 * @property {Readonly<Record<string, number>>} scalars
 */

const SAMPLES = 16;
const PAIRS = 4;
const RATIOS = 11;
const HELD_OUT = 64;

/**
 * Codes drawn from the prior, decoded greedily.
 * @param {About} about
 * @returns {Promise<Report>}
 */
export async function samples({model, data, random}) {
  const codes = model.priorCodes(random.stream('samples'), SAMPLES);
  const texts = decoded(model, data, codes);
  const share = await validShare(data, texts);
  return {
    name: 'samples',
    text: table([['sample'], ...texts.map(text => [text])]),
    ...pictured(data, texts),
    scalars: share === undefined ? {} : {'valid samples': share},
  };
}

/**
 * Eleven codes from one held-out sequence to another, by slerp of the whole code, decoded greedily. Of
 * each way the nine inner ones count.
 * @param {About} about
 * @returns {Promise<Report>}
 */
export async function interpolations({model, data, random}) {
  const rows = random
    .stream('pairs')
    .permutation(data.test.ids.count)
    .slice(0, 2 * PAIRS);
  const ids = tf.tidy(() => data.test.ids.tensor(rows).toInt());
  const codes = model.encode(/** @type {tf.Tensor2D} */ (ids));
  ids.dispose();
  const ways = between(codes);
  codes.dispose();
  const texts = decoded(model, data, ways);
  const inner = texts.filter((_, place) => place % RATIOS > 0 && place % RATIOS < RATIOS - 1);
  const share = await validShare(data, inner);
  const lines = texts.map((text, place) => {
    const ratio = (place % RATIOS) / (RATIOS - 1);
    return [String(Math.floor(place / RATIOS) + 1), ratio.toFixed(1), text];
  });
  return {
    name: 'interpolations',
    text: table([['pair', 'ratio', 'sequence'], ...lines]),
    ...pictured(data, texts.slice(0, RATIOS)),
    scalars: share === undefined ? {} : {'valid interpolations': share},
  };
}

/**
 * Held-out sequences: what they cost, and how often tokens and whole sequences come back.
 * @param {About} about
 * @returns {Promise<Report>}
 */
export async function evaluation({model, data}) {
  const rows = Array.from({length: Math.min(HELD_OUT, data.test.ids.count)}, (_, row) => row);
  const ids = /** @type {tf.Tensor2D} */ (tf.tidy(() => data.test.ids.tensor(rows).toInt()));
  const codes = model.encode(ids);
  const nats = model.reconstruction(ids, codes);
  const texts = decoded(model, data, codes);
  const wanted = data.test.texts.slice(0, rows.length);
  let [tokens, same, whole] = [0, 0, 0];
  for (const [row, text] of wanted.entries()) {
    const [own, found] = [text, texts[row] ?? ''].map(one => data.codec.encode(one));
    own?.forEach((id, place) => {
      if (id === 0) return; // padding
      tokens += 1;
      if (found?.[place] === id) same += 1;
    });
    if (text === texts[row]) whole += 1;
  }
  const cost = nats.reduce((sum, value) => sum + value, 0) / nats.length;
  ids.dispose();
  const scalars = {
    'held-out reconstruction': cost,
    'token accuracy': same / tokens,
    'sequence accuracy': whole / rows.length,
  };
  const lines = wanted.slice(0, 10).map((text, row) => [text, texts[row] ?? '']);
  return {
    name: 'held-out sequences',
    text: table([['sequence', 'decoded'], ...lines]),
    scalars,
  };
}

/**
 * From each code of the first half to one of the second, the whole code at once.
 * @param {tf.Tensor3D} codes [2P, n, d]
 * @returns {tf.Tensor3D} [P · RATIOS, n, d]
 */
function between(codes) {
  return tf.tidy(() => {
    const each = /** @type {tf.Tensor2D[]} */ (tf.unstack(codes)); // 2P × [n, d]
    const ways = each.slice(0, PAIRS).map((from, pair) => {
      const to = each[PAIRS + pair] ?? from;
      return interpolate(from, to, {steps: RATIOS, unit: 'code'}); // [RATIOS, n, d]
    });
    return tf.concat3d(ways, 0);
  });
}

/**
 * @param {Trainable} model
 * @param {SequenceData} data
 * @param {tf.Tensor3D} codes [B, n, d], disposed of
 */
function decoded(model, {codec}, codes) {
  const texts = model.generate(codes).map(ids => codec.decode(ids));
  codes.dispose();
  return texts;
}

/**
 * @param {SequenceData} data
 * @param {readonly string[]} texts
 */
async function validShare({valid}, texts) {
  const answers = await valid?.(texts);
  return answers && answers.filter(answer => answer).length / texts.length;
}

/**
 * The pictures of texts, white where one is not valid; nothing where texts are no pictures.
 * @param {SequenceData} data
 * @param {readonly string[]} texts
 */
function pictured({picture, test}, texts) {
  if (picture === undefined) return {};
  const size = picture(test.texts[0] ?? '')?.length ?? 0;
  return {pictures: texts.map(text => picture(text) ?? new Float32Array(size).fill(0.5))};
}

/** @param {readonly (readonly string[])[]} rows the first is the head */
function table(rows) {
  const [head = [], ...body] = rows;
  const line = (/** @type {readonly string[]} */ cells) => `| ${cells.join(' | ')} |`;
  const code = (/** @type {string} */ text) => {
    const plain = text.replaceAll('`', 'ˋ').replaceAll('|', '¦').replaceAll('\n', ' / ');
    return plain === '' ? '' : `\`${plain}\``;
  };
  return [line(head), line(head.map(() => '---')), ...body.map(row => line(row.map(code)))].join(
    '\n',
  );
}
