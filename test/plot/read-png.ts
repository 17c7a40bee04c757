/** Reads the PNG files that this project writes: eight bits, no interlacing, filters 0 and 2. */
import zlib from 'node:zlib';

export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly colourType: number;
  readonly rgba: Uint8Array;
}

export function readPng(file: Buffer): Pixels {
  const chunks = new Map<string, Buffer>();
  for (let at = 8; at < file.length;) {
    const length = file.readUInt32BE(at);
    chunks.set(file.toString('latin1', at + 4, at + 8), file.subarray(at + 8, at + 8 + length));
    at += 12 + length;
  }
  const header = chunks.get('IHDR')!;
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  const colourType = header[9]!;
  const channels = {0: 1, 2: 3, 3: 1, 6: 4}[colourType]!;
  const lines = zlib.inflateSync(chunks.get('IDAT')!);
  const stride = width * channels;
  const samples = new Uint8Array(stride * height);
  for (let y = 0; y < height; y++) {
    const filter = lines[y * (stride + 1)];
    for (let x = 0; x < stride; x++) {
      const above = filter === 2 && y > 0 ? samples[(y - 1) * stride + x]! : 0;
      samples[y * stride + x] = lines[y * (stride + 1) + 1 + x]! + above;
    }
  }
  const palette = chunks.get('PLTE');
  const opacities = chunks.get('tRNS');
  const rgba = new Uint8Array(width * height * 4);
  for (let n = 0; n < width * height; n++) {
    const sample = samples.subarray(n * channels, (n + 1) * channels);
    const first = sample[0]!;
    if (colourType === 3) {
      rgba.set(palette!.subarray(first * 3, first * 3 + 3), n * 4);
      rgba[n * 4 + 3] = opacities?.[first] ?? 255;
    } else if (colourType === 0) rgba.set([first, first, first, 255], n * 4);
    else rgba.set([...sample, 255].slice(0, 4), n * 4);
  }
  return {width, height, colourType, rgba};
}
