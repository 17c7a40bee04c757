import test from 'node:test';
import assert from 'node:assert/strict';
import {bars, histogram, line, scatter, spectrum} from 'latent-lib/plot/charts';
import {attentionHeatmap, matrices, matrix} from 'latent-lib/plot/matrices';
import {rateDistortion} from 'latent-lib/plot/rate-distortion';
import {signalPanels, signals} from 'latent-lib/plot/signals';
import {colourOf, COLOURS, figure} from 'latent-lib/plot/theme';
import {Random} from 'latent-lib/tensor/random';
import {assertFigure} from './figures';

const named = {title: 'A title', x: 'step', y: 'KL', yUnit: 'nats'};

test('axes carry names and units, legends come with a second series', () => {
  const one = assertFigure(line([{name: 'kl', y: [1, 2]}], named));
  assert.deepEqual(one.layout['yaxis']?.['title'], {text: 'KL [nats]', standoff: 8});
  assert.equal(one.layout['showlegend'], false);
  const two = assertFigure(
    line(
      [
        {name: 'a', y: [1]},
        {name: 'b', y: [2]},
      ],
      named,
    ),
  );
  assert.equal(two.layout['showlegend'], true);
});

test('a legend of many entries has the room that it takes', () => {
  const named = (count: number) =>
    Array.from({length: count}, (_, n) => ({name: `published run ${n}`, y: [1, 2]}));
  const top = (count: number) => {
    const {layout} = assertFigure(line(named(count), {title: 'Runs', x: 'step', y: 'loss'}));
    return layout['margin']?.['t'] as number;
  };
  assert.ok(top(1) < top(2) && top(2) < top(8) && top(8) < top(12));
});

test('what is not finite becomes a gap, and does not move the axis', () => {
  const {data} = assertFigure(line([{name: 'a', y: [1, NaN, Infinity, 2]}], named));
  assert.deepEqual(data[0]?.['y'], [1, null, null, 2]);
});

test('a histogram is a density: its bars sum to one', () => {
  const random = new Random(1);
  const values = Array.from({length: 500}, () => random.normal());
  const {data} = assertFigure(histogram([{name: 'prior', values}], {title: 'Draws', x: 'z'}));
  const [x, y] = [data[0]!['x'] as number[], data[0]!['y'] as number[]];
  const area = y.reduce((sum, height) => sum + height, 0) * (x[1]! - x[0]!);
  assert.ok(Math.abs(area - 1) < 0.01, String(area));
});

test('bars, points and spectra are valid figures', () => {
  assertFigure(bars(['a', 'b'], [{name: 'obtained', y: [1, 2]}], {...named, x: 'model'}));
  assertFigure(scatter([{name: 'a', x: [1, 2], y: [3, 4]}], named));
  const power = assertFigure(
    spectrum([0, 0.1], [{name: 'data', y: [1, 2]}], {title: 'Power', yLog: true}),
  );
  assert.equal(power.layout['yaxis']?.['type'], 'log');
  assert.throws(() => bars(['a'], [{name: 'b', y: [1, 2]}], named), /2 values for 1 names/);
  const spread = assertFigure(bars(['a', 'b'], [{name: 'c', y: [1, 2], errors: [0.1, 0]}], named));
  assert.deepEqual((spread.data[0]!['error_y'] as {array: number[]}).array, [0.1, 0]);
  const short = [{name: 'c', y: [1, 2], errors: [0.1]}];
  assert.throws(() => bars(['a', 'b'], short, named), /c has 1 errors for 2 names/);
  assert.throws(() => line([{name: 'b', x: [1], y: [1, 2]}], named), /1 x and 2 y/);
  assert.throws(() => line([], named), /no series/);
});

test('matrices share one colour scale, centred on zero when signs differ', () => {
  const panels = [
    {name: 'ordinary', values: [[-1, 2]]},
    {name: 'generated', values: [[0.5, -4]]},
  ];
  const {data} = assertFigure(matrices(panels, {title: 'Weights'}));
  assert.deepEqual(
    data.map(({zmin, zmax, showscale}) => [zmin, zmax, showscale]),
    [
      [-4, 4, false],
      [-4, 4, undefined],
    ],
  );
  const positive = assertFigure(matrix([[0.2, 1]], {title: 'Kernel matrix'}));
  assert.equal(positive.data[0]?.['zmin'], 0.2);
  assert.throws(() => matrices([], {title: 'None'}), RangeError);
});

test('attention has tokens on both axes and refuses a wrong number of them', () => {
  const weights = [
    [1, 0],
    [0.25, 0.75],
  ];
  const options = {title: 'Attention', queries: ['a', 'b'], keys: ['a', 'b']};
  const {layout} = assertFigure(attentionHeatmap(weights, options));
  assert.deepEqual(layout['xaxis']?.['ticktext'], ['a', 'b']);
  assert.match(attentionHeatmap(weights, options).alt, /b → b 0\.75/);
  assert.throws(() => attentionHeatmap([[1]], options), /weights \[1,1\] for 2 queries/);
});

test('a band lies between low and high, around its signal', () => {
  const {data} = assertFigure(
    signals([{name: 'reconstruction', values: [1, 2], low: [0, 1], high: [2, 3]}], {title: 'Band'}),
  );
  assert.deepEqual(data[0]?.['y'], [2, 3, 1, 0]);
  assert.deepEqual(data[1]?.['y'], [1, 2]);
  assert.throws(() => signals([{name: 'a', values: [1]}], {title: 'No', time: [0, 1]}), RangeError);
});

test('panels of signals share the legend and the value axis', () => {
  const panel = (name: string) => ({name, signals: [{name: 'data', values: [0, 1]}]});
  const {data, layout} = assertFigure(
    signalPanels([panel('a'), panel('b'), panel('c'), panel('d')], {title: 'Four signals'}),
  );
  assert.deepEqual(
    data.map(trace => trace['showlegend']),
    [true, false, false, false],
  );
  assert.equal(layout['yaxis4']?.['matches'], 'y');
});

test('the best bound in the rate-distortion plane is named', () => {
  const points = [
    {name: 'β = 1', rate: 20, distortion: 82},
    {name: 'β = 4', rate: 8, distortion: 110},
  ];
  assertFigure(rateDistortion(points));
  assert.match(rateDistortion(points).alt, /Best bound: β = 1, 102 nats\./);
  assert.throws(() => rateDistortion([]), RangeError);
});

test('a name has the colour of its meaning, in any spelling', () => {
  assert.equal(colourOf('validationReconstruction'), COLOURS.reconstruction);
  assert.equal(colourOf('KL per example'), COLOURS.kl);
  assert.equal(colourOf('−ELBO'), COLOURS.loss);
  assert.equal(colourOf('mmd'), COLOURS.mmd);
  assert.notEqual(colourOf('something', 0), colourOf('other', 1));
});

test('a figure without title or alternative text is refused', () => {
  assert.throws(() => figure('', 'alt', []), /title is empty/);
  assert.throws(() => figure('title', ' ', []), /"title": the alternative text/);
});
