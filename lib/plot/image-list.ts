/**
 * Images in the forms that lessons have them, as lists of pixels.
 * Source: none.   Lesson: none.
 */
import {isTensor, type TensorLike, vector} from './figure';

/** Images as a tensor [N, H, W], [N, H, W, 1] or [N, H·W], or as one array of pixels each. */
export type Images = TensorLike | readonly ArrayLike<number>[];

/** The images one by one, with the sides that they have in common. */
export function imageList(
  where: string,
  images: Images,
): {list: number[][]; height: number; width: number} {
  if (isTensor(images)) {
    const [count = 0, first = 0, second] = images.shape;
    const channels = images.shape[3] ?? 1;
    if (images.shape.length < 2 || images.shape.length > 4 || channels !== 1) {
      throw new TypeError(
        `${where}: images have shape [${images.shape.join(',')}], expected [N,H,W], [N,H,W,1] or [N,H·W].`,
      );
    }
    const [height, width] = second === undefined ? squareSide(where, first) : [first, second];
    const flat = Array.from(images.dataSync());
    const size = height * width;
    return {
      list: Array.from({length: count}, (_, n) => flat.slice(n * size, (n + 1) * size)),
      height,
      width,
    };
  }
  const list = Array.from(images as readonly ArrayLike<number>[], row =>
    vector(where, 'images', row),
  );
  const [height, width] = squareSide(where, list[0]?.length ?? 0);
  if (list.some(image => image.length !== height * width)) {
    throw new TypeError(`${where}: the images differ in size.`);
  }
  return {list, height, width};
}

function squareSide(where: string, size: number): [number, number] {
  const side = Math.round(Math.sqrt(size));
  if (side * side !== size || size === 0) {
    throw new TypeError(`${where}: an image of ${size} pixels is not square; give [N,H,W].`);
  }
  return [side, side];
}
