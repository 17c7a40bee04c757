import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {ready, tf} from 'latent-lib/tensor/tf';
import {compile} from 'latent-lib/tensor/compile';
import {Random} from 'latent-lib/tensor/random';
import {
  gaussianKernel,
  imqKernel,
  medianSquaredDistance,
  priorKernel,
  seedKernel,
  squaredDistances,
  type Kernel,
} from 'latent-lib/probability/kernels';
import {
  biasedMmd,
  infoVaeRegulariser,
  meanKernel,
  seedRegulariser,
  unbiasedMmd,
} from 'latent-lib/probability/mmd';
import {close} from '../helpers/close';
import {checkGradient} from '../helpers/gradient';
import {leavesNoTensor} from '../helpers/memory';
import {loadGolden, parity} from '../helpers/parity';

before(ready);

const kernels = (width: number): Record<string, Kernel> => ({
  seed: seedKernel(width),
  prior: priorKernel(width),
  imq: imqKernel(width),
});

const normals = (name: string, rows: number, width: number): tf.Tensor2D =>
  new Random(61).stream(name).normals([rows, width]);

const read = (scalar: tf.Tensor): number => tf.tidy(() => scalar.dataSync()[0] ?? NaN);

/** Mean, and standard deviation of one value. */
function spread(values: readonly number[]): {mean: number; deviation: number} {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return {mean, deviation: Math.sqrt(squares / (values.length - 1))};
}

test('a kernel, both estimates and the mean kernel worked out by hand', () => {
  const kernel = gaussianKernel(2);
  const x = tf.tensor2d([[0], [2]]);
  const y = tf.tensor2d([[1], [1], [3]]);
  const k = (squared: number): number => Math.exp(-squared / 2);
  close('falls', kernel.fall(tf.tensor2d([[0, 4]])), [[0, 1 - k(4)]], {atol: 1e-7});
  const ofY = (2 * k(0) + 4 * k(4)) / 6;
  const across = (5 * k(1) + k(9)) / 6;
  close('unbiased', unbiasedMmd(x, y, kernel), k(4) + ofY - 2 * across, {atol: 1e-6});
  const withSelf = (2 + 2 * k(4)) / 4 + (3 + 2 * k(0) + 4 * k(4)) / 9;
  close('biased', biasedMmd(x, y, kernel), withSelf - 2 * across, {atol: 1e-6});
  close('mean kernel', meanKernel(y, kernel), ofY, {atol: 1e-6});
});

test('IMQ at one scale is C / (C + r²), and several scales add up', () => {
  const squared = tf.tensor2d([[0, 4, 12]]);
  close('one', imqKernel(2, [1]).fall(squared), [[0, 0.5, 0.75]], {atol: 1e-6});
  const both = imqKernel(2, [1, 3]);
  close('two', both.fall(squared), [[0, 0.5 + 0.25, 0.75 + 0.5]], {atol: 1e-6});
  assert.equal(both.atZero, 2);
});

test('squared distances stand an offset, and repeated points have distance 0', () => {
  const x = normals('x', 6, 4);
  const far = squaredDistances(x.add(1000));
  close('far', far, squaredDistances(x), {atol: 3e-3});
  close(
    'diagonal',
    tf.tidy(() => squaredDistances(x).mul(tf.eye(6)).sum()),
    0,
    {atol: 1e-5},
  );
  const same = squaredDistances(tf.tile(x.slice([0, 0], [1, 4]), [5, 1]));
  close('same', same, tf.zeros([5, 5]), {atol: 0});
});

test('the median of the pairs by hand, and about 2D for the prior', () => {
  assert.equal(medianSquaredDistance(tf.tensor2d([[0], [1], [3]])), 4); // of 1, 4 and 9
  const median = medianSquaredDistance(normals('median', 400, 50));
  assert.ok(Math.abs(median - 100) < 3, `${median}`);
});

