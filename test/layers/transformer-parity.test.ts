/** The transformer's layers against torch.nn's, outputs and gradients. */
import {before} from 'node:test';
import {gelu, geluTanh} from 'latent-lib/layers/activations';
import {MultiHeadAttention} from 'latent-lib/layers/attention';
import {Embedding} from 'latent-lib/layers/embedding';
import {LayerNorm} from 'latent-lib/layers/layer-norm';
import {causalMask} from 'latent-lib/layers/masks';
import {DecoderLayer} from 'latent-lib/layers/decoder-layer';
import {EncoderLayer} from 'latent-lib/layers/encoder-layer';
import {assignWeights, type Weighted} from 'latent-lib/layers/weights';
import {Random} from 'latent-lib/tensor/random';
import {ready, tf} from 'latent-lib/tensor/tf';
import {close} from '../helpers/close';
import {loadGolden, parity, type GoldenTensors} from '../helpers/parity';

before(ready);

const golden = loadGolden('transformer-layers');
const random = new Random(1);

/** Compares a part's output, and the gradients of all its weights and of the inputs named. */
function compare(
  name: string,
  part: Weighted | undefined,
  golden: GoldenTensors,
  inputs: readonly string[],
  run: (given: readonly tf.Tensor3D[]) => tf.Tensor,
): void {
  const {input, expected, weights} = golden;
  const ours = part?.weights ?? {};
  const own = Object.entries(weights()).filter(([key]) => key.startsWith(`${name}.`));
  if (part !== undefined) {
    assignWeights(
      ours,
      Object.fromEntries(own.map(([key, value]) => [key.slice(name.length + 1), value])),
    );
  }
  const given = inputs.map(key => input<tf.Tensor3D>(key));
  close(name, run(given), expected(name), {atol: 1e-5});
  const weighing = input('weighing');
  const loss = (at: readonly tf.Tensor[]) =>
    run(at as readonly tf.Tensor3D[])
      .mul(weighing)
      .sum<tf.Scalar>();
  const gradients: Record<string, tf.Tensor> = {};
  if (inputs.length > 0) {
    const found = tf.grads((...at: tf.Tensor[]) => loss(at))(given);
    inputs.forEach((key, which) => (gradients[key] = found[which]!));
  }
  const variables = Object.values(ours);
  const grads = variables.length > 0 ? tf.variableGrads(() => loss(given), variables).grads : {};
  for (const [key, variable] of Object.entries(ours)) gradients[key] = grads[variable.name]!;
  for (const [key, gradient] of Object.entries(gradients)) {
    close(`d ${name} / d ${key}`, gradient, expected(`d ${name} / d ${key}`), {
      atol: 1e-5,
      rtol: 1e-5,
    });
  }
}

parity('attention over padded memory of other widths', golden, golden => {
  const {setting, input, expected} = golden;
  const [width, heads] = [setting('width'), setting('heads')];
  const [keyWidth, valueWidth] = [setting('keyWidth'), setting('valueWidth')];
  const attention = new MultiHeadAttention({width, heads, keyWidth, valueWidth}, random);
  const mask = input<tf.Tensor4D>('memory mask');
  const run = ([query, key, value]: readonly tf.Tensor3D[]) =>
    attention.apply({query: query!, key: key!, value: value!, mask});
  compare('attention', attention, golden, ['x', 'key', 'value'], given => run(given).output);
  const {weights} = run([input('x'), input('key'), input('value')]);
  close('weights', weights, expected('attention weights'), {atol: 1e-6});
});

parity('causal self-attention', golden, golden => {
  const {setting} = golden;
  const sizes = {width: setting('width'), heads: setting('heads')};
  const attention = new MultiHeadAttention(sizes, random);
  compare('self', attention, golden, ['x'], ([x]) => {
    return attention.apply({query: x!, key: x!, value: x!, mask: causalMask(x!.shape[1])}).output;
  });
});

for (const name of ['encoder', 'first encoder'] as const) {
  parity(`${name} layer`, golden, golden => {
    const {setting, input} = golden;
    const isFirst = name === 'first encoder';
    const config = {
      width: setting('width'),
      heads: setting('heads'),
      hidden: setting('hidden'),
      activation: isFirst ? ('relu' as const) : ('gelu' as const),
      epsilon: setting(isFirst ? 'epsilon of the first' : 'epsilon'),
    };
    const layer = new EncoderLayer(config, random);
    const mask = input<tf.Tensor4D>('mask');
    compare(name, layer, golden, ['x'], ([x]) => layer.apply({x: x!, mask}).output);
  });
}

parity('decoder layer', golden, golden => {
  const {setting, input} = golden;
  const sizes = {width: setting('width'), heads: setting('heads'), hidden: setting('hidden')};
  const layer = new DecoderLayer(sizes, random);
  const memoryMask = input<tf.Tensor4D>('memory mask');
  compare('decoder', layer, golden, ['x', 'memory'], ([x, memory]) => {
    return layer.apply({x: x!, memory: memory!, memoryMask, mask: causalMask(x!.shape[1])}).output;
  });
});

parity('layer norm', golden, golden => {
  const norm = new LayerNorm({width: golden.setting('width'), epsilon: golden.setting('epsilon')});
  compare('norm', norm, golden, ['x'], ([x]) => norm.apply(x!.mul(3).add<tf.Tensor3D>(1)));
});

parity('embedding, and logits from its table', golden, golden => {
  const {setting, input, expected} = golden;
  const sizes = {entries: setting('entries'), width: setting('width')};
  const ids = input<tf.Tensor2D>('ids');
  const embedding = new Embedding(sizes, random);
  compare('embedding', embedding, golden, [], () => embedding.apply(ids));
  const tied = new Embedding(sizes, random);
  const logits = (x: tf.Tensor3D) => tied.logits(tied.apply(ids).add(x));
  compare('tied', tied, golden, ['x'], ([x]) => {
    const [B, T, V] = logits(x!).shape;
    const products = logits(x!)
      .reshape<tf.Tensor2D>([B * T, V])
      .matMul(tied.table);
    return products.reshape([B, T, sizes.width]);
  });
  close('logits', logits(input('x')), expected('tied logits'), {atol: 1e-5});
});

parity('GELU and its approximation', golden, golden => {
  compare('gelu', undefined, golden, ['x'], ([x]) => gelu(x!.mul(2)));
  compare('geluTanh', undefined, golden, ['x'], ([x]) => geluTanh(x!.mul(2)));
});
