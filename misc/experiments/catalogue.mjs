/**
 * Experiments by the seed's names: each name sets one part of a configuration.
 * Source: args/*.args of Fraser-Greenlee/transformer-vae, scaled to what two cores train.
 */

/**
 * A whole configuration.
 * @typedef {object} Experiment
 * @property {'mnist' | 'python' | 'headlines'} data
 * @property {28 | 14 | 9} side of digits, in pixels
 * @property {number} length tokens of a sequence
 * @property {number} latentTokens n
 * @property {number} latentShare size of a latent token, as a share of the model's width
 * @property {'layer' | 't5' | 'none'} latentNorm what follows the layer that widens a latent token
 * @property {readonly [number, number, number]} funnel layers of the encoder's three blocks
 * @property {number} batch examples of an update
 * @property {number} window of the decoder's self-attention, in tokens; 0 for the whole sequence
 * @property {boolean} isCheckpointed whether the backward pass recomputes the decoder's layers
 * @property {boolean} isEvaluated whether held-out sequences, samples and interpolations are measured
 * @property {'seed' | 'mmd' | 'kl' | 'info' | 'none'} regulariser
 */

/** @typedef {{part: string, does: string, sets: Partial<Experiment>}} Setting */

/** What holds where no name says otherwise. */
export const DEFAULTS = /** @type {const} */ ({
  side: 9,
  latentTokens: 5,
  latentShare: 1,
  latentNorm: 'layer',
  funnel: [1, 1, 1],
  batch: 30,
  window: 0,
  isCheckpointed: false,
  isEvaluated: false,
  regulariser: 'seed',
});

/** @type {(side: 28 | 14 | 9) => Setting} */
const digits = side => ({
  part: 'data',
  does: `MNIST as text, ${side} × ${side}: ${side * (side + 2)} tokens`,
  sets: {data: 'mnist', side, length: side * (side + 2)},
});

/** @type {(name: string, latentShare: number, latentTokens: number) => Setting} */
const latent = (name, latentShare, latentTokens) => ({
  part: 'latent',
  does: `${latentTokens} latent ${latentTokens === 1 ? 'token' : 'tokens'} of ${name} width`,
  sets: {latentShare, latentTokens},
});

/** @type {(which: Experiment['latentNorm'], does: string) => Setting} */
const latentNorm = (which, does) => ({
  part: 'latent decoder',
  does,
  sets: {latentNorm: which},
});

/** @type {(layers: number) => Setting} */
const funnel = layers => ({
  part: 'funnel',
  does: `an encoder of three blocks of ${layers} ${layers === 1 ? 'layer' : 'layers'}`,
  sets: {funnel: [layers, layers, layers]},
});

/** @type {(size: number) => Setting} */
const batch = size => ({part: 'batch', does: `${size} examples an update`, sets: {batch: size}});

/** @type {(length: number) => Setting} */
const sequence = length => ({
  part: 'sequence length',
  does: `texts of at most ${length} tokens`,
  sets: {length},
});

/** @type {(size: number) => Setting} */
const windows = size => ({
  part: 'window',
  does: `self-attention of the decoder within windows of ${size} tokens`,
  sets: {window: size},
});

/** @type {(which: Experiment['regulariser'], does: string) => Setting} */
const regulariser = (which, does) => ({
  part: 'regulariser',
  does,
  sets: {regulariser: which},
});