test('the unbiased estimate is 0 in the mean between equal distributions, and often below', () => {
  for (const [name, kernel] of Object.entries(kernels(4))) {
    const random = new Random(62).stream(name);
    const values = Array.from({length: 400}, () =>
      tf.tidy(() => read(unbiasedMmd(random.normals([12, 4]), random.normals([9, 4]), kernel))),
    );
    const {mean, deviation} = spread(values);
    const error = deviation / Math.sqrt(values.length);
    assert.ok(Math.abs(mean) < 4 * error, `${name}: ${mean} ± ${error}`);
    const negative = values.filter(value => value < 0).length / values.length;
    assert.ok(negative > 0.3 && negative < 0.8, `${name}: ${negative} below 0`);
  }
});

test('the biased estimate is never below 0, and its mean is the diagonal’s part', () => {
  const kernel = priorKernel(4);
  const random = new Random(63);
  const values = Array.from({length: 400}, () =>
    tf.tidy(() => read(biasedMmd(random.normals([12, 4]), random.normals([9, 4]), kernel))),
  );
  assert.ok(values.every(value => value >= 0));
  const {mean, deviation} = spread(values);
  const expected = (1 - (1 + 4 / 8) ** -2) * (1 / 12 + 1 / 9); // E k = (1 + 4/2σ²)^(−D/2)
  assert.ok(Math.abs(mean - expected) < (4 * deviation) / 20, `${mean}, want ${expected}`);
});

test('estimates do not depend on the order of rows, nor of the samples', () => {
  const [x, y] = [normals('x', 8, 3), normals('y', 5, 3).mul<tf.Tensor2D>(2)];
  const shuffled = tf.gather(x, tf.tensor1d(new Random(1).permutation(8), 'int32'));
  for (const [name, kernel] of Object.entries(kernels(3))) {
    // What cancels is rounded in proportion to its size, and a sum of seven kernels is seven times as large.
    const tolerance = {atol: 1e-6 * kernel.atZero};
    for (const estimate of [unbiasedMmd, biasedMmd]) {
      const value = estimate(x, y, kernel);
      close(`${name} shuffled`, estimate(shuffled, y, kernel), value, tolerance);
      close(`${name} swapped`, estimate(y, x, kernel), value, tolerance);
      close(`${name} with itself`, biasedMmd(x, shuffled, kernel), 0, tolerance);
    }
  }
});

test('estimates grow as a sample moves away', () => {
  const [x, y] = [normals('x', 200, 8), normals('y', 200, 8)];
  for (const [name, kernel] of Object.entries(kernels(8))) {
    const values = [0, 0.5, 1, 2].map(shift => read(unbiasedMmd(x.add(shift), y, kernel)));
    const rises = values.slice(1).every((value, index) => value > values[index]!);
    assert.ok(rises, `${name}: ${values.join()}`);
  }
});

/** Rows of seed-notes' study, 512 samples, one draw: [D, 2σ², mean k, to itself, to 0, to tanh]. */
const STUDY = [
  [2, 4, 0.505, 1.7e-3, 0.163, 3.1e-2],
  [32, 32 ** 2, 0.94, 3.4e-4, 1.1e-3, 6.0e-4],
  [32, 64, 0.382, 3.2e-3, 0.156, 4.7e-2],
  [77, 77 ** 2, 0.974, 1.1e-4, 2.3e-4, 1.4e-4],
  [77, 154, 0.371, 2.6e-3, 0.158, 4.8e-2],
  [768, 768 ** 2, 0.997, 9.8e-6, 6.7e-6, 7.7e-6],
  [768, 1536, 0.368, 2.4e-3, 0.156, 4.8e-2],
] as const;

