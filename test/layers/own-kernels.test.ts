/** Our kernels for layers against the ops that they stand for: values and gradients, at any size. */
import assert from 'node:assert/strict';
import {before, test, type TestContext} from 'node:test';
import {MultiHeadAttention} from 'latent-lib/layers/attention';
import {dropout} from 'latent-lib/layers/dropout';
import {allStates, lastState} from 'latent-lib/layers/gru-recurrence';
import {LayerNorm} from 'latent-lib/layers/layer-norm';
import {causalMask} from 'latent-lib/layers/masks';
import {RmsNorm} from 'latent-lib/layers/rms-norm';
import {negativeLogLikelihoodPerToken} from 'latent-lib/probability/categorical';
import {compile} from 'latent-lib/tensor/compile';
import {nativeBackend} from 'latent-lib/tensor/native-backend';
import {nativeKernels} from 'latent-lib/tensor/native-kernels';
import {Random} from 'latent-lib/tensor/random';
import type {NamedTensors} from 'latent-lib/tensor/shapes';
import {ready, tf} from 'latent-lib/tensor/tf';
import {close, type Tolerance} from '../helpers/close';

before(ready);

/** A function of tensors, the first `differentiable` of which get a gradient. */
interface Case {
  readonly inputs: NamedTensors;
  readonly differentiable: readonly string[];
  readonly value: (inputs: NamedTensors) => tf.Tensor;
  readonly tolerance: Tolerance;
}

/** The value, and the gradients of its product with fixed random numbers. */
function withGradients({differentiable, value}: Case) {
  return (inputs: NamedTensors): NamedTensors => {
    const at = differentiable.map(name => inputs[name]!);
    const weighed = (...given: tf.Tensor[]) => {
      const named = differentiable.map((name, index) => [name, given[index]!] as const);
      const result = value({...inputs, ...Object.fromEntries(named)});
      return result.mul(inputs['weighing']!).sum<tf.Scalar>();
    };
    const gradients = tf.grads(weighed)(at);
    const named = differentiable.map((name, index) => [`d ${name}`, gradients[index]!] as const);
    return {value: value(inputs), ...Object.fromEntries(named)};
  };
}

/** Holds the recorded function, made of kernels, against the eager one, made of ops. */
function agree(t: TestContext, kernels: readonly string[], one: Case): void {
  if (!nativeKernels().used) return t.skip('no own kernels here');
  const weighing = new Random(8).normals(tf.tidy(() => one.value(one.inputs).shape));
  const inputs = {...one.inputs, weighing};
  const plain = withGradients(one);
  const compiled = compile(plain);
  const called = callsOf(() => tf.dispose(compiled(inputs)));
  for (const name of kernels) assert.ok(called.has(name), `${name} is called`);
  const [got, want] = [compiled(inputs), tf.tidy(() => plain(inputs))];
  for (const [name, tensor] of Object.entries(want)) {
    close(name, got[name]!, tensor, one.tolerance);
  }
  compiled.dispose();
  tf.dispose([got, want, inputs]);
}

/** The ops that are executed while a function is recorded. */
function callsOf(body: () => void): Set<string> {
  const backend = nativeBackend()!;
  const {binding} = backend;
  const names = new Set<string>();
  const executeOp: typeof binding.executeOp = (name, ...rest) => {
    names.add(name);
    return binding.executeOp(name, ...rest);
  };
  backend.binding = Object.create(binding, {executeOp: {value: executeOp}}) as typeof binding;
  try {
    body();
  } finally {
    backend.binding = binding;
  }
  return names;
}

const RECURRENCES = [
  {J: 2, T: 1, B: 1, H: 1},
  {J: 1, T: 3, B: 5, H: 3},
  {J: 3, T: 4, B: 16, H: 4},
  {J: 2, T: 5, B: 33, H: 7, mask: 'shared'},
  {J: 4, T: 2, B: 17, H: 5, mask: 'own'},
  {J: 1, T: 1, B: 8, H: 2, mask: 'own'},
] as const;

