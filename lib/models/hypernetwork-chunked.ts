/**
 * A hypernetwork smaller than what it writes: one generator writes all pieces, told which by an embedding.
 * Source: von Oswald et al. 2020, "Continual learning with hypernetworks", sect. 2.2.   Lesson: notebooks/03-hypernetwork.
 */
import {Dense} from '../layers/dense';
import {joinWeights, type Weights} from '../layers/weights';
import type {Random} from '../tensor/random';
import {tf} from '../tensor/tf';
import {scaled, type NetworkWriter} from './hypernetwork';
import type {Generated, WeightLayout} from './hypernetwork-layout';

export interface ChunkedHypernetworkConfig {
  /** D */
  readonly inputs: number;
  /** H, what the writer keeps of its input */
  readonly hidden: number;
  /** E, length of a chunk's embedding */
  readonly embedding: number;
  /** G, hidden width of the generator */
  readonly generatorHidden: number;
  /** C, how many weights are written at a time; M = ⌈W / C⌉ chunks */
  readonly chunk: number;
  /** of the network that it writes: W numbers */
  readonly layout: WeightLayout;
}

/**
 * For each example and each of M chunks, C weights:
 *
 *   h = relu(x · A)   g = relu(h · P + eₘ · Q + q)   chunkₘ = g · R + r
 *
 * It has D·H + H + M·E + (H + E + 1)·G + (G + 1)·C weights: with the chunk well below W / G it is
 * smaller than the W that it writes.
 */
export class ChunkedHypernetwork implements NetworkWriter {
  readonly layout: WeightLayout;
  /** M */
  readonly chunks: number;
  private readonly hidden: Dense;
  private readonly fromHidden: Dense;
  private readonly embeddings: tf.Variable<tf.Rank.R2>;
  private readonly fromEmbedding: tf.Variable<tf.Rank.R2>;
  private readonly output: Dense;

  /** @throws RangeError when a size is no positive integer */
  constructor(
    readonly config: ChunkedHypernetworkConfig,
    random: Random,
  ) {
    const {inputs, hidden, embedding, generatorHidden, chunk, layout} = config;
    for (const [name, size] of Object.entries({embedding, chunk})) {
      if (!Number.isInteger(size) || size < 1) {
        throw new RangeError(`ChunkedHypernetwork: ${name} is ${size}, expected 1 or more.`);
      }
    }
    this.layout = layout;
    this.chunks = Math.ceil(layout.size / chunk);
    const part = (name: string) => random.stream(name);
    this.hidden = new Dense({inputs, units: hidden, activation: 'relu'}, part('hidden'));
    this.fromHidden = new Dense({inputs: hidden, units: generatorHidden}, part('from hidden'));
    this.embeddings = normals(part('embeddings'), [this.chunks, embedding], 1);
    this.fromEmbedding = normals(
      part('from embedding'),
      [embedding, generatorHidden],
      Math.sqrt(2 / embedding), // relu then leaves a mean square of one
    );
    this.output = new Dense({inputs: generatorHidden, units: chunk}, part('output'));
    const unit = normals(part('unit variance'), [generatorHidden, chunk], generatorHidden ** -0.5);
    this.output.kernel.assign(unit);
    unit.dispose();
  }

  write(x: tf.Tensor2D): Generated {
    const {generatorHidden, chunk} = this.config;
    return tf.tidy(() => {
      const ofExample = this.fromHidden.apply(this.hidden.apply(x)); // [B, G]
      const ofChunk = this.embeddings.matMul<tf.Tensor2D>(this.fromEmbedding); // [M, G]
      const g = ofExample.expandDims(1).add(ofChunk).relu(); // [B, M, G]
      const rows = this.output.apply(g.reshape([-1, generatorHidden])); // [B·M, C]
      const row = rows.reshape<tf.Tensor2D>([-1, this.chunks * chunk]); // [B, M·C]
      const cut = this.layout.cut(row.slice([0, 0], [-1, this.layout.size]));
      return scaled(this.layout, cut);
    });
  }

  /** hidden.…, fromHidden.…, embeddings [M, E], fromEmbedding [E, G], output.… */
  get weights(): Weights {
    return {
      ...joinWeights({hidden: this.hidden, fromHidden: this.fromHidden}),
      embeddings: this.embeddings,
      fromEmbedding: this.fromEmbedding,
      ...joinWeights({output: this.output}),
    };
  }

  dispose(): void {
    tf.dispose(Object.values(this.weights));
  }
}

function normals(
  random: Random,
  shape: [number, number],
  deviation: number,
): tf.Variable<tf.Rank.R2> {
  return tf.tidy(() => tf.variable(random.normals<tf.Rank.R2>(shape).mul(deviation)));
}
