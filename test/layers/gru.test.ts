import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {Gru, GruCell} from 'latent-lib/layers/gru';
import {assignWeights, countWeights} from 'latent-lib/layers/weights';
import {Random} from 'latent-lib/tensor/random';
import {ShapeError} from 'latent-lib/tensor/shapes';
import {ready, tf} from 'latent-lib/tensor/tf';
import {close} from '../helpers/close';
import {leavesNoTensor} from '../helpers/memory';
import {loadGolden, parity, type GoldenTensors} from '../helpers/parity';

before(ready);

const golden = loadGolden('gru');

/** Our layer with the golden file's weights. */
function layer({setting, weights}: GoldenTensors): Gru {
  const gru = new Gru({inputs: setting('inputs'), units: setting('units')}, new Random(1));
  assignWeights(gru.weights, weights());
  return gru;
}

/** Gradients with respect to every weight, x and the initial state, by name. */
function gradients(
  gru: Gru,
  loss: (x: tf.Tensor, initial: tf.Tensor) => tf.Scalar,
  at: tf.Tensor[],
) {
  const weights = Object.entries(gru.weights);
  const ofInputs = tf.grads(loss)(at);
  const {grads} = tf.variableGrads(
    () => loss(at[0]!, at[1]!),
    weights.map(([, variable]) => variable),
  );
  return {
    ...Object.fromEntries(weights.map(([name, variable]) => [name, grads[variable.name]!])),
    x: ofInputs[0]!,
    initial: ofInputs[1]!,
  };
}

parity('GRU states', golden, golden => {
  const gru = layer(golden);
  const {input, expected} = golden;
  const x = input<tf.Tensor3D>('x');
  const initial = input<tf.Tensor2D>('initial');
  close('states', gru.apply(x, initial), expected('states'), {atol: 1e-5});
  close('last', gru.last(x, initial), expected('last'), {atol: 1e-5});
  close('states from zero', gru.apply(x), expected('states from zero'), {atol: 1e-5});
  close('last from zero', gru.last(x), expected('last from zero'), {atol: 1e-5});
});

parity('GRU gradients through time', golden, golden => {
  const gru = layer(golden);
  const {input, expected} = golden;
  const at = [input('x'), input('initial')];
  const weighing = input<tf.Tensor3D>('weighing');
  const firstWeighing = tf.unstack(weighing, 1)[0]!;
  const losses = {
    states: (x: tf.Tensor, initial: tf.Tensor) =>
      gru
        .apply(x as tf.Tensor3D, initial as tf.Tensor2D)
        .mul(weighing)
        .sum<tf.Scalar>(),
    last: (x: tf.Tensor, initial: tf.Tensor) =>
      gru
        .last(x as tf.Tensor3D, initial as tf.Tensor2D)
        .mul(firstWeighing)
        .sum<tf.Scalar>(),
  };
  for (const [of, loss] of Object.entries(losses)) {
    for (const [name, gradient] of Object.entries(gradients(gru, loss, at))) {
      const which = `d ${of} / d ${name}`;
      close(which, gradient, expected(which), {atol: 1e-5, rtol: 1e-5});
    }
  }
});

parity('GRU cell', golden, golden => {
  const gru = layer(golden);
  const {input, expected} = golden;
  const weighing = tf.unstack(input('weighing'), 1)[0]!;
  const at = [tf.unstack(input('x'), 1)[0]!, input('initial')];
  const next = (x: tf.Tensor, state: tf.Tensor) =>
    gru.cell.apply(x as tf.Tensor2D, state as tf.Tensor2D);
  close('state', next(at[0]!, at[1]!), expected('cell'), {atol: 1e-5});
  const loss = (x: tf.Tensor, state: tf.Tensor) => next(x, state).mul(weighing).sum<tf.Scalar>();
  for (const [name, gradient] of Object.entries(gradients(gru, loss, at))) {
    const stored = expected(`d cell / d ${name}`);
    const want = name === 'x' ? tf.unstack(stored, 1)[0]! : stored; // x's is of all steps
    close(`d cell / d ${name}`, gradient, want, {atol: 1e-5});
  }
});

