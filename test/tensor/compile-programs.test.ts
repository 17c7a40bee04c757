/**
 * Random small programs of the ops that the library uses: compiled, they give what they give eagerly,
 * values and gradients. The seed of a failing program is in the test's message.
 */
import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {compile} from 'latent-lib/tensor/compile';
import {Random} from 'latent-lib/tensor/random';
import {ready, tf} from 'latent-lib/tensor/tf';
import {close} from '../helpers/close';

before(ready);

/** What must be compiled to be tested; on other backends functions run eagerly. */
const whereCompiled = {skip: !tf.findBackendFactory('tensorflow')};

type Op = (x: tf.Tensor3D, random: Random, weight: tf.Tensor2D) => tf.Tensor;

const choose = <T>(random: Random, values: readonly T[]): T =>
  values[random.integer(values.length)]!;

/** Each takes [2, 3, 4] and gives [2, 3, 4] again. */
const OPS: Record<string, Op> = {
  'matMul, rank 3 by 2': (x, _, weight) =>
    tf.matMul(x.reshape<tf.Tensor2D>([6, 4]), weight).reshape([2, 3, 4]),
  'matMul, batched': (x, _, weight) => tf.matMul(x, tf.stack([weight, weight.transpose()])),
  'matMul, both transposed': x => tf.matMul(tf.matMul(x, x, false, true).softmax(), x),
  'gather and its gradient': (x, random) => {
    const rows = [0, 1, 2].map(() => random.integer(3));
    return tf.gather(x, tf.tensor1d(rows, 'int32'), 1);
  },
  softmax: x => x.softmax(),
  logSoftmax: x => tf.logSoftmax(x, -1),
  logSumExp: x => x.sub(x.logSumExp(-1, true)),
  'layer norm': x => {
    const {mean, variance} = tf.moments(x, -1, true);
    return x.sub(mean).div(variance.add(1e-3).sqrt());
  },
  'concat and split': x => {
    const [a, b] = tf.split(x, 2, 2) as [tf.Tensor3D, tf.Tensor3D];
    return tf.concat([b.tanh(), a], 2);
  },
  'uneven split': x => {
    const [a, b] = tf.split(x, [1, 3], 2) as [tf.Tensor3D, tf.Tensor3D];
    return tf.concat([b, a.square()], 2);
  },
  'slice and pad': (x, random) => {
    const start = random.integer(2);
    return x.slice([0, start, 0], [2, 2, 4]).pad([
      [0, 0],
      [start, 1 - start],
      [0, 0],
    ]);
  },
  transpose: x =>
    x.transpose([0, 2, 1]).reshape<tf.Tensor3D>([2, 4, 3]).transpose([0, 2, 1]).reverse(1),
  where: (x, random) => tf.where(random.normals([3, 4]).greater(0.1), x.mul(2), x.sub(1)),
  'GELU with erf': x => x.mul(x.div(Math.SQRT2).erf().add(1)).mul(0.5),
  reductions: x =>
    x
      .add(x.max(1, true))
      .sub(x.min([1, 2], true))
      .add(x.sum(0))
      .sub(x.mean()),
  'stack and unstack': x => {
    const rows = tf.unstack(x, 1) as tf.Tensor2D[];
    return tf.stack([rows[2]!, rows[0]!.add(rows[1]!), rows[1]!], 1);
  },
  'expandDims and squeeze': x => x.expandDims(1).tile([1, 2, 1, 1]).sum(1).mul(0.5),
  broadcasting: x => x.add(x.slice([0, 0, 0], [1, 1, 4])).mul(x.slice([0, 0, 0], [2, 3, 1])),
  'GRU steps': (x, _, weight) => {
    let state = tf.zeros<tf.Rank.R2>([2, 4]);
    const states = (tf.unstack(x, 1) as tf.Tensor2D[]).map(input => {
      const gate = tf.matMul(state, weight).add(input).sigmoid();
      state = state.mul(gate).add<tf.Tensor2D>(input.tanh().mul(tf.sub(1, gate)));
      return state;
    });
    return tf.stack(states, 1);
  },
  activations: x => x.relu().add(x.sigmoid()).sub(x.softplus()).add(x.elu()).add(x.leakyRelu(0.2)),
  'exp, log, sqrt, pow': x =>
    x
      .square()
      .add(1)
      .log()
      .add(x.abs().add(0.5).sqrt())
      .sub(x.clipByValue(-1, 1).exp())
      .add(x.pow(2)),
  'one-hot': (x, random) => x.mul(tf.oneHot(random.normals([3, 4]).argMax(-1), 4)),
  'maximum, minimum, step': x => x.maximum(0.2).add(x.minimum(-0.3)).mul(x.sub(0.05).step()),
  'comparison and cast': (x, random) =>
    x.mul(random.normals([2, 3, 4]).greaterEqual(0).cast('float32').add(0.5)),
  cumsum: x => x.cumsum(2),
  'band mask': x => x.add(tf.linalg.bandPart(tf.ones<tf.Rank.R2>([3, 4]), 0, -1).mul(0.3)),
};

const PROGRAMS = 60;
const NAMES = Object.keys(OPS);

function program(seed: number): {
  title: string;
  fn: (x: tf.Tensor3D, weight: tf.Tensor2D) => tf.Tensor3D;
} {
  const random = new Random(seed);
  const length = 2 + random.integer(4);
  const names = [NAMES[seed % NAMES.length]!, ...Array.from({length}, () => choose(random, NAMES))];
  const fn = (x: tf.Tensor3D, weight: tf.Tensor2D) =>
    names.reduce((value, name, which) => {
      const result = OPS[name]!(value, random.stream(`${which}`), weight);
      return result.clipByValue(-3, 3) as tf.Tensor3D; // or the values explode
    }, x);
  return {title: names.join(' → '), fn};
}

test(`${PROGRAMS} random programs: values and gradients, compiled as eager`, whereCompiled, () => {
  for (let seed = 0; seed < PROGRAMS; seed++) {
    const {title, fn} = program(seed);
    const whole = ({x, weight}: {x: tf.Tensor3D; weight: tf.Tensor2D}) => {
      const value = fn(x, weight);
      const score = (x: tf.Tensor, weight: tf.Tensor) => {
        const out = fn(x as tf.Tensor3D, weight as tf.Tensor2D);
        return out.mul(tf.range(0, 24).sin().reshape([2, 3, 4])).sum();
      };
      const [dx, dWeight] = tf.grads((x: tf.Tensor, weight: tf.Tensor) => {
        return score(x, weight).add(weight.square().sum());
      })([x, weight]) as [tf.Tensor, tf.Tensor];
      return {value, dx, dWeight};
    };
    const compiled = compile(whole);
    for (let round = 0; round < 2; round++) {
      tf.tidy(() => {
        const random = new Random(1000 * seed + round);
        const inputs = {
          x: random.normals<tf.Rank.R3>([2, 3, 4]),
          weight: random.normals<tf.Rank.R2>([4, 4]).mul<tf.Tensor2D>(0.5),
        };
        const [got, want] = [compiled(inputs), whole(inputs)];
        for (const name of ['value', 'dx', 'dWeight'] as const) {
          const largest = want[name].abs().max().dataSync()[0]!;
          close(`program ${seed} (${title}): ${name}`, got[name], want[name], {
            atol: 1e-5 * Math.max(1, largest),
          });
        }
      });
    }
    compiled.dispose();
  }
});

test('every op of the list is in some program', () => {
  const first = new Set(Array.from({length: PROGRAMS}, (_, seed) => NAMES[seed % NAMES.length]));
  assert.equal(first.size, NAMES.length);
});
