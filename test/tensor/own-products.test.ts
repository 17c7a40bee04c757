/** Our own products of matrices against TensorFlow's, at any size, and on one core as on two. */
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import path from 'node:path';
import {before, test} from 'node:test';
import {compile} from 'latent-lib/tensor/compile';
import {suitsOwnProducts} from 'latent-lib/tensor/kernel-files';
import {nativeKernels} from 'latent-lib/tensor/native-kernels';
import {Random} from 'latent-lib/tensor/random';
import {ready, tf} from 'latent-lib/tensor/tf';
import {close} from '../helpers/close';

before(ready);

// Rows, inner and columns: tiles of 6, 4, 2 and 1 rows, panels that are not full, depths above 256.
const SIZES = [
  [8, 1, 8],
  [13, 7, 17],
  [16, 256, 16],
  [19, 257, 40],
  [97, 300, 130],
  [200, 64, 500],
  [512, 600, 16],
] as const;

for (const [rows, inner, columns] of SIZES) {
  const name = `[${rows}, ${inner}] times [${inner}, ${columns}]`;
  test(`a product ${name}, its bias and relu, and their gradients`, t => {
    if (!nativeKernels().multiplies) return t.skip('no own products here');
    const random = new Random(rows);
    const draw = (name: string, shape: number[]) => random.stream(name).normals(shape);
    const inputs = {
      x: draw('x', [rows, inner]) as tf.Tensor2D,
      w: draw('w', [inner, columns]) as tf.Tensor2D,
      b: draw('b', [columns]),
      weighing: draw('weighing', [rows, columns]),
    };
    const layer = ({x, w, b, weighing}: typeof inputs) => {
      const sum = (...[x, w, b]: tf.Tensor[]) => {
        const rectified = tf.matMul(x!, w!).add(b!).relu();
        const transposed = tf.matMul(w!, x!, true, true).add(1).relu();
        return rectified.mul(weighing).sum().add(transposed.mul(weighing.transpose()).sum());
      };
      const [dx, dw, db] = tf.grads(sum)([x, w, b]);
      return {
        plain: tf.matMul(x, w),
        rectified: tf.matMul(x, w).add(b).relu(),
        dx: dx!,
        dw: dw!,
        db: db!,
      };
    };
    const compiled = compile(layer);
    const [got, want] = [compiled(inputs), tf.tidy(() => layer(inputs))];
    const atol = 1e-6 * (10 + Math.max(inner, columns, rows));
    for (const [name, tensor] of Object.entries(want)) {
      close(name, got[name as keyof typeof got], tensor, {atol, rtol: 1e-5});
    }
    compiled.dispose();
    tf.dispose([got, want, inputs]);
  });
}

test('a product of nothing is its bias, and NaN and infinity go through', t => {
  if (!nativeKernels().multiplies) return t.skip('no own products here');
  const layer = compile(({x, w}: {x: tf.Tensor2D; w: tf.Tensor2D}) => ({
    y: tf.matMul(x, w).add(tf.ones([9])),
    positive: tf.matMul(x, w).relu(),
  }));
  const nothing = layer({x: tf.zeros([10, 0]), w: tf.zeros([0, 9])});
  assert.deepEqual(new Set(nothing.y.dataSync()), new Set([1]));
  const x = tf.fill<tf.Rank.R2>([8, 2], 1);
  const w = tf.tensor2d(
    [NaN, Infinity, -Infinity, 1, 1, 1, 1, 1, 1, ...new Array<number>(9).fill(0)],
    [2, 9],
  );
  const {y, positive} = layer({x, w});
  assert.deepEqual([...y.dataSync()].slice(0, 4), [NaN, Infinity, -Infinity, 2]);
  assert.deepEqual([...positive.dataSync()].slice(0, 4), [NaN, Infinity, 0, 1]);
  layer.dispose();
});

test('one core and two give the same bits', t => {
  if (!nativeKernels().multiplies) return t.skip('no own products here');
  const script = path.join(__dirname, '..', 'helpers', 'training-bits.js');
  const bits = ['1', ''].map(threads => {
    const env = {...process.env, LATENT_THREADS: threads};
    if (threads === '') delete (env as NodeJS.ProcessEnv)['LATENT_THREADS'];
    return execFileSync(process.execPath, [script], {env, encoding: 'utf8'});
  });
  assert.match(bits[0]!, /^[0-9a-f]{64}$/);
  assert.equal(bits[0], bits[1]);
});

test('they suit AVX2 without AVX-512, and no processor that nobody describes', () => {
  const line = (flags: string) => `processor\t: 0\nflags\t\t: fpu ${flags} sse\nbugs\t\t:\n`;
  assert.equal(suitsOwnProducts(line('fma avx2')), true);
  assert.equal(suitsOwnProducts(line('fma avx2 avx512f')), false);
  assert.equal(suitsOwnProducts(line('avx2')), false);
  assert.equal(suitsOwnProducts(''), false);
});