parity('GRU after one Adam step', golden, golden => {
  const gru = layer(golden);
  const {input, expected, setting} = golden;
  const optimizer = tf.train.adam(setting('learningRate'), 0.9, 0.999, setting('epsilon'));
  const [x, initial] = [input<tf.Tensor3D>('x'), input<tf.Tensor2D>('initial')];
  optimizer.minimize(() => gru.apply(x, initial).mul(input('weighing')).sum());
  for (const [name, variable] of Object.entries(gru.weights)) {
    close(name, variable, expected(`after Adam ${name}`), {atol: 1e-5});
  }
});

test('the layer is its cell applied step by step, gradients too', () => {
  const random = new Random(3);
  const gru = new Gru({inputs: 2, units: 4}, random);
  for (const [name, bias] of [
    ['a', gru.cell.biasIh],
    ['b', gru.cell.biasHh],
  ] as const) {
    bias.assign(random.stream(name).normals<tf.Rank.R1>([12]));
  }
  const at = [random.normals([3, 6, 2]), random.normals([3, 4])];
  const weighing = random.stream('weighing').normals([3, 6, 4]);
  const unrolled = (x: tf.Tensor, initial: tf.Tensor) => {
    let state = initial as tf.Tensor2D;
    const states = tf.unstack(x, 1).map(xt => (state = gru.cell.apply(xt as tf.Tensor2D, state)));
    return tf.stack(states, 1);
  };
  const whole = (x: tf.Tensor, initial: tf.Tensor) =>
    gru.apply(x as tf.Tensor3D, initial as tf.Tensor2D);
  close('states', whole(at[0]!, at[1]!), unrolled(at[0]!, at[1]!), {atol: 1e-6});
  const weigh = (states: tf.Tensor) => states.mul(weighing).sum<tf.Scalar>();
  const want = gradients(gru, (x, initial) => weigh(unrolled(x, initial)), at);
  const got = gradients(gru, (x, initial) => weigh(whole(x, initial)), at);
  for (const name of Object.keys(want) as (keyof typeof want)[]) {
    close(name, got[name], want[name], {atol: 1e-5});
  }
});

test('a GRU of 10 units on one input has 390 weights', () => {
  assert.equal(countWeights(new Gru({inputs: 1, units: 10}, new Random(1)).weights), 390);
});

test('examples of a batch do not meet', () => {
  const random = new Random(4);
  const gru = new Gru({inputs: 1, units: 3}, random);
  const x = random.normals<tf.Rank.R3>([4, 5, 1]);
  const alone = gru.last(x.slice([2, 0, 0], [1, 5, 1]));
  close('third of four', gru.last(x).slice([2, 0], [1, 3]), alone, {atol: 1e-6});
});

test('a second gradient leaves no tensor behind', async () => {
  const gru = new Gru({inputs: 1, units: 3}, new Random(4));
  const x = tf.ones<tf.Rank.R3>([2, 5, 1]);
  await leavesNoTensor(() => tf.variableGrads(() => gru.apply(x).sum()));
  await leavesNoTensor(() => gru.last(x));
  await leavesNoTensor(() => new GruCell({inputs: 2, units: 3}, new Random(4)).dispose());
});

test('what does not fit is refused by name', () => {
  const gru = new Gru({inputs: 1, units: 3}, new Random(4));
  assert.throws(
    () => gru.apply(tf.ones([2, 5, 2])),
    new ShapeError('Gru: x has shape [2,5,2], expected [B,T,1].'),
  );
  assert.throws(
    () => gru.last(tf.ones([2, 5, 1]), tf.ones([3, 3])),
    /initial has shape \[3,3\], expected \[B,3\]/,
  );
  assert.throws(
    () => gru.cell.apply(tf.ones([2, 1]), tf.ones([2, 4])),
    /GruCell.apply: state has shape \[2,4\], expected \[B,3\]/,
  );
  assert.throws(
    () => new GruCell({inputs: 0, units: 3}, new Random(1)),
    /GruCell: inputs is 0, expected a positive integer/,
  );
});
