import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {
  countedTokens,
  negativeLogLikelihoodPerToken,
  smoothedTokenCrossEntropy,
  tokenNegativeLogLikelihood,
} from 'latent-lib/probability/categorical';
import {compile} from 'latent-lib/tensor/compile';
import {Random} from 'latent-lib/tensor/random';
import {ready, tf} from 'latent-lib/tensor/tf';
import {close} from '../helpers/close';
import {checkGradient} from '../helpers/gradient';
import {leavesNoTensor} from '../helpers/memory';
import {loadGolden, parity} from '../helpers/parity';

before(ready);

const ids = (rows: number[][]) => tf.tensor2d(rows, undefined, 'int32');

parity('token likelihood', loadGolden('text'), ({input, expected, setting}) => {
  const [logits, large] = [input<tf.Tensor3D>('logits'), input<tf.Tensor3D>('large')];
  const [tokens, counted] = [input<tf.Tensor2D>('ids'), input<tf.Tensor2D>('counted')];
  close('counted', countedTokens(tokens), counted, {atol: 0});
  const perToken = negativeLogLikelihoodPerToken(logits, tokens);
  close('perToken', perToken, expected('perToken'), {atol: 2e-6, rtol: 1e-6});
  const losses: Record<string, [tf.Tensor3D, (at: tf.Tensor3D) => tf.Tensor1D]> = {
    nll: [logits, at => tokenNegativeLogLikelihood(at, tokens, counted)],
    nllOfAll: [logits, at => tokenNegativeLogLikelihood(at, tokens)],
    nllOfLarge: [large, at => tokenNegativeLogLikelihood(at, tokens, counted)],
    smoothed: [logits, at => smoothedTokenCrossEntropy(at, tokens, setting('smoothing'), counted)],
  };
  for (const [name, [at, loss]] of Object.entries(losses)) {
    close(name, loss(at), expected(name), {atol: 2e-6, rtol: 1e-6});
    const gradient = tf.grad((x: tf.Tensor) => loss(x as tf.Tensor3D))(at, input('upstream'));
    close(`d ${name}`, gradient, expected(`d ${name}`), {atol: 2e-6, rtol: 1e-6});
  }
});

test('V equal logits cost log V a token, counted tokens only', () => {
  const logits = tf.zeros<tf.Rank.R3>([2, 3, 7]);
  const tokens = ids([
    [1, 5, 2],
    [6, 2, 0],
  ]);
  const nll = tokenNegativeLogLikelihood(logits, tokens, countedTokens(tokens));
  close('nll', nll, [3 * Math.log(7), 2 * Math.log(7)], {atol: 1e-6});
});

test('probabilities of all tokens add up to one, whatever the logits', () => {
  const logits = new Random(1).normals<tf.Rank.R3>([1, 1, 5]).mul<tf.Tensor3D>(10);
  const each = Array.from({length: 5}, (_, id) => {
    return Math.exp(-tokenNegativeLogLikelihood(logits, ids([[id]])).dataSync()[0]!);
  });
  assert.ok(Math.abs(each.reduce((sum, p) => sum + p, 0) - 1) < 1e-6);
});

test('a constant added to the logits changes nothing', () => {
  const logits = new Random(2).normals<tf.Rank.R3>([2, 2, 4]);
  const tokens = ids([
    [0, 3],
    [1, 2],
  ]);
  const moved = tokenNegativeLogLikelihood(logits.add(100), tokens);
  close('nll', moved, tokenNegativeLogLikelihood(logits, tokens), {atol: 2e-5});
});

test('smoothing 0 is the likelihood, smoothing 1 asks for no token in particular', () => {
  const logits = new Random(3).normals<tf.Rank.R3>([2, 2, 4]);
  const [one, other] = [ids([[0, 3], [1, 2]]), ids([[1, 1], [0, 3]])]; // prettier-ignore
  const at = (tokens: tf.Tensor2D, smoothing: number) =>
    smoothedTokenCrossEntropy(logits, tokens, smoothing);
  close('no smoothing', at(one, 0), tokenNegativeLogLikelihood(logits, one), {atol: 1e-6});
  close('all smoothing', at(one, 1), at(other, 1), {atol: 2e-6});
});

test('gradients are what finite differences give', () => {
  const tokens = ids([[2, 0, 1]]);
  const counted = tf.tensor2d([[1, 1, 0]]);
  const logits = new Random(4).normals([1, 3, 4]);
  checkGradient(({logits}) => tokenNegativeLogLikelihood(logits as tf.Tensor3D, tokens, counted), {
    logits,
  });
  checkGradient(({logits}) => smoothedTokenCrossEntropy(logits as tf.Tensor3D, tokens, 0.3), {
    logits,
  });
});

test('a compiled loss and its gradient are the eager ones', () => {
  const random = new Random(5);
  const loss = ({logits, tokens}: {logits: tf.Tensor3D; tokens: tf.Tensor2D}) => {
    const counted = countedTokens(tokens);
    const {value, grad} = tf.valueAndGrad((at: tf.Tensor) =>
      tokenNegativeLogLikelihood(at as tf.Tensor3D, tokens, counted),
    )(logits, tf.ones([2]));
    return {value, grad};
  };
  const compiled = compile(loss);
  for (const rows of [
    [
      [1, 2, 0],
      [3, 0, 0],
    ],
    [
      [4, 4, 4],
      [2, 1, 0],
    ],
  ]) {
    // prettier-ignore
    const inputs = {logits: random.normals<tf.Rank.R3>([2, 3, 5]), tokens: ids(rows)};
    const [got, want] = [compiled(inputs), loss(inputs)];
    close('value', got.value, want.value, {atol: 1e-6});
    close('gradient', got.grad, want.grad, {atol: 1e-6});
  }
  compiled.dispose();
});

test('a second step leaves no tensor behind', async () => {
  const logits = new Random(6).normals<tf.Rank.R3>([2, 3, 5]);
  const tokens = ids([
    [1, 2, 0],
    [3, 0, 0],
  ]);
  const counted = countedTokens(tokens);
  await leavesNoTensor(() => tokenNegativeLogLikelihood(logits, tokens, counted));
  await leavesNoTensor(() => smoothedTokenCrossEntropy(logits, tokens, 0.1, counted));
  const gradient = tf.grad((at: tf.Tensor) =>
    tokenNegativeLogLikelihood(at as tf.Tensor3D, tokens, counted),
  );
  await leavesNoTensor(() => gradient(logits));
});

test('shapes, dtypes and shares that do not fit are refused by name', () => {
  const logits = tf.zeros<tf.Rank.R3>([2, 3, 5]);
  const tokens = ids([
    [1, 2, 0],
    [3, 0, 0],
  ]);
  assert.throws(
    () => tokenNegativeLogLikelihood(logits, ids([[1, 2]])),
    /tokenNegativeLogLikelihood: ids has shape \[1,2\], expected \[B,T\]/,
  );
  assert.throws(() => tokenNegativeLogLikelihood(logits, tokens.toFloat()), /ids are float32/);
  assert.throws(
    () => tokenNegativeLogLikelihood(logits, tokens, tf.ones([2, 1])),
    /counted has shape \[2,1\]/,
  );
  assert.throws(() => smoothedTokenCrossEntropy(logits, tokens, 1.5), /smoothing is 1.5/);
});
