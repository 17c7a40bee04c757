import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {dropout} from 'latent-lib/layers/dropout';
import {compile} from 'latent-lib/tensor/compile';
import {Recorder} from 'latent-lib/tensor/graph-recorder';
import {simplify} from 'latent-lib/tensor/graph-simplify';
import {nativeBackend} from 'latent-lib/tensor/native-backend';
import {nativeKernels} from 'latent-lib/tensor/native-kernels';
import {Random} from 'latent-lib/tensor/random';
import {ready, tf} from 'latent-lib/tensor/tf';
import {close} from '../helpers/close';

before(ready);

const whereCompiled = {skip: !tf.findBackendFactory('tensorflow')};

/** How often each op is in the simplified graph of a function of x [3, 4], apart from constants. */
function operations(fn: (x: tf.Tensor2D) => tf.Tensor): Record<string, number> {
  const recorder = new Recorder(nativeBackend()!, 'test');
  const output = tf.tidy(() => {
    const x = recorder.input(tf.ones([3, 4]), 'x') as tf.Tensor2D;
    return recorder.output(recorder.record(() => fn(x)));
  });
  simplify(recorder.graph, [output]);
  const counts: Record<string, number> = {};
  for (const {op} of recorder.graph.nodes) counts[op] = (counts[op] ?? 0) + 1;
  recorder.release();
  return counts;
}

const slope = (fn: (x: tf.Tensor2D) => tf.Tensor) => (x: tf.Tensor2D) =>
  tf.grad(value => fn(value as tf.Tensor2D).square())(x);

test(
  'gradients of relu, sigmoid and tanh become the kernels that TensorFlow has',
  whereCompiled,
  () => {
    assert.equal(operations(slope(x => x.relu()))['ReluGrad'], 1);
    assert.equal(operations(slope(x => x.sigmoid()))['SigmoidGrad'], 1);
    assert.equal(operations(slope(x => x.tanh()))['TanhGrad'], 1);
  },
);

/** What a body gives with TensorFlow's kernels alone. */
function withoutOurs<T>(body: () => T): T {
  const before = process.env['LATENT_KERNELS'];
  process.env['LATENT_KERNELS'] = '0';
  try {
    return body();
  } finally {
    if (before === undefined) delete process.env['LATENT_KERNELS'];
    else process.env['LATENT_KERNELS'] = before;
  }
}

test('products that only look like those gradients are left alone', whereCompiled, () => {
  const alike = operations(x => {
    const y = x.sigmoid();
    return y
      .mul(tf.sub(2, y))
      .mul(x)
      .add(x.mul(tf.sub(1, x.square())));
  });
  assert.equal(alike['SigmoidGrad'], undefined);
  assert.equal(alike['TanhGrad'], undefined);
  const leaky = operations(x => x.mul(x.step(0.5)));
  assert.equal(leaky['ReluGrad'], undefined);
});

test(
  'matrices are multiplied as matrices, and a vector added to them is a bias',
  whereCompiled,
  () => {
    const found = operations(x => tf.matMul(x, tf.ones<tf.Rank.R2>([4, 2])).add(tf.ones([2])));
    assert.deepEqual([found['MatMul'], found['BiasAdd'], found['Add']], [1, 1, undefined]);
    const dense = (x: tf.Tensor2D) => tf.matMul(x, tf.ones<tf.Rank.R2>([4, 9])).add(tf.ones([9]));
    const theirs = withoutOurs(() => operations(x => dense(tf.tile(x, [4, 1])).relu()));
    assert.deepEqual([theirs['MatMul'], theirs['BiasAdd'], theirs['Relu']], [1, 1, 1]);
    const column = operations(x => tf.matMul(x, tf.ones<tf.Rank.R2>([4, 2])).add(tf.ones([3, 1])));
    assert.deepEqual([column['BiasAdd'], column['Add']], [undefined, 1]);
    const batched = operations(x => tf.matMul(tf.stack([x, x]), tf.ones<tf.Rank.R3>([2, 4, 2])));
    assert.deepEqual([batched['MatMul'], batched['BatchMatMulV2']], [undefined, 1]);
  },
);

