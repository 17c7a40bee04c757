/**
 * Enough of a browser for plotly to draw in Node: text is measured, canvases hold pixels.
 * Source: jsdom; the canvas calls of plotly.js 4 heatmaps.   Lesson: none.
 */
import fs from 'node:fs';
import path from 'node:path';
import {JSDOM, VirtualConsole, type DOMWindow} from 'jsdom';
import {Resvg} from '@resvg/resvg-js';
import {type Box, localBox, pageBox} from './geometry';
import {dataUri, encodePng} from './png';

/** The font of the pictures, shipped with the library: no machine's own fonts are asked. */
const FONT_FOLDER = path.dirname(require.resolve('dejavu-fonts-ttf/package.json'));
export const FONT = {
  loadSystemFonts: false,
  fontFiles: ['DejaVuSans.ttf', 'DejaVuSans-Bold.ttf'].map(file =>
    path.join(FONT_FOLDER, 'ttf', file),
  ),
  defaultFontFamily: 'DejaVu Sans',
  sansSerifFamily: 'DejaVu Sans',
};

/** What this project calls of plotly.js. */
export interface Plotly {
  toImage(
    figure: {data: unknown; layout: unknown},
    options: {format: 'svg'; width: number; height: number; imageDataOnly: true},
  ): Promise<string>;
  /** What is wrong with a figure; undefined when nothing is. */
  validate(data: unknown, layout: unknown): {readonly msg: string}[] | undefined;
}

let loaded: Plotly | undefined;

/** Plotly in a window of its own, loaded at the first call (about two seconds). */
export function plotly(): Plotly {
  if (loaded) return loaded;
  const quiet = new VirtualConsole(); // jsdom reports what it cannot do; the checks below are ours
  const {window} = new JSDOM('<!doctype html><body></body>', {
    runScripts: 'outside-only',
    pretendToBeVisual: true,
    virtualConsole: quiet,
  });
  window.URL.createObjectURL = () => '';
  measureText(window);
  drawPixels(window);
  loadImages(window);
  window.eval(fs.readFileSync(require.resolve('plotly.js-dist'), 'utf8'));
  loaded = (window as unknown as {Plotly: Plotly}).Plotly;
  return loaded;
}

const widths = new Map<string, number>();

/** The width of a line of text in pixels, measured by the renderer that will draw it. */
export function textWidth(text: string, size: number, bold = false): number {
  const key = `${size}${bold ? 'b' : ''}|${text}`;
  const known = widths.get(key);
  if (known !== undefined) return known;
  const safe = text.replace(/&/g, '&amp;').replace(/</g, '&lt;');
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" width="4000" height="100"><text y="50" ` +
    `font-size="${size}" font-weight="${bold ? 'bold' : 'normal'}">|${safe}|</text></svg>`;
  const bars = text === '' ? 0 : textWidth('', size, bold);
  const width = (new Resvg(svg, {font: FONT}).getBBox()?.width ?? 0) - bars;
  widths.set(key, width);
  return width;
}

function measureText(window: DOMWindow): void {
  const edges = ({x, y, width, height}: Box) => ({
    ...{x, y, width, height, left: x, top: y},
    ...{right: x + width, bottom: y + height, toJSON: () => ({})},
  });
  (window.SVGElement.prototype as SVGGraphicsElement).getBBox = function () {
    return edges(localBox(this, textWidth));
  };
  window.Element.prototype.getBoundingClientRect = function () {
    const isDrawing = this instanceof window.SVGElement;
    return edges(isDrawing ? pageBox(this, textWidth) : {x: 0, y: 0, width: 700, height: 450});
  };
}

/** The calls that plotly's heatmaps and images make on a canvas. */
class Pixels {
  fillStyle = '#000';
  private readonly rgba: Uint8ClampedArray;

  constructor(
    private readonly width: number,
    private readonly height: number,
  ) {
    this.rgba = new Uint8ClampedArray(width * height * 4);
  }

  createImageData(width: number, height: number) {
    return {width, height, data: new Uint8ClampedArray(width * height * 4)};
  }

  putImageData(image: {data: Uint8ClampedArray}): void {
    this.rgba.set(image.data.subarray(0, this.rgba.length));
  }

  fillRect(left: number, top: number, width: number, height: number): void {
    const colour = parseColour(this.fillStyle);
    const [x0, x1] = [Math.max(0, Math.round(left)), Math.round(left + width)];
    const [y0, y1] = [Math.max(0, Math.round(top)), Math.round(top + height)];
    for (let y = y0; y < Math.min(y1, this.height); y++) {
      for (let x = x0; x < Math.min(x1, this.width); x++) {
        this.rgba.set(colour, (y * this.width + x) * 4);
      }
    }
  }

  /** Plotly copies an image to read its pixels under the mouse; there is no mouse here. */
  drawImage(): void {}

  measureText(text: string) {
    return {width: textWidth(text, 12)};
  }

  toDataUri(): string {
    return dataUri(encodePng(this.rgba, this.width, this.height, 4));
  }
}

/** 'rgba(1, 2, 3, 0.5)' as four bytes. */
function parseColour(style: string): [number, number, number, number] {
  const parts = /^rgba?\(([^)]*)\)$/.exec(style)?.[1]?.split(',').map(Number) ?? [];
  const [red = 0, green = 0, blue = 0, opacity = 1] = parts;
  return [red, green, blue, Math.round(opacity * 255)];
}

function drawPixels(window: DOMWindow): void {
  const canvases = new WeakMap<HTMLCanvasElement, Pixels>();
  const canvas = window.HTMLCanvasElement.prototype;
  const getContext = function (this: HTMLCanvasElement, kind: string): Pixels | null {
    if (kind !== '2d') return null;
    const known = canvases.get(this) ?? new Pixels(this.width, this.height);
    canvases.set(this, known);
    return known;
  };
  canvas.getContext = getContext as unknown as HTMLCanvasElement['getContext'];
  canvas.toDataURL = function (): string {
    return canvases.get(this)?.toDataUri() ?? '';
  };
}

/** Images are data URIs, which resvg reads later: they count as loaded. */
function loadImages(window: DOMWindow): void {
  const image = window.HTMLImageElement.prototype;
  image.setAttribute = function (name: string, value: string): void {
    window.Element.prototype.setAttribute.call(this, name, value);
    if (name === 'src') queueMicrotask(() => this.dispatchEvent(new window.Event('load')));
  };
}
