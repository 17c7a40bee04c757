/**
 * The strokes of the ten digits: the points that a pen goes through, in the styles in which people write them.
 * Source: drawn for this library.   Lesson: none; lib/data/drawn-digits.ts draws them.
 */

/** x to the right, y down; a digit is 2 high, from −1 to 1, and about 1.1 wide. */
export type Point = readonly [x: number, y: number];

/** A smooth line through its points. A corner is where one stroke ends and the next begins. */
export type Stroke = readonly Point[];

/** For each digit its styles, the plainest first: points in hundredths, '|' between strokes. */
const WRITTEN: readonly (readonly string[])[] = [
  ['10,-100 -35,-80 -60,-10 -45,70 0,100 45,75 60,5 42,-75 2,-100'],
  [
    '0,-100 0,0 0,100',
    '-35,-60 0,-100 | 0,-100 0,0 0,100',
    '-35,-60 0,-100 | 0,-100 0,0 0,100 | -40,100 40,100',
  ],
  [
    '-50,-55 -30,-92 10,-100 45,-75 45,-35 10,20 -55,95 | -55,95 0,95 60,95',
    '-50,-60 -10,-100 40,-75 35,-20 -5,55 -40,90 -55,75 -30,60 10,85 60,95',
  ],
  ['-50,-80 0,-100 42,-75 35,-30 -5,-8 | -5,-8 40,10 52,50 25,90 -20,100 -55,75'],
  [
    '-40,-95 -52,-20 -35,15 5,15 55,8 | 35,-90 32,0 28,100',
    '25,-100 -20,-30 -60,35 | -60,35 0,35 60,35 | 25,-100 25,0 25,100',
  ],
  ['50,-95 0,-95 -35,-95 | -35,-95 -45,-15 | -45,-15 0,-30 45,0 50,50 15,95 -25,100 -55,75'],
  ['35,-95 -15,-60 -50,10 -45,70 0,100 42,75 42,30 5,5 -35,30 -47,55'],
  [
    '-50,-90 0,-92 50,-90 | 50,-90 15,-10 -15,100',
    '-50,-90 0,-92 50,-90 | 50,-90 15,-10 -15,100 | -25,5 42,0',
  ],
  ['40,-70 0,-100 -40,-70 -25,-25 20,10 48,55 5,100 -45,60 -20,10 25,-25 42,-70'],
  [
    '42,-60 10,-100 -40,-75 -40,-30 0,-10 35,-35 45,-65 | 45,-65 40,20 25,100',
    '42,-60 10,-100 -40,-75 -40,-30 0,-10 35,-35 45,-65 | 45,-65 40,30 15,90 -35,95',
  ],
];

/** For each digit its styles; for each style its strokes. */
export const DIGIT_STROKES: readonly (readonly (readonly Stroke[])[])[] = WRITTEN.map(styles =>
  styles.map(style => style.split(' | ').map(readStroke)),
);

function readStroke(text: string): Stroke {
  return text.split(' ').map((point): Point => {
    const [x = NaN, y = NaN] = point.split(',').map(Number);
    return [x / 100, y / 100];
  });
}