test('a product of our own takes its bias and relu with it', whereCompiled, t => {
  if (!nativeKernels().multiplies) return t.skip('no own products here');
  const weight = tf.ones<tf.Rank.R2>([4, 9]);
  const product = (x: tf.Tensor2D) => tf.matMul(tf.tile(x, [4, 1]), weight);
  const found = operations(x =>
    product(x)
      .add(tf.ones([9]))
      .relu(),
  );
  const {LatentMatMul, MatMul, BiasAdd, Relu} = found;
  assert.deepEqual([LatentMatMul, MatMul, BiasAdd, Relu], [1, undefined, undefined, undefined]);
  const shared = operations(x => {
    const sum = product(x);
    return sum.mul(sum.add(tf.ones([9])));
  });
  assert.equal(shared['LatentMatMul'], 2, 'also read without its bias');
  // The second matrix has the shape of the sum: it must not be taken for what the first product starts from.
  const square = tf.fill<tf.Rank.R2>([16, 16], 0.5);
  const chain = compile(({x}: {x: tf.Tensor2D}) => ({
    y: tf.matMul(tf.matMul(x, square), square).add(tf.ones([16])),
  }));
  assert.deepEqual(new Set(chain({x: tf.ones([16, 16])}).y.dataSync()), new Set([65]));
  chain.dispose();
  square.dispose();
  const twice = operations(x =>
    product(x)
      .add(tf.ones([9]))
      .add(tf.ones([9])),
  );
  assert.deepEqual([twice['LatentMatMul'], twice['Add']], [1, 1], 'there is one bias');
  const step = operations(x => tf.grad(y => product(y as tf.Tensor2D).relu())(x));
  // The gradient has four columns, too few for ours.
  assert.deepEqual([step['ReluGrad'], step['LatentMatMul'], step['MatMul']], [1, 1, 1]);
  const thin = operations(x => tf.matMul(x, weight));
  assert.deepEqual([thin['MatMul'], thin['LatentMatMul']], [1, undefined], 'three rows');
  weight.dispose();
});

test('backwards it takes relu, sums of gradients and the gradient of a bias', whereCompiled, t => {
  if (!nativeKernels().multiplies) return t.skip('no own products here');
  const draw = (name: string, shape: number[]) =>
    new Random(3).stream(name).normals(shape).mul(0.3);
  const inputs = {
    x: draw('x', [2, 10, 16]),
    ...Object.fromEntries(['q', 'k', 'v'].map(name => [name, draw(name, [16, 24])])),
    b: draw('b', [24]), // of two layers
    c: draw('c', [24]),
    w: draw('w', [24, 9]),
    seed: tf.tensor1d([3, 4], 'int32'),
  } as Record<string, tf.Tensor>;
  const loss = (...[x, q, k, v, b, c, w]: tf.Tensor[]) => {
    const rows = x!.reshape([20, 16]);
    const hidden = (weight?: tf.Tensor, bias?: tf.Tensor) =>
      tf.matMul(rows, weight!).add(bias!).relu();
    const [first, second, third] = [hidden(q, b), hidden(k, b), hidden(v, c)];
    const y = tf.matMul(first, w!).mul(tf.matMul(second, w!)).sub(tf.matMul(third, w!));
    return y.square().mean().add(x!.square().mean()).asScalar();
  };
  const names = ['x', 'q', 'k', 'v', 'b', 'c', 'w'] as const;
  const step = (given: Record<string, tf.Tensor>): Record<string, tf.Tensor> => {
    const gradients = tf.grads(loss)(names.map(name => given[name]!));
    const past = given['x']!.add(dropout(given['x']!, 0.4, given['seed'] as tf.Tensor1D));
    return {...Object.fromEntries(names.map((name, which) => [name, gradients[which]!])), past};
  };
  const recorded = operations(() => tf.addN(Object.values(step(inputs)).map(value => value.sum())));
  assert.equal(recorded['ReluGrad'], undefined);
  assert.equal(recorded['BiasAddGrad'], 1, 'the sum of two was made before the second product');
  assert.equal(recorded['LatentDropout'], 1);
  const compiled = compile(step);
  const [got, want] = [compiled(inputs), tf.tidy(() => step(inputs))];
  for (const [name, tensor] of Object.entries(want)) {
    close(name, got[name]!, tensor, {atol: 1e-6, rtol: 1e-5});
  }
  compiled.dispose();
  tf.dispose([got, want, inputs]);
});

test('what no output needs is dropped, but not what is fed', whereCompiled, () => {
  const found = operations(x => {
    x.exp();
    return tf.ones([2]);
  });
  assert.deepEqual([found['Exp'], found['Placeholder']], [undefined, 1]);
});

