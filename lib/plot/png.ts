/**
 * Pixels to a PNG file, small enough to live inside a figure.
 * Source: PNG specification, third edition (W3C 2025).   Lesson: none.
 */
import zlib from 'node:zlib';

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** How many bytes a pixel has: grey, red-green-blue, or the latter with opacity. */
export type Channels = 1 | 3 | 4;
const COLOUR_TYPE: Readonly<Record<Channels, number>> = {1: 0, 3: 2, 4: 6};

/**
 * Encodes an image.
 * @param pixels   width · height · channels bytes, row by row
 * @throws RangeError when the number of bytes does not fit
 */
export function encodePng(
  pixels: Uint8Array | Uint8ClampedArray,
  width: number,
  height: number,
  channels: Channels,
): Buffer {
  const stride = width * channels;
  if (pixels.length !== stride * height) {
    throw new RangeError(
      `encodePng: ${pixels.length} bytes, expected ${width} · ${height} · ${channels}.`,
    );
  }
  const lines = Buffer.alloc((stride + 1) * height);
  for (let y = 0; y < height; y++) {
    lines[y * (stride + 1)] = 2; // each row as the difference from the one above: equal rows cost nothing
    for (let x = 0; x < stride; x++) {
      const above = y === 0 ? 0 : pixels[(y - 1) * stride + x]!;
      lines[y * (stride + 1) + 1 + x] = (pixels[y * stride + x]! - above) & 0xff;
    }
  }
  return pngFile(width, height, COLOUR_TYPE[channels], lines, []);
}

/**
 * A PNG file of filtered lines with eight bits a sample.
 * @param lines    one filter byte and the samples, for each line
 * @param between  chunks that come before the pixels, such as a palette
 */
export function pngFile(
  width: number,
  height: number,
  colourType: number,
  lines: Buffer,
  between: readonly Buffer[],
): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, colourType, 0, 0, 0], 8);
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    ...between,
    chunk('IDAT', zlib.deflateSync(lines, {level: 9})),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** The image as an address that plotly and HTML take. */
export function dataUri(png: Uint8Array): string {
  return `data:image/png;base64,${Buffer.from(png).toString('base64')}`;
}

/** A part of a PNG file: length, name, content, checksum. */
export function chunk(type: string, content: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), content]);
  const framed = Buffer.alloc(named.length + 8);
  framed.writeUInt32BE(content.length, 0);
  named.copy(framed, 4);
  framed.writeUInt32BE(crc32(named), named.length + 4);
  return framed;
}

const CRC_TABLE = Uint32Array.from({length: 256}, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

/** The checksum of PNG, gzip and Ethernet (ISO 3309). */
function crc32(bytes: Uint8Array): number {
  let value = 0xffffffff;
  for (const byte of bytes) value = CRC_TABLE[(value ^ byte) & 0xff]! ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}
