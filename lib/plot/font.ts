/**
 * The font of the pictures, and how wide a text is in it.
 * Source: DejaVu Sans 2.37, measured by resvg, which also draws it.   Lesson: none.
 */
import path from 'node:path';
import {Resvg} from '@resvg/resvg-js';

const FOLDER = path.dirname(require.resolve('dejavu-fonts-ttf/package.json'));

/** The font is shipped with the library: no machine's own fonts are asked. */
export const FONT = {
  loadSystemFonts: false,
  fontFiles: ['DejaVuSans.ttf', 'DejaVuSans-Bold.ttf'].map(file => path.join(FOLDER, 'ttf', file)),
  defaultFontFamily: 'DejaVu Sans',
  sansSerifFamily: 'DejaVu Sans',
};

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