/** @type {Readonly<Record<string, Setting>>} */
export const SETTINGS = {
  mnist_base: digits(28),
  mnist_small: digits(14),
  mnist_tiny: digits(9),
  syntax: {
    part: 'data',
    does: 'lines of Python, character by character',
    sets: {data: 'python', length: 60},
  },
  semantics: {
    part: 'data',
    does: 'headlines, word by word: sentences of the grammar, or --file',
    sets: {data: 'headlines', length: 30},
  },
  '16th_5_tkn': latent('a 16th of the', 1 / 16, 5),
  tenth_5_tkn: latent('a tenth of the', 1 / 10, 5),
  eigth_5_tkn: latent('an eighth of the', 1 / 8, 5),
  qrtr_5_tkn: latent('a quarter of the', 1 / 4, 5),
  half_5_tkn: latent('half the', 1 / 2, 5),
  full_5_tkn: latent('the whole', 1, 5),
  full_1_tkn: latent('the whole', 1, 1),
  full_15_tkn: latent('the whole', 1, 15),
  full_30_tkn: latent('the whole', 1, 30),
  t5_norm: latentNorm('t5', "latent tokens pass T5's feed-forward part in place of a layer norm"),
  no_norm: latentNorm('none', 'latent tokens are widened, and not normalised'),
  funnel_tiny: funnel(1),
  funnel_small: funnel(2),
  funnel_medium: funnel(3),
  batch_small: batch(10),
  batch_medium: batch(30),
  batch_large: batch(70),
  '5Seq': sequence(5),
  '30Seq': sequence(30),
  '60Seq': sequence(60),
  window60: windows(60),
  window120: windows(120),
  window200: windows(200),
  grad_check_pnt: {
    part: 'memory',
    does: 'the backward pass computes the layers again in place of keeping them',
    sets: {isCheckpointed: true},
  },
  eval: {
    part: 'evaluation',
    does: 'measures held-out sequences, samples and interpolations while it trains',
    sets: {isEvaluated: true},
  },
  no_reg: regulariser('none', 'no regulariser: a plain autoencoder'),
  right_mmd: regulariser('mmd', 'ours: an unbiased MMD of the whole code at the right width'),
  kl: regulariser('kl', 'ours: a Gaussian code and the KL divergence'),
  info_vae: regulariser('info', 'ours: a Gaussian code, KL and MMD'),
};

/** Something is wrong with the names; the message says what there is. */
export class UnknownExperiment extends Error {
  /** @override */
  name = 'UnknownExperiment';
}

/**
 * The configuration that names make.
 * @param {readonly string[]} names e.g. ['mnist_small', 'tenth_5_tkn', 'batch_small', 'eval']
 * @returns {Experiment}
 * @throws {UnknownExperiment} for an unknown name, two of one part, no data, or parts at odds
 */
export function experimentOf(names) {
  const unknown = names.filter(name => !Object.hasOwn(SETTINGS, name));
  if (unknown.length > 0) {
    throw new UnknownExperiment(
      `There is no experiment "${unknown.join('", "')}". There are:\n\n${listing()}`,
    );
  }
  /** @type {Map<string, string>} */
  const taken = new Map();
  /** @type {Partial<Experiment>} */
  let chosen = {};
  for (const name of names) {
    const {part, sets} = /** @type {Setting} */ (SETTINGS[name]);
    const before = taken.get(part);
    if (before !== undefined) {
      throw new UnknownExperiment(`Both "${before}" and "${name}" set the ${part}; give one.`);
    }
    taken.set(part, name);
    // a length of one's own comes on top of the data's, in whichever order they are named
    chosen = part === 'data' ? {...sets, ...chosen} : {...chosen, ...sets};
  }
  const {data, length} = chosen;
  if (data === undefined || length === undefined) {
    throw new UnknownExperiment(`No name says which data to train on. There are:\n\n${listing()}`);
  }
  const longer = taken.get('sequence length');
  if (data === 'mnist' && longer !== undefined) {
    throw new UnknownExperiment(`"${longer}" does not fit digits: they have one length.`);
  }
  return {...DEFAULTS, ...chosen, data, length};
}

/** All names, part by part. */
export function listing() {
  const parts = [...new Set(Object.values(SETTINGS).map(({part}) => part))];
  const width = Math.max(...Object.keys(SETTINGS).map(name => name.length));
  return parts
    .map(part => {
      const lines = Object.entries(SETTINGS)
        .filter(([, setting]) => setting.part === part)
        .map(([name, {does}]) => `  ${name.padEnd(width)}  ${does}`);
      return [`${part}:`, ...lines].join('\n');
    })
    .join('\n');
}
