/**
 * Where the parts of an SVG drawing are, for plotly's layout in Node: boxes of texts and rectangles.
 * Source: SVG 2, chapters 4.6.4 (bounding boxes) and 8.5 (transforms).   Lesson: none.
 */

/** A rectangle; width and height are never negative. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** What is asked of an element of a drawing. */
export interface Drawing {
  readonly tagName: string;
  readonly children: Iterable<Drawing>;
  readonly parentElement: Drawing | null;
  readonly textContent: string | null;
  readonly classList: {contains(name: string): boolean};
  readonly style?: {readonly [property in 'fontSize' | 'fontWeight' | 'textAnchor']?: string};
  getAttribute(name: string): string | null;
}

/** Measures a line of text in pixels. */
export type MeasureText = (text: string, size: number, bold: boolean) => number;

/** The affine map x ↦ a·x + c·y + e, y ↦ b·x + d·y + f. */
interface Matrix {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
  readonly e: number;
  readonly f: number;
}

const IDENTITY: Matrix = {a: 1, b: 0, c: 0, d: 1, e: 0, f: 0};
const NOTHING: Box = {x: 0, y: 0, width: 0, height: 0};

/** The box of an element in its own coordinates. Curves and points count as nothing. */
export function localBox(element: Drawing, measure: MeasureText): Box {
  const tag = element.tagName.toLowerCase();
  if (tag === 'text') return textBox(element, measure);
  if (tag === 'rect' || tag === 'svg' || tag === 'image') {
    const [x, y, width, height] = ['x', 'y', 'width', 'height'].map(name => number(element, name));
    return {x: x!, y: y!, width: width!, height: height!};
  }
  if (tag !== 'g') return NOTHING;
  const inside = [...element.children].map(child =>
    mapped(localBox(child, measure), transformOf(child)),
  );
  return union(inside.filter(({width, height}) => width > 0 || height > 0));
}

/** The box of an element on the page: that of its own, seen through the transforms around it. */
export function pageBox(element: Drawing, measure: MeasureText): Box {
  let box = localBox(element, measure);
  for (let at: Drawing | null = element; at !== null; at = at.parentElement) {
    box = mapped(box, transformOf(at));
  }
  return box;
}

function textBox(element: Drawing, measure: MeasureText): Box {
  const size = inherited(element, 'fontSize', 12);
  const spans = [...element.children].filter(child => child.classList.contains('line'));
  const lines = spans.length > 0 ? spans : [element];
  const widths = lines.map(line => measure(line.textContent ?? '', size, hasBold(line)));
  const width = Math.max(...widths);
  const anchor = element.getAttribute('text-anchor') ?? element.style?.textAnchor;
  const shift = anchor === 'middle' ? width / 2 : anchor === 'end' ? width : 0;
  return {
    x: number(element, 'x') - shift,
    y: number(element, 'y') - size * 0.93,
    width,
    height: (element.textContent ?? '') === '' ? 0 : size * (1.17 + 1.3 * (lines.length - 1)),
  };
}

/** A line with one bold word counts as bold: rather too wide a box than one that it leaves. */
function hasBold(element: Drawing): boolean {
  const isBold = inherited(element, 'fontWeight', 400) >= 600;
  return isBold || [...element.children].some(hasBold);
}

function inherited(element: Drawing, property: 'fontSize' | 'fontWeight', base: number): number {
  for (let at: Drawing | null = element; at !== null; at = at.parentElement) {
    const written = at.style?.[property];
    if (written === 'bold') return 700;
    const value = parseFloat(written ?? '');
    if (Number.isFinite(value)) return value;
  }
  return base;
}

function number(element: Drawing, attribute: string): number {
  return parseFloat(element.getAttribute(attribute) ?? '') || 0;
}

function union(boxes: readonly Box[]): Box {
  if (boxes.length === 0) return NOTHING;
  const x = Math.min(...boxes.map(box => box.x));
  const y = Math.min(...boxes.map(box => box.y));
  const right = Math.max(...boxes.map(box => box.x + box.width));
  const bottom = Math.max(...boxes.map(box => box.y + box.height));
  return {x, y, width: right - x, height: bottom - y};
}

/** The upright box around a box that was moved, turned or scaled. */
function mapped({x, y, width, height}: Box, {a, b, c, d, e, f}: Matrix): Box {
  const corners = [
    [x, y],
    [x + width, y],
    [x, y + height],
    [x + width, y + height],
  ] as const;
  return union(
    corners.map(([left, top]) => ({
      ...{x: a * left + c * top + e, y: b * left + d * top + f},
      ...{width: 0, height: 0},
    })),
  );
}

/** The attribute transform="translate(…) rotate(…) scale(…)" as one map. */
function transformOf(element: Drawing): Matrix {
  const written = element.getAttribute('transform') ?? '';
  let whole = IDENTITY;
  for (const [, name, inner] of written.matchAll(/(\w+)\(([^)]*)\)/g)) {
    const values = (inner ?? '')
      .split(/[\s,]+/)
      .filter(part => part !== '')
      .map(parseFloat);
    whole = product(whole, step(name ?? '', values));
  }
  return whole;
}

function step(name: string, values: readonly number[]): Matrix {
  const [first = 0, second, third] = values;
  if (name === 'translate') return {...IDENTITY, e: first, f: second ?? 0};
  if (name === 'scale') return {...IDENTITY, a: first, d: second ?? first};
  if (name === 'matrix' && values.length === 6) {
    const [a, b, c, d, e, f] = values as [number, number, number, number, number, number];
    return {a, b, c, d, e, f};
  }
  if (name !== 'rotate') return IDENTITY;
  const [cosine, sine] = [Math.cos((first * Math.PI) / 180), Math.sin((first * Math.PI) / 180)];
  const [x, y] = [second ?? 0, third ?? 0];
  return {
    ...{a: cosine, b: sine, c: -sine, d: cosine},
    ...{e: x - cosine * x + sine * y, f: y - sine * x - cosine * y},
  };
}

function product(m: Matrix, n: Matrix): Matrix {
  return {
    a: m.a * n.a + m.c * n.b,
    b: m.b * n.a + m.d * n.b,
    c: m.a * n.c + m.c * n.d,
    d: m.b * n.c + m.d * n.d,
    e: m.a * n.e + m.c * n.f + m.e,
    f: m.b * n.e + m.d * n.f + m.f,
  };
}
