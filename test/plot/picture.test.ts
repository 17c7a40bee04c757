import test from 'node:test';
import assert from 'node:assert/strict';
import {textWidth} from 'latent-lib/plot/font';
import {line} from 'latent-lib/plot/charts';
import {type Figure} from 'latent-lib/plot/figure';
import {imageGrid} from 'latent-lib/plot/images';
import {matrix} from 'latent-lib/plot/matrices';
import {assertDrawable, toPng, toSvg} from 'latent-lib/plot/picture';
import {signals} from 'latent-lib/plot/signals';
import {readPng} from './read-png';

const options = {title: 'A straight line', x: 'step', y: 'loss', yUnit: 'nats'};
const straight = line([{name: 'posterior', y: [0, 1, 2, 3]}], options);

function share(
  png: Buffer,
  test: (r: number, g: number, b: number, opacity: number) => boolean,
): number {
  const {rgba, width, height} = readPng(png);
  let count = 0;
  for (let at = 0; at < rgba.length; at += 4) {
    if (test(rgba[at]!, rgba[at + 1]!, rgba[at + 2]!, rgba[at + 3]!)) count++;
  }
  return count / (width * height);
}

test('the picture has the size of the figure, is see-through, and shows the line in its colour', async () => {
  const png = await toPng(straight);
  const {width, height} = readPng(png);
  assert.deepEqual([width, height], [640, 360]);
  assert.ok(share(png, (_r, _g, _b, opacity) => opacity === 0) > 0.8, 'see-through');
  assert.ok(share(png, (r, g, b) => r === 0xd5 && g === 0x5e && b === 0) > 1e-3, 'the line');
});

test('texts are drawn with the shipped font', async () => {
  const unnamed = {title: {text: ''}, xaxis: {visible: false}, yaxis: {visible: false}};
  const bare: Figure = {...straight, data: [], layout: {...straight.layout, ...unnamed}};
  const ink = (r: number, _g: number, b: number, o: number) => r === 0x77 && b === 0x77 && o > 99;
  const [with_, without] = [share(await toPng(straight), ink), share(await toPng(bare), ink)];
  assert.ok(with_ > 10 * without, `${with_} against ${without}`);
});

test('what is see-through keeps its colour: a band is a fifth of its blue', async () => {
  const band = {name: 'reconstruction', values: [0, 0, 0], low: [-1, -1, -1], high: [1, 1, 1]};
  const png = await toPng(signals([band], {title: 'A band'}));
  const faint = share(
    png,
    (r, g, b, o) => near(r, 10) && near(g, 132) && near(b, 198) && near(o, 51),
  );
  assert.ok(faint > 0.3, String(faint));
});

const near = (value: number, wanted: number) => Math.abs(value - wanted) <= 3;

test('a matrix is drawn as squares of one colour, not as a blur', async () => {
  const png = await toPng(
    matrix(
      [
        [0, 1],
        [1, 0],
      ],
      {title: 'Four cells', range: [0, 1]},
    ),
  );
  const purple = share(png, (r, g, b) => r === 68 && g === 1 && b === 84);
  const yellow = share(png, (r, g, b) => r === 253 && g === 231 && b === 37);
  assert.ok(purple > 0.05 && Math.abs(purple - yellow) < 0.02, `${purple} and ${yellow}`);
});

test('an image grid is drawn with its pixels', async () => {
  const white = await toPng(
    imageGrid([new Float32Array(16)], {title: 'One black image', side: 90}),
  );
  const black = share(white, (r, g, b, o) => r + g + b === 0 && o === 255);
  assert.ok(black > 0.02, String(black));
});

test('labels of tilted ticks do not run into the title of their axis', async () => {
  const svg = await toSvg(straight);
  assert.match(svg, /A straight line/);
  assert.match(svg, /loss \[nats\]/);
});

test('3-D and WebGL figures are refused by name', async () => {
  for (const type of ['scatter3d', 'surface', 'scattergl', 'violin']) {
    const wrong = {...straight, data: [{type}]} as unknown as Figure;
    assert.throws(() => assertDrawable(wrong), new RegExp(`type "${type}" cannot be drawn`));
    await assert.rejects(toPng(wrong), RangeError);
  }
});

test('text is measured by the font: wide letters are wider, and widths add up', () => {
  assert.ok(textWidth('WWW', 12) > 2 * textWidth('iii', 12));
  assert.ok(Math.abs(textWidth('aa', 12) - 2 * textWidth('a', 12)) < 0.5);
  assert.ok(Math.abs(textWidth('a', 24) - 2 * textWidth('a', 12)) < 0.5);
  assert.ok(textWidth('a', 12, true) > textWidth('a', 12));
});

test('the box of a bold label is as wide as its bold text', async () => {
  const text = 'present, many';
  const label = {text: `<b>${text}</b>`, x: 1, y: 1, showarrow: false, bgcolor: '#123456'};
  const annotations = [{...label, font: {size: 14}}];
  const layout = {...straight.layout, annotations} as Figure['layout'];
  const svg = await toSvg({...straight, layout});
  const box = /<rect[^>]*class="bg"[^>]*>/.exec(svg.slice(svg.indexOf('annotation-text-g')))?.[0];
  const width = Number(/ width="([\d.]+)"/.exec(box ?? '')?.[1]);
  assert.ok(width >= textWidth(text, 14, true), `${width} against ${textWidth(text, 14, true)}`);
});