for (const wanted of ['all', 'last'] as const) {
  for (const size of RECURRENCES) {
    const name = Object.entries(size).flat().join(' ');
    test(`a recurrence, ${wanted} states: ${name}`, t => {
      const {J, T, B, H} = size;
      const mask = 'mask' in size ? size.mask : 'none';
      const random = new Random(3);
      const draw = (name: string, shape: number[]) => random.stream(name).normals(shape);
      const masks: NamedTensors =
        mask === 'none'
          ? {}
          : {
              feedback: draw('feedback', [1, T, mask === 'own' ? B : 1])
                .greater(0)
                .toFloat(),
            };
      const inputs = {
        inputs: draw('inputs', [J, T, B]),
        kernel: draw('kernel', [4 * H, (mask === 'none' ? H : 2 * H) + J]),
        initial: draw('initial', [H, B]),
        ...masks,
      };
      const states = wanted === 'all' ? allStates : lastState;
      agree(t, ['LatentRecurrence', 'LatentRecurrenceGradient'], {
        inputs,
        differentiable: ['inputs', 'kernel', 'initial'],
        value: given => states(given as unknown as Parameters<typeof allStates>[0]),
        tolerance: {atol: 2e-6 * T, rtol: 2e-5},
      });
    });
  }
}

test('the gates of a recurrence shut and open wholly, and NaN goes through', t => {
  const inputs = {
    inputs: tf.tensor3d([200, -200, 90, -90, 1e-4, NaN], [1, 1, 6]),
    kernel: tf.tensor2d([1, 1, 1, 1, 1, 1, 1, 1], [4, 2]),
    initial: tf.tensor2d([0.5, 0.5, -0.5, 0.5, 0, 0.5], [1, 6]),
  };
  if (!nativeKernels().used) return t.skip('no own kernels here');
  const states = (given: NamedTensors) => ({
    states: allStates(given as unknown as Parameters<typeof allStates>[0]),
  });
  const compiled = compile(states);
  const [got, want] = [compiled(inputs).states.dataSync(), states(inputs).states.dataSync()];
  assert.ok(Number.isNaN(got[5]) && Number.isNaN(want[5]));
  close('states', got.slice(0, 5), want.slice(0, 5), {atol: 1e-7});
  compiled.dispose();
});

const VECTORS = [
  [1, 1],
  [3, 7],
  [5, 8],
  [2, 3, 130],
  [4, 16],
  [515, 64], // from here on two cores take parts
] as const;

for (const shape of VECTORS) {
  test(`layer norm of vectors [${shape.join(', ')}]`, t => {
    const random = new Random(5);
    const norm = new LayerNorm({width: shape.at(-1)!});
    const draw = (name: string, [...of]: readonly number[]) => random.stream(name).normals(of);
    const inputs = {
      x: draw('x', shape).mul(3).add(1),
      scale: draw('scale', shape.slice(-1)),
      bias: draw('bias', shape.slice(-1)),
    };
    agree(t, ['LatentLayerNorm', 'LatentLayerNormGradient'], {
      inputs,
      differentiable: ['x', 'scale', 'bias'],
      value: ({x, scale, bias}) => {
        const these = Object.assign(Object.create(norm) as LayerNorm, {scale, bias});
        return these.apply(x as tf.Tensor2D);
      },
      tolerance: {atol: 5e-6, rtol: 1e-5},
    });
    norm.dispose();
  });

  test(`root mean square of vectors [${shape.join(', ')}]`, t => {
    const random = new Random(6);
    const norm = new RmsNorm({width: shape.at(-1)!});
    const inputs = {
      x: random.stream('x').normals([...shape]),
      scale: random.stream('scale').normals(shape.slice(-1)),
    };
    agree(t, ['LatentLayerNorm', 'LatentLayerNormGradient'], {
      inputs,
      differentiable: ['x', 'scale'],
      value: ({x, scale}) =>
        Object.assign(Object.create(norm) as RmsNorm, {scale}).apply(x as tf.Tensor2D),
      tolerance: {atol: 5e-6, rtol: 1e-5},
    });
    norm.dispose();
  });
}

for (const size of [1, 31, 32, 33, 1000, 40_003]) {
  test(`dropout of ${size} numbers drops the very same ones`, t => {
    agree(t, ['LatentDropout'], {
      inputs: {
        x: new Random(2).normals([size]),
        seed: tf.tensor1d([-7, size], 'int32'),
      },
      differentiable: ['x'],
      value: ({x, seed}) => dropout(x!, 0.3, seed as tf.Tensor1D),
      tolerance: {atol: 0},
    });
  });
}

