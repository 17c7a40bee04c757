/**
 * A picture in at most 256 colours, a third of the bytes of one in full colour.
 * Source: PNG specification, colour type 3.   Lesson: none.
 */
import {chunk, pngFile} from './png';

/**
 * Encodes an image with a palette of colours and opacities. If there are many, the rare take
 * the nearest of the frequent: meant for figures, whose colours are few and whose edges fade.
 * @param rgba width · height · 4 bytes
 */
export function encodePalettePng(rgba: Uint8Array, width: number, height: number): Buffer {
  if (rgba.length !== width * height * 4) {
    throw new RangeError(
      `encodePalettePng: ${rgba.length} bytes, expected ${width} · ${height} · 4.`,
    );
  }
  const {palette, indexOf} = choosePalette(rgba);
  const lines = Buffer.alloc((width + 1) * height); // filter 0: indices are no quantities
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      lines[y * (width + 1) + 1 + x] = indexOf(colourAt(rgba, (y * width + x) * 4));
    }
  }
  const colours = Buffer.from(palette.flatMap(colour => channels(colour).slice(0, 3)));
  const opacities = Buffer.from(palette.map(colour => channels(colour)[3]));
  return pngFile(width, height, 3, lines, [chunk('PLTE', colours), chunk('tRNS', opacities)]);
}

/** Red, green, blue and opacity in one number; all that is not there is the same. */
function colourAt(rgba: Uint8Array, at: number): number {
  const [red, green, blue, opacity] = [rgba[at]!, rgba[at + 1]!, rgba[at + 2]!, rgba[at + 3]!];
  return opacity === 0 ? 0 : ((red << 24) | (green << 16) | (blue << 8) | opacity) >>> 0;
}

function channels(colour: number): [number, number, number, number] {
  return [colour >>> 24, (colour >>> 16) & 0xff, (colour >>> 8) & 0xff, colour & 0xff];
}

/** A colour that covers this share of the picture is kept exactly; the others are edges. */
const FLAT = 1 / 400;

/** Edges fade in so many steps of opacity: finer ones would be half of the file, and not be seen. */
const FADES = 3;

function choosePalette(rgba: Uint8Array): {
  palette: number[];
  indexOf: (colour: number) => number;
} {
  const counts = new Map<number, number>();
  for (let at = 0; at < rgba.length; at += 4) {
    const colour = colourAt(rgba, at);
    counts.set(colour, (counts.get(colour) ?? 0) + 1);
  }
  const byCount = [...counts].sort(([a, m], [b, n]) => n - m || a - b);
  const enough = counts.size <= 64 ? 0 : (rgba.length / 4) * FLAT;
  const palette = byCount
    .filter(([, count]) => count >= enough)
    .slice(0, 128)
    .map(([colour]) => colour);
  // The most frequent colour of a neighbourhood stands for all of it.
  const hoods = new Set(palette.map(neighbourhood));
  for (const [colour] of byCount) {
    if (palette.length === 256) break;
    if (hoods.has(neighbourhood(colour))) continue;
    hoods.add(neighbourhood(colour));
    palette.push(colour);
  }
  const indices = new Map(palette.map((colour, index) => [colour, index]));
  const indexOf = (colour: number): number => {
    const known = indices.get(colour);
    if (known !== undefined) return known;
    const found = nearest(palette, colour);
    indices.set(colour, found);
    return found;
  };
  return {palette, indexOf};
}

/** Opaque colours within 8 of 256; faded ones of about one hue, and of one step of opacity. */
function neighbourhood(colour: number): number {
  const [red, green, blue, opacity] = channels(colour);
  const step = Math.round((opacity / 255) * FADES);
  if (step === 0) return 0;
  const bits = opacity === 255 ? 3 : 5;
  const hue = [red, green, blue].reduce((key, channel) => key * 32 + (channel >> bits), 0);
  return hue * 8 + (opacity === 255 ? 7 : step);
}

/** The most similar colour; a faint one may be off in hue, but not in opacity. */
function nearest(palette: readonly number[], colour: number): number {
  const [red, green, blue, opacity] = channels(colour);
  let best = 0;
  let smallest = Infinity;
  for (const [index, candidate] of palette.entries()) {
    const [r, g, b, o] = channels(candidate);
    const hue = ((r - red) ** 2 + (g - green) ** 2 + (b - blue) ** 2) * (opacity / 255) ** 2;
    const distance = hue + 3 * (o - opacity) ** 2;
    if (distance < smallest) [best, smallest] = [index, distance];
  }
  return best;
}
