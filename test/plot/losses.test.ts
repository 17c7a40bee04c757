import test from 'node:test';
import assert from 'node:assert/strict';
import {binned, lossCurves, panelOf, termsOf} from 'latent-lib/plot/losses';
import {COLOURS} from 'latent-lib/plot/theme';
import {assertFigure} from './figures';

const logs = Array.from({length: 1000}, (_, step) => ({
  ...{step, epoch: Math.floor(step / 100), seconds: step / 50, learningRate: 1e-3},
  ...{reconstruction: 90 + 200 / (step + 1), kl: 20 - 20 / (step + 1)},
  ...(step % 100 === 99 ? {validationKl: 21 - 20 / (step + 1)} : {}),
}));

test('each term has its own panel and axis, and counters have none', () => {
  const {data, layout} = assertFigure(lossCurves(logs));
  assert.deepEqual(
    data.map(trace => [trace['name'], trace['yaxis']]),
    [
      ['reconstruction', 'y'],
      ['kl', 'y2'],
      ['held out', 'y2'],
    ],
  );
  assert.deepEqual(layout['yaxis2']?.['title'], {text: 'kl [nats]', standoff: 8});
});

test('reconstruction and KL have the colours of their meaning', () => {
  const {data} = assertFigure(lossCurves(logs));
  const colours = data.map(trace => (trace['line'] as {color: string}).color);
  assert.deepEqual(colours, [COLOURS.reconstruction, COLOURS.kl, COLOURS.kl]);
});

test('a thousand steps are drawn as 250 means of four', () => {
  const {data} = assertFigure(lossCurves(logs, {terms: ['kl']}));
  const y = data[0]?.['y'] as number[];
  assert.equal(y.length, 250);
  const first = [0, 1, 2, 3].reduce((sum, step) => sum + logs[step]!.kl, 0) / 4;
  assert.ok(Math.abs(y[0]! - first) < 1e-3);
});

test('binned keeps few points as they are and averages the last, shorter bin', () => {
  assert.deepEqual(binned([[0, 1]], 5), [[0, 1]]);
  assert.deepEqual(
    binned(
      [
        [0, 2],
        [1, 4],
        [2, 9],
      ],
      2,
    ),
    [
      [0.5, 3],
      [2, 9],
    ],
  );
});

test('the alternative text says the last values with their unit', () => {
  assert.match(lossCurves(logs).alt, /After step 999: reconstruction 90\.2, kl 19\.98/);
  assert.match(lossCurves(logs).alt, /nats per example/);
});

test('a reference is a dashed line across the panel of its term', () => {
  const {data} = assertFigure(lossCurves(logs, {references: {kl: 25}}));
  const line = data.at(-1)!;
  assert.deepEqual([line['name'], line['y'], line['yaxis']], ['reference', [25, 25], 'y2']);
});

test('the legend names what the axes do not: held-out terms and references, once each', () => {
  const both = logs.map(log => ({...log, validationReconstruction: 95}));
  const {data} = assertFigure(lossCurves(both, {references: {kl: 25, reconstruction: 80}}));
  const named = data.filter(({showlegend}) => showlegend === true).map(({name}) => name);
  assert.deepEqual(named, ['held out', 'reference']);
  assert.equal(assertFigure(lossCurves([{step: 0, kl: 1}])).layout['legend'], undefined);
});

test('a log without numbers is refused', () => {
  assert.throws(() => lossCurves([]), RangeError);
  assert.throws(() => lossCurves([{step: 1}]), RangeError);
});

test('held-out names are found in both spellings', () => {
  assert.deepEqual(panelOf('validationKl'), {panel: 'kl', heldOut: true});
  assert.deepEqual(panelOf('heldOut.loss'), {panel: 'loss', heldOut: true});
  assert.deepEqual(panelOf('kl'), {panel: 'kl', heldOut: false});
  assert.deepEqual(termsOf([{step: 1, kl: 2}, {loss: 3}]), ['kl', 'loss']);
});
