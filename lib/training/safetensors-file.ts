/**
 * A safetensors file read one array at a time: a checkpoint of half a gigabyte never lies in memory twice.
 * Source: the format's description at https://github.com/huggingface/safetensors.   Lesson: notebooks/04-bart-vae.
 */
import fs from 'node:fs';
import {
  parseHeader,
  toArray,
  type Header,
  type NamedArray,
  type Placed,
} from './safetensors-header';

/** An open file; only its header has been read. */
export class SafetensorsFile {
  readonly metadata: Readonly<Record<string, string>>;
  private readonly places: ReadonlyMap<string, Placed>;

  private constructor(
    readonly path: string,
    private readonly descriptor: number,
    private readonly header: Header,
  ) {
    this.metadata = header.metadata;
    this.places = new Map(header.placed.map(place => [place.name, place]));
  }

  /**
   * Opens a file and checks its header against its length.
   * @throws SafetensorsError when it is damaged or cut short; the system's error when it cannot be read
   */
  static open(path: string): SafetensorsFile {
    const descriptor = fs.openSync(path, 'r');
    try {
      const total = fs.fstatSync(descriptor).size;
      const read = (start: number, end: number) => readBytes(descriptor, start, end);
      return new SafetensorsFile(path, descriptor, parseHeader(path, total, read));
    } catch (error) {
      fs.closeSync(descriptor);
      throw error;
    }
  }

  /** The names in the order of their places in the file. */
  get names(): string[] {
    return [...this.places.keys()];
  }

  /** The shape under a name; undefined where there is none. */
  shape(name: string): readonly number[] | undefined {
    return this.places.get(name)?.shape;
  }

  /**
   * Reads one array; F16 and BF16 come as F32.
   * @throws RangeError when the file has no such name
   */
  read(name: string): NamedArray {
    const place = this.places.get(name);
    if (place === undefined) throw new RangeError(`${this.path}: there is no "${name}".`);
    const {start} = this.header;
    const bytes = readBytes(this.descriptor, start + place.begin, start + place.end);
    return toArray(place, bytes.buffer as ArrayBuffer);
  }

  /** Nothing can be read afterwards. */
  close(): void {
    fs.closeSync(this.descriptor);
  }
}

/** Bytes in a buffer of their own. */
function readBytes(descriptor: number, start: number, end: number): Buffer {
  const bytes = Buffer.from(new ArrayBuffer(end - start));
  let done = 0;
  while (done < bytes.length) {
    const got = fs.readSync(descriptor, bytes, done, bytes.length - done, start + done);
    if (got === 0) throw new Error(`the file ends at ${start + done}, expected ${end} bytes.`);
    done += got;
  }
  return bytes;
}
