/**
 * A picture in at most 256 colours, a third of the bytes of one in full colour.
 * Source: PNG specification, colour type 3.   Lesson: none.
 */
import {chunk, pngFile} from './png';

/**
 * Encodes an image with a palette; pixels are opaque or not there at all. More than 256 colours are first rounded, then the rarest
 * take the nearest of the frequent: meant for figures, whose colours are few and whose edges are grey.
 * @param rgba width · height · 4 bytes; opacity 0 is transparent, any other opaque
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
  const colours = Buffer.from(palette.flatMap(colour => channels(colour)));
  const opacities = Buffer.from(palette.map(colour => (colour === TRANSPARENT ? 0 : 255)));
  return pngFile(width, height, 3, lines, [chunk('PLTE', colours), chunk('tRNS', opacities)]);
}

/** The colour of a pixel that is not there. */
const TRANSPARENT = 1 << 24;

/** Red, green and blue in one number. */
function colourAt(rgba: Uint8Array, at: number): number {
  if (rgba[at + 3] === 0) return TRANSPARENT;
  return (rgba[at]! << 16) | (rgba[at + 1]! << 8) | rgba[at + 2]!;
}

function channels(colour: number): [number, number, number] {
  return [(colour >> 16) & 0xff, (colour >> 8) & 0xff, colour & 0xff];
}

function choosePalette(rgba: Uint8Array): {
  palette: number[];
  indexOf: (colour: number) => number;
} {
  const counts = new Map<number, number>();
  for (let at = 0; at < rgba.length; at += 4) {
    const colour = colourAt(rgba, at);
    counts.set(colour, (counts.get(colour) ?? 0) + 1);
  }
  // A colour stands for its neighbourhood: the most frequent one of each small cube is kept.
  const cubes = new Map<number, {colour: number; count: number; best: number}>();
  for (const [colour, count] of counts) {
    const cube = counts.size <= 256 ? colour : colour & 0x1f8f8f8;
    const known = cubes.get(cube);
    if (!known) cubes.set(cube, {colour, count, best: count});
    else {
      if (count > known.best) Object.assign(known, {colour, best: count});
      known.count += count;
    }
  }
  const palette = [...cubes.values()]
    .sort((a, b) => b.count - a.count || a.colour - b.colour)
    .slice(0, 256)
    .map(({colour}) => colour);
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

function nearest(palette: readonly number[], colour: number): number {
  const [red, green, blue] = channels(colour);
  let best = 0;
  let smallest = Infinity;
  for (const [index, candidate] of palette.entries()) {
    if (candidate === TRANSPARENT) continue;
    const [r, g, b] = channels(candidate);
    const distance = (r - red) ** 2 + (g - green) ** 2 + (b - blue) ** 2;
    if (distance < smallest) [best, smallest] = [index, distance];
  }
  return best;
}