test('reshapes and casts that change nothing are gone', whereCompiled, () => {
  const found = operations(x =>
    x.reshape([12]).reshape([2, 6]).reshape([2, 6]).cast('float32').exp(),
  );
  const {Reshape, Cast, Exp} = found;
  assert.deepEqual([Cast, Exp], [undefined, 1]);
  assert.equal(Reshape, 1, 'of [2, 6]: nobody reads that of [12]');
});

test('sums over all axes but the last become the gradient of a bias', whereCompiled, () => {
  assert.equal(operations(x => x.sum(0))['BiasAddGrad'], 1);
  assert.equal(operations(x => tf.stack([x, x]).sum([0, 1]))['BiasAddGrad'], 1);
  const others = [
    (x: tf.Tensor2D) => x.sum(1),
    (x: tf.Tensor2D) => x.sum(),
    (x: tf.Tensor2D) => x.sum(0, true),
    (x: tf.Tensor2D) => x.toInt().sum(0),
    (x: tf.Tensor2D) => x.reshape([12]).sum(0),
    (x: tf.Tensor2D) => tf.stack([x, x]).sum(0),
  ];
  for (const sum of others) {
    const {Sum, BiasAddGrad} = operations(sum);
    assert.deepEqual([Sum, BiasAddGrad], [1, undefined], String(sum));
  }
});

test(
  'large ones from outside are filled, so that a gradient of relu is known there too',
  whereCompiled,
  () => {
    const large = (x: tf.Tensor2D) => tf.tile(x, [100, 700]); // [300, 2800]: more than a constant may have
    const found = operations(x => tf.grad(y => (y as tf.Tensor2D).relu())(large(x)));
    assert.equal(found['ReluGrad'], 1);
    const outside = tf.range(0, 300_000).reshape<tf.Tensor2D>([300, 1000]);
    const fed = operations(x => tf.tile(x, [100, 250]).add(outside));
    assert.deepEqual([fed['Placeholder'], fed['Fill']], [2, undefined]);
    outside.dispose();
  },
);

test('few rows times a large matrix are a kernel of our own, and equal', whereCompiled, t => {
  if (!nativeKernels().used) return t.skip('no own kernels here');
  const sizes = [
    [1, 16, 3001],
    [4, 33, 2050],
    [3, 1, 40_000],
  ] as const;
  for (const [rows, inner, columns] of sizes) {
    const random = new Random(rows);
    const matrix = random.stream('matrix').normals<tf.Rank.R2>([inner, columns]);
    const x = random.stream('x').normals<tf.Rank.R2>([rows, inner]);
    const bias = random.stream('bias').normals<tf.Rank.R1>([columns]);
    const products = ({x}: {x: tf.Tensor2D}) => {
      const product = tf.matMul(x, matrix);
      const chances = (x: tf.Tensor2D) => tf.matMul(x, matrix).add(bias).sigmoid();
      const gradient = tf.grad(x => chances(x as tf.Tensor2D))(x);
      return {
        product,
        chances: chances(x),
        back: tf.matMul(product, matrix, false, true),
        gradient,
      };
    };
    const compiled = compile(products);
    const [got, want] = [compiled({x}), tf.tidy(() => products({x}))];
    for (const [name, tensor] of Object.entries(want)) {
      // Sums of as many random numbers grow with their root.
      const atol = name === 'back' ? 1e-6 * columns : 1e-4;
      close(`${rows} rows, ${name}`, got[name as keyof typeof got], tensor, {atol, rtol: 1e-5});
    }
    compiled.dispose();
    bias.dispose();
    tf.dispose([matrix, x, got, want]);
  }
  const wide = tf.ones<tf.Rank.R2>([4, 10_000]);
  const thin = operations(x => tf.matMul(x, wide));
  assert.deepEqual([thin['LatentThinProduct'], thin['MatMul']], [1, undefined]);
  const whole = operations(x =>
    tf
      .matMul(x, wide)
      .add(tf.ones([10_000]))
      .sigmoid()
      .matMul<tf.Tensor2D>(wide, false, true),
  );
  assert.deepEqual(
    [whole['LatentThinProduct'], whole['Sigmoid'], whole['BiasAdd']],
    [2, undefined, undefined],
  );
  const small = operations(x => tf.matMul(x, tf.ones<tf.Rank.R2>([4, 100])));
  assert.deepEqual([small['LatentThinProduct'], small['MatMul']], [undefined, 1]);
  const tall = operations(x => tf.matMul(tf.tile(x, [2, 1]), wide));
  assert.equal(tall['MatMul'], 1);
  wide.dispose();
});
