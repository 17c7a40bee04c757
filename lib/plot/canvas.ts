/**
 * A canvas that keeps its pixels in memory: what plotly's heatmaps draw on.
 * Source: the canvas calls of plotly.js 4, traces/heatmap/plot.js.   Lesson: none.
 */
import {textWidth} from './font';
import {dataUri, encodePng} from './png';

/** The calls that plotly's heatmaps and images make on a canvas. */
export class Pixels {
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
