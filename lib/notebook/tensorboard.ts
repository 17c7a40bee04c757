/**
 * Writes trainings where TensorBoard reads them: scalars, histograms, images and texts.
 * Source: TensorBoard's event files (event-file.ts).   Lesson: notebooks/01-dense-vae.
 */
import {isTensor, type TensorLike, type Values} from '../plot/figure';
import {imageList, type Images} from '../plot/image-list';
import {type LogLine, termsOf} from '../plot/losses';
import {encodePng} from '../plot/png';
import {EventFile} from './event-file';

/**
 * A run's log for TensorBoard.
 *
 *   const board = new TensorBoard('runs/dense-vae');
 *   const history = await watch(board.record(fit({batches, step})));
 *   board.histogram('encoder.hidden.kernel', steps, kernel);
 *   board.images('reconstructions', steps, xHat);
 *   board.close();                       // then, in a terminal: tensorboard --logdir runs
 */
export class TensorBoard {
  private readonly file: EventFile;

  /** @param folder one a run; it is made if it is not there */
  constructor(readonly folder: string) {
    this.file = new EventFile(folder);
  }

  /** Passes a training's logs on, and writes every number that is no counter as a scalar. */
  async *record<Log extends LogLine>(
    logs: AsyncIterable<Log> | Iterable<Log>,
  ): AsyncGenerator<Log, void, void> {
    let row = 0;
    for await (const log of logs) {
      const step = log['step'] ?? row;
      for (const term of termsOf([log])) this.scalar(term, step, log[term]!);
      row += 1;
      yield log;
    }
  }

  scalar(tag: string, step: number, value: number): void {
    this.file.write(tag, step, {kind: 'scalar', value});
  }

  /** How values are spread, e.g. those of a weight: an array or a tensor of any rank. */
  histogram(tag: string, step: number, values: Values | TensorLike): void {
    const flat = isTensor(values) ? values.dataSync() : (values as ArrayLike<number>);
    this.file.write(tag, step, {kind: 'histogram', values: Array.from(flat)});
  }

  /** Images [N, H, W], [N, H, W, 1] or [N, H·W] side by side; 0 is black, 1 is white. */
  images(tag: string, step: number, images: Images): void {
    const {list, height, width} = imageList('TensorBoard.images', images);
    const pixels = new Uint8Array(height * width * list.length);
    for (const [n, image] of list.entries()) {
      for (const [at, value] of image.entries()) {
        const row = Math.floor(at / width);
        const grey = Math.round(Math.min(1, Math.max(0, value)) * 255);
        pixels[row * width * list.length + n * width + (at % width)] = grey;
      }
    }
    const across = width * list.length;
    const png = encodePng(pixels, across, height, 1);
    this.file.write(tag, step, {kind: 'image', png, width: across, height});
  }

  /** A text in Markdown, e.g. a table of samples. */
  text(tag: string, step: number, text: string): void {
    this.file.write(tag, step, {kind: 'text', text});
  }

  close(): void {
    this.file.close();
  }
}