for (const [B, T, V] of [
  [1, 1, 1],
  [2, 3, 7],
  [3, 2, 8],
  [2, 2, 517],
  [7, 11, 517],
] as const) {
  test(`the likelihood of tokens [${B}, ${T}] of ${V}`, t => {
    const random = new Random(4);
    const ids = Int32Array.from({length: B * T}, () => random.integer(V));
    agree(t, ['LatentTokenLikelihood', 'LatentTokenLikelihoodGradient'], {
      inputs: {
        logits: random.stream('logits').normals([B, T, V]).mul(5),
        ids: tf.tensor2d(ids, [B, T], 'int32'),
      },
      differentiable: ['logits'],
      value: ({logits, ids}) =>
        negativeLogLikelihoodPerToken(logits as tf.Tensor3D, ids as tf.Tensor2D),
      tolerance: {atol: 2e-6, rtol: 2e-6},
    });
  });
}

test('the likelihood of tokens with logits a thousand apart', t => {
  agree(t, ['LatentTokenLikelihood'], {
    inputs: {
      logits: tf.tensor3d([1000, 0, -1000, -500, -500.5, 88, -1e30, 0, 1], [1, 3, 3]),
      ids: tf.tensor2d([2, 2, 0], [1, 3], 'int32'),
    },
    differentiable: ['logits'],
    value: ({logits, ids}) =>
      negativeLogLikelihoodPerToken(logits as tf.Tensor3D, ids as tf.Tensor2D),
    tolerance: {atol: 1e-6, rtol: 1e-6},
  });
});

test('a token that is none is refused, and said', t => {
  if (!nativeKernels().used) return t.skip('no own kernels here');
  const loss = compile(({logits, ids}: {logits: tf.Tensor3D; ids: tf.Tensor2D}) => ({
    nats: negativeLogLikelihoodPerToken(logits, ids),
  }));
  const logits = tf.zeros<tf.Rank.R3>([1, 2, 5]);
  for (const id of [7, -1]) {
    const ids = tf.tensor2d([0, id], [1, 2], 'int32');
    assert.throws(() => loss({logits, ids}), new RegExp(`an id is ${id}, and there are 5 logits`));
  }
});

const ATTENTIONS = [
  {B: 1, H: 1, Tq: 1, Tk: 1, Dh: 1},
  {B: 2, H: 3, Tq: 5, Tk: 4, Dh: 2, mask: [2, 1, 5, 4]},
  {B: 2, H: 2, Tq: 6, Tk: 9, Dh: 12, mask: [1, 1, 6, 9]},
  {B: 3, H: 2, Tq: 4, Tk: 17, Dh: 24, mask: [3, 1, 1, 17]},
  {B: 2, H: 2, Tq: 3, Tk: 3, Dh: 8, mask: [2, 2, 3, 1]},
  {B: 5, H: 3, Tq: 33, Tk: 40, Dh: 32, mask: [5, 1, 1, 40]},
] as const;

for (const size of ATTENTIONS) {
  test(`attention: ${Object.entries(size).flat().join(' ')}`, t => {
    const {B, H, Tq, Tk, Dh} = size;
    const random = new Random(9);
    const draw = (name: string, shape: readonly number[]) => {
      return random.stream(name).normals([...shape]);
    };
    const layer = new MultiHeadAttention({width: H * Dh, heads: H}, random.stream('layer'));
    const masks: NamedTensors =
      'mask' in size ? {mask: draw('mask', size.mask).greater(0.3).toFloat()} : {};
    agree(t, ['LatentAttention', 'LatentAttentionGradient'], {
      inputs: {
        query: draw('query', [B, Tq, H * Dh]),
        key: draw('key', [B, H, Tk, Dh]),
        value: draw('value', [B, H, Tk, Dh]),
        ...masks,
      },
      differentiable: ['query', 'key', 'value'],
      value: ({query, key, value, mask}) => {
        const to = {key: key as tf.Tensor4D, value: value as tf.Tensor4D};
        const hidden = mask as tf.Tensor4D | undefined;
        return layer.attend({query: query as tf.Tensor3D, to, mask: hidden}).output;
      },
      tolerance: {atol: 5e-6, rtol: 1e-5},
    });
    layer.dispose();
  });
}

test('a graph with the kernel of attention still gives its weights, with their gradient', t => {
  const layer = new MultiHeadAttention({width: 6, heads: 2}, new Random(1));
  agree(t, ['LatentAttention'], {
    inputs: {x: new Random(2).normals([2, 4, 6])},
    differentiable: ['x'],
    value: ({x}) => {
      const given = x as tf.Tensor3D;
      return layer.apply({query: given, key: given, value: given, mask: causalMask(4)}).weights;
    },
    tolerance: {atol: 1e-6, rtol: 1e-5},
  });
  layer.dispose();
});