test('the bandwidth study: at the seed’s width a constant code costs as little as the right one', () => {
  const samples = 512;
  for (const [width, twoVariance, ...published] of STUDY) {
    const kernel = gaussianKernel(twoVariance);
    const random = new Random(64).stream(`${width} ${twoVariance}`);
    const draw = (): tf.Tensor2D => random.normals([samples, width]);
    const draws = Array.from({length: 6}, () =>
      tf.tidy(() => {
        const [prior, origin] = [draw(), tf.zeros<tf.Rank.R2>([samples, width])];
        return [
          read(meanKernel(prior, kernel)),
          read(biasedMmd(prior, draw(), kernel)),
          read(biasedMmd(prior, origin, kernel)),
          read(biasedMmd(prior, draw().tanh(), kernel)),
        ];
      }),
    );
    const mean = (1 + 4 / twoVariance) ** (-width / 2); // E k between two draws of N(0, I)
    const toOrigin = mean + 1 - 2 * (1 + 2 / twoVariance) ** (-width / 2) + (1 - mean) / samples;
    const exact = [mean, (2 * (1 - mean)) / samples, toOrigin];
    published.forEach((value, column) => {
      const found = spread(draws.map(row => row[column]!));
      const where = `D ${width}, 2σ² ${twoVariance}, column ${column}`;
      // 0.6 of the last published digit, and what one draw varies by; 15 % where six draws say little
      const noise = 5 * found.deviation + 0.15 * Math.abs(value);
      const near = column === 0 ? 5 * found.deviation + 6e-4 : noise;
      assert.ok(Math.abs(value - found.mean) < near, `${where}: ${found.mean}, published ${value}`);
      const want = exact[column];
      if (want === undefined) return;
      const error = (5 * found.deviation) / Math.sqrt(draws.length) + 1e-3 * want;
      assert.ok(Math.abs(found.mean - want) < error, `${where}: ${found.mean}, exactly ${want}`);
    });
  }
});

test('a kernel that is 0.997 everywhere keeps its digits', () => {
  const [x, y] = [normals('x', 64, 768), normals('y', 64, 768)];
  const [left, right] = [x.arraySync(), y.arraySync()];
  const k = (a: number[], b: number[]): number =>
    Math.exp(-a.reduce((sum, value, at) => sum + (value - b[at]!) ** 2, 0) / 768 ** 2);
  const mean = (a: number[][], b: number[][]): number =>
    a.reduce((sum, row) => sum + b.reduce((inner, other) => inner + k(row, other), 0), 0) / 64 ** 2;
  const want = mean(left, left) + mean(right, right) - 2 * mean(left, right);
  close('biased', biasedMmd(x, y, seedKernel(768)), want, {atol: 1e-8, rtol: 1e-4});
});

test('the seed’s regulariser grows with tokens and shrinks with the batch', () => {
  const mmd = tf.scalar(0.5);
  close('reading left to right', seedRegulariser(mmd, 10, 5), 0.25, {atol: 1e-7});
  close('a batch of 70', seedRegulariser(mmd, 70, 5), 0.25 / 7, {atol: 1e-7});
});

test('InfoVAE holds the VAE and the MMD alone', () => {
  const terms = {kl: tf.tensor1d([1, 4]), mmd: tf.scalar(0.5)};
  close('VAE', infoVaeRegulariser(terms, {alpha: 0, lambda: 1}), [1, 4], {atol: 0});
  close('MMD', infoVaeRegulariser(terms, {alpha: 1, lambda: 10}), [5, 5], {atol: 1e-6});
  close('both', infoVaeRegulariser(terms, {alpha: 0.5, lambda: 2.5}), [1.5, 3], {atol: 1e-6});
});

test('gradients reach both samples', () => {
  const [x, y] = [normals('x', 4, 2), normals('y', 3, 2)];
  for (const kernel of Object.values(kernels(2))) {
    for (const estimate of [unbiasedMmd, biasedMmd]) {
      checkGradient(inputs => estimate(inputs.x as tf.Tensor2D, inputs.y as tf.Tensor2D, kernel), {
        x,
        y,
      });
    }
  }
});

test('a bandwidth that is an input changes a compiled estimate without another recording', () => {
  const [x, y] = [normals('x', 8, 3), normals('y', 8, 3).add<tf.Tensor2D>(1)];
  const estimate = compile((inputs: {x: tf.Tensor2D; y: tf.Tensor2D; twoVariance: tf.Scalar}) => ({
    mmd: unbiasedMmd(inputs.x, inputs.y, gaussianKernel(inputs.twoVariance)),
  }));
  for (const width of [1, 6, medianSquaredDistance(tf.concat2d([x, y], 0))]) {
    const want = unbiasedMmd(x, y, gaussianKernel(width));
    close(`width ${width}`, estimate({x, y, twoVariance: tf.scalar(width)}).mmd, want, {
      atol: 1e-6,
    });
  }
  assert.ok(estimate.recordings.length <= 1);
  estimate.dispose();
});

