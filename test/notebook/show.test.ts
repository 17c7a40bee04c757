import test, {before} from 'node:test';
import assert from 'node:assert/strict';
import pl from 'nodejs-polars';
import {ready, tf} from 'latent-lib/tensor/tf';
import {display, inKernel, LiveDisplay} from 'latent-lib/notebook/display';
import {bundleOf, show, showFigure} from 'latent-lib/notebook/show';
import {line} from 'latent-lib/plot/charts';
import {inCell, inTerminal} from './fake-kernel';

before(ready);

const text = (value: unknown, title?: string) => bundleOf(value, title)['text/plain'];

test('a tensor is shown by shape, type, range and aligned values', () => {
  const tensor = tf.tensor2d([
    [1, -2.5],
    [0.25, 10],
  ]);
  assert.equal(
    text(tensor, 'latents'),
    'latents   [2, 2] float32   min -2.5, mean 2.188, max 10\n' +
      '[[ 1.00, -2.50],\n [ 0.25, 10.00]]',
  );
  tensor.dispose();
});

test('whole numbers, truth values, texts and scalars have their own form', () => {
  assert.equal(
    text(tf.tensor1d([1, 20], 'int32')),
    '[2] int32   min 1, mean 10.5, max 20\n[ 1, 20]',
  );
  assert.match(text(tf.tensor1d([true, false])), /\[2\] bool {3}\n\[ true, false\]/);
  assert.match(text(tf.tensor1d(['a', 'b'])), /\["a", "b"\]/);
  assert.equal(text(tf.scalar(0.5)), '[] float32   0.5');
  assert.match(text(tf.tensor1d([NaN, 1, Infinity])), /min 1, mean 1, max 1 {3}2 not finite/);
  assert.equal(text(tf.zeros([0, 3])), '[0, 3] float32   empty');
});

test('the middle of a long tensor is left out, and depth is kept', () => {
  const shown = text(tf.range(0, 4000).reshape([10, 20, 20]));
  assert.ok(shown.split('\n').length < 35);
  assert.match(shown, /^\[10, 20, 20\] float32 {3}min 0, mean 2000, max 3999/);
  assert.match(shown, /^\[\[\[ {3}0\.0/m);
  assert.match(shown, /…/);
});

test('very small and very large values together are written with exponents', () => {
  assert.match(text(tf.tensor1d([1e-6, 1])), /1\.0000e-6, 1\.0000e\+0/);
});

test('a disposed tensor says so instead of failing', () => {
  const tensor = tf.scalar(1);
  tensor.dispose();
  assert.match(text(tensor), /disposed/);
});

test('a record of tensors is shown by name; showing leaves no tensor behind', () => {
  const mean = tf.scalar(1);
  const before = tf.memory().numTensors;
  assert.equal(text({mean, logVar: mean}), 'mean   [] float32   1.0\nlogVar   [] float32   1.0');
  assert.equal(tf.memory().numTensors, before);
});

test('records become a table with units, common decimals and numbers to the right', () => {
  const rows = [
    {model: 'β = 1', elbo: -104.21, steps: 10},
    {model: '<b>', elbo: -1.5, steps: 2000},
  ];
  const bundle = bundleOf(rows, 'Models', {units: {elbo: 'nats'}});
  assert.equal(
    bundle['text/plain'],
    'Models\nmodel  elbo [nats]  steps\n─────  ───────────  ─────\n' +
      'β = 1       -104.2     10\n<b>           -1.5   2000',
  );
  const html = String(bundle['text/html']);
  assert.match(html, /elbo<br><small>nats<\/small>/);
  assert.match(html, /<td style="text-align:right">-104\.2<\/td>/);
  assert.match(html, /&lt;b&gt;/);
});

test('a polars DataFrame is a table; a long one keeps both ends', () => {
  const frame = pl.DataFrame({
    step: Array.from({length: 50}, (_, n) => n),
    kl: new Array(50).fill(0.5),
  });
  const bundle = bundleOf(frame, undefined, {rows: 6});
  const lines = bundle['text/plain'].split('\n');
  assert.equal(lines.length, 2 + 7 + 1);
  assert.match(bundle['text/plain'], /^ {3}0 {2}0\.5000$/m);
  assert.match(bundle['text/plain'], /^ {2}49 {2}0\.5000$/m);
  assert.equal(lines.at(-1), '50 rows, 2 columns');
});

test('plain values are shown as they are; nested numbers like tensors', () => {
  assert.equal(text('a sentence'), 'a sentence');
  assert.equal(
    text([
      [1, 2],
      [3, 4],
    ]),
    '[2, 2] int32   min 1, mean 2.5, max 4\n[[1, 2],\n [3, 4]]',
  );
  assert.match(text(Float32Array.of(0.5, 1)), /^\[2\] float32/);
  assert.match(text({seed: 7, rate: 0.001}), /seed {2}7\nrate {2}0\.001/);
  assert.equal(text(undefined), 'undefined');
});

test('outside a kernel the plain text is printed, inside it is sent', async () => {
  assert.equal(inKernel(), false);
  assert.equal(await inTerminal(() => show('hello')), 'hello\n');
  const [sent] = await inCell(() => show('hello'));
  assert.deepEqual(sent, {
    ...{data: {'text/plain': 'hello'}, metadata: {}, transient: {}, update: false},
  });
});

test('a figure goes out once, as plotly, picture and text', async () => {
  const figure = line([{name: 'a', y: [1, 2]}], {title: 'A line', x: 'x', y: 'y'});
  const sent = await inCell(() => showFigure(figure));
  assert.equal(sent.length, 1);
  const {data, metadata} = sent[0]!;
  assert.deepEqual(Object.keys(data), [
    'application/vnd.plotly.v1+json',
    'image/png',
    'text/plain',
  ]);
  assert.equal(Buffer.from(String(data['image/png']), 'base64').toString('latin1', 1, 4), 'PNG');
  assert.deepEqual(metadata, {'image/png': {width: 640, height: 360, alt: figure.alt}});
  assert.equal(await inTerminal(() => showFigure(figure)), `${figure.alt}\n`);
  assert.throws(() => show(figure), /await showFigure\(figure\)/);
});

test('a live display replaces itself in a notebook and prints its end in a terminal', async () => {
  const sent = await inCell(() => {
    const place = new LiveDisplay();
    for (const state of ['one', 'two']) place.update({'text/plain': state});
    place.finish({'text/plain': 'end'});
    display({'text/plain': 'other'});
  });
  assert.deepEqual(
    sent.map(({update}) => update),
    [false, true, true, false],
  );
  const ids = sent.map(({transient}) => transient.display_id);
  assert.ok(ids[0] !== undefined && ids[0] === ids[1] && ids[1] === ids[2]);
  assert.equal(ids[3], undefined);
  const printed = await inTerminal(() => {
    const place = new LiveDisplay();
    place.update({'text/plain': 'one'});
    place.finish({'text/plain': 'end'});
  });
  assert.equal(printed, 'end\n');
});
