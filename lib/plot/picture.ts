/**
 * A figure as a still picture, made in Node without a browser: for GitHub, nbconvert and mails.
 * Source: plotly.js 4 in jsdom, drawn by resvg.   Lesson: none.
 */
import {Resvg} from '@resvg/resvg-js';
import {plotly} from './browserless';
import {type Figure} from './figure';
import {FONT} from './font';
import {encodePalettePng} from './palette';

/** The kinds of trace that draw without a browser. The others need WebGL, a map or a layout engine. */
const DRAWABLE: ReadonlySet<string> = new Set(['scatter', 'bar', 'heatmap', 'histogram', 'image']);

/**
 * Refuses what cannot be drawn in Node, by name, before plotly waits for a GPU for ever.
 * @throws RangeError naming the kind and what to use instead
 */
export function assertDrawable(figure: Figure): void {
  for (const {type} of figure.data) {
    if (DRAWABLE.has(type)) continue;
    throw new RangeError(
      `A figure of type "${type}" cannot be drawn without a browser; use one of ` +
        `${[...DRAWABLE].join(', ')}. (3-D, WebGL and map traces have no still picture.)`,
    );
  }
}

/** The figure as SVG text. @throws RangeError for traces that cannot be drawn here */
export async function toSvg(figure: Figure): Promise<string> {
  assertDrawable(figure);
  const {width, height} = figure.layout;
  const {data, layout} = JSON.parse(JSON.stringify(withoutReading(figure))) as Figure;
  const svg = await plotly().toImage(
    {data, layout},
    {format: 'svg', width, height, imageDataOnly: true},
  );
  return svg
    .replace(/url\((?:'|&quot;)(.*?)(?:'|&quot;)\)/g, 'url($1)')
    .replace(/image-rendering:[^;"]*;?/g, '')
    .replace(/<image /g, '<image image-rendering="optimizeSpeed" '); // pixels stay squares
}

/**
 * The figure as a PNG file in at most 256 colours, see-through like the figure itself: its ink reads
 * on white and on black.
 * @param scale pixels of the picture for one of the figure
 */
export async function toPng(figure: Figure, scale = 1): Promise<Buffer> {
  const svg = await toSvg(figure);
  const picture = new Resvg(svg, {
    font: FONT,
    fitTo: {mode: 'zoom', value: scale},
  }).render();
  return encodePalettePng(straight(picture.pixels), picture.width, picture.height);
}

/** resvg's colours come multiplied by their opacity; PNG wants them as they are. */
function straight(pixels: Uint8Array): Uint8Array {
  return pixels.map((value, at) => {
    const opacity = pixels[at | 3]!;
    return at % 4 === 3 || opacity === 0
      ? value
      : Math.min(255, Math.round((value * 255) / opacity));
  });
}

/** Images are handed through as they are ('fast'), since nothing here can read their pixels. */
function withoutReading({data, layout, alt}: Figure): Figure {
  const plain = data.map(trace => (trace.type === 'image' ? {...trace, zsmooth: 'fast'} : trace));
  return {data: plain, layout, alt};
}