test('what cannot be compared is refused by name', () => {
  const [x, wide] = [tf.zeros<tf.Rank.R2>([3, 2]), tf.zeros<tf.Rank.R2>([3, 4])];
  const kernel = priorKernel(2);
  assert.throws(() => unbiasedMmd(x, wide, kernel), /y has shape \[3,4\], expected \[N,D\]/);
  assert.throws(() => biasedMmd(wide, x, kernel), /biasedMmd: y has shape \[3,2\]/);
  assert.throws(() => unbiasedMmd(x, tf.zeros([1, 2]), kernel), /samples of 3 and 1, expected two/);
  assert.throws(() => meanKernel(tf.zeros([1, 2]), kernel), /1 row/);
  assert.throws(() => medianSquaredDistance(tf.zeros([1, 2])), /1 row/);
  assert.throws(() => gaussianKernel(0), /twoVariance is 0/);
  assert.throws(() => imqKernel(2, []), /scales is empty/);
  assert.throws(() => imqKernel(2, [1, -1]), /a scale is -1/);
  assert.throws(() => seedKernel(NaN), /width is NaN/);
  const terms = {kl: tf.tensor1d([1]), mmd: tf.scalar(1)};
  assert.throws(() => infoVaeRegulariser(terms, {alpha: 0.2, lambda: 0.5}), /below 1/);
});

test('a second call leaves no tensor behind', async () => {
  const [x, y] = [normals('x', 4, 3), normals('y', 5, 3)];
  await leavesNoTensor(() => {
    medianSquaredDistance(x);
    return Object.values(kernels(3)).map(kernel => [
      unbiasedMmd(x, y, kernel),
      biasedMmd(x, y, kernel),
      meanKernel(x, kernel),
    ]);
  });
});

parity('MMD', loadGolden('mmd'), ({input, expected, setting}) => {
  const [x, y] = [input<tf.Tensor2D>('x'), input<tf.Tensor2D>('y')];
  const within = {atol: 1e-6, rtol: 1e-5};
  for (const [name, kernel] of Object.entries(kernels(6))) {
    close(`${name} mean`, meanKernel(x, kernel), expected(`${name} mean kernel`), within);
    for (const [kind, estimate] of Object.entries({biased: biasedMmd, unbiased: unbiasedMmd})) {
      close(`${name} ${kind}`, estimate(x, y, kernel), expected(`${name} ${kind}`), within);
      const gradients = tf.grads((...args: tf.Tensor[]) =>
        estimate(args[0] as tf.Tensor2D, args[1] as tf.Tensor2D, kernel),
      )([x, y]);
      const [dX, dY] = gradients as [tf.Tensor, tf.Tensor];
      close(`d ${name} ${kind} / d x`, dX, expected(`d ${name} ${kind} / d x`), within);
      close(`d ${name} ${kind} / d y`, dY, expected(`d ${name} ${kind} / d y`), within);
    }
  }
  const z = input<tf.Tensor3D>('z');
  const [batch, tokens, width] = z.shape;
  const seedLoss = (codes: tf.Tensor): tf.Scalar => {
    const rows = codes.reshape<tf.Tensor2D>([batch * tokens, width]);
    return seedRegulariser(biasedMmd(input('prior'), rows, seedKernel(width)), batch, tokens);
  };
  close('seed regulariser', seedLoss(z), expected('seed regulariser'), {atol: 1e-8, rtol: 1e-5});
  close('d seed / d z', tf.grad(seedLoss)(z), expected('d seed regulariser / d z'), within);
  const rows = z.reshape<tf.Tensor2D>([batch * tokens, width]);
  const mmd = unbiasedMmd(rows, input<tf.Tensor2D>('prior'), priorKernel(width));
  const weights = {alpha: setting('alpha'), lambda: setting('lambda')};
  const mix = infoVaeRegulariser({kl: input('kl'), mmd}, weights);
  close('InfoVAE', mix, expected('infoVae'), within);
  close('median', medianSquaredDistance(x), expected('median'), {atol: 1e-5});
});
