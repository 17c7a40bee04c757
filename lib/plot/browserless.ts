/**
 * Enough of a browser for plotly to draw in Node: text is measured, canvases hold pixels.
 * Source: jsdom; the calls that plotly.js 4 makes of a browser.   Lesson: none.
 */
import fs from 'node:fs';
import {createRequire} from 'node:module';
import {Pixels} from './canvas';
import {textWidth} from './font';
import {type Box, type Drawing, localBox, pageBox} from './geometry';

/** What this project calls of plotly.js. */
export interface Plotly {
  toImage(
    figure: {data: unknown; layout: unknown},
    options: {format: 'svg'; width: number; height: number; imageDataOnly: true},
  ): Promise<string>;
  /** What is wrong with a figure; undefined when nothing is. */
  validate(data: unknown, layout: unknown): {readonly msg: string}[] | undefined;
}

/** An HTML element, as far as the stand-ins below touch it. */
interface Html {
  readonly width: number;
  readonly height: number;
  setAttribute(name: string, value: string): void;
  dispatchEvent(event: object): boolean;
}

/**
 * The part of jsdom's window that is given stand-ins. Porting note: @types/jsdom would bring the
 * browser's globals into the whole library, in a syntax that tslab's compiler does not know.
 */
interface Window {
  readonly URL: {createObjectURL: () => string};
  readonly Event: new (name: string) => object;
  readonly Element: {
    prototype: {
      getBoundingClientRect: (this: Drawing) => object;
      setAttribute: (name: string, value: string) => void;
    };
  };
  readonly SVGElement: {prototype: {getBBox: (this: Drawing) => object}} & (new () => Drawing);
  readonly HTMLCanvasElement: {
    prototype: {
      getContext: (this: Html, kind: string) => Pixels | null;
      toDataURL: (this: Html) => string;
    };
  };
  readonly HTMLImageElement: {
    prototype: {setAttribute: (this: Html, name: string, value: string) => void};
  };
  readonly Plotly: Plotly;
  eval(script: string): unknown;
}

interface Jsdom {
  readonly VirtualConsole: new () => object;
  readonly JSDOM: new (html: string, options: object) => {readonly window: Window};
}

let loaded: Plotly | undefined;

/** Plotly in a window of its own, loaded at the first call (about a second). */
export function plotly(): Plotly {
  if (loaded) return loaded;
  const load = createRequire(__filename); // only now: who draws nothing shall not wait for it
  const {JSDOM, VirtualConsole} = load('jsdom') as Jsdom;
  const {window} = new JSDOM('<!doctype html><body></body>', {
    runScripts: 'outside-only',
    pretendToBeVisual: true,
    virtualConsole: new VirtualConsole(), // a quiet one
  });
  window.URL.createObjectURL = () => '';
  measureText(window);
  drawPixels(window);
  loadImages(window);
  window.eval(fs.readFileSync(load.resolve('plotly.js-dist'), 'utf8'));
  loaded = window.Plotly;
  return loaded;
}

function measureText(window: Window): void {
  const edges = ({x, y, width, height}: Box) => ({
    ...{x, y, width, height, left: x, top: y},
    ...{right: x + width, bottom: y + height, toJSON: () => ({})},
  });
  window.SVGElement.prototype.getBBox = function () {
    return edges(localBox(this, textWidth));
  };
  window.Element.prototype.getBoundingClientRect = function () {
    const isDrawing = this instanceof window.SVGElement;
    return edges(isDrawing ? pageBox(this, textWidth) : {x: 0, y: 0, width: 700, height: 450});
  };
}

function drawPixels(window: Window): void {
  const canvases = new WeakMap<Html, Pixels>();
  const canvas = window.HTMLCanvasElement.prototype;
  canvas.getContext = function (kind) {
    if (kind !== '2d') return null;
    const known = canvases.get(this) ?? new Pixels(this.width, this.height);
    canvases.set(this, known);
    return known;
  };
  canvas.toDataURL = function () {
    return canvases.get(this)?.toDataUri() ?? '';
  };
}

/** Images are data URIs, which resvg reads later: they count as loaded. */
function loadImages(window: Window): void {
  window.HTMLImageElement.prototype.setAttribute = function (name, value) {
    window.Element.prototype.setAttribute.call(this, name, value);
    if (name === 'src') queueMicrotask(() => this.dispatchEvent(new window.Event('load')));
  };
}
