/**
 * The gated recurrent unit of PyTorch, MXNet and cuDNN: reset gate after the product, two biases.
 * Source: Cho et al. 2014, with cuDNN's order of operations.   Lesson: notebooks/02-gru-sinusoids.
 *
 * Weights are named and laid out as in PyTorch's GRUCell and MXNet's i2h and h2h, so that they can be
 * exchanged as they are (PyTorch's GRU adds `_l0` to each name). In blocks of H rows: r, z, n.
 *
 *   weight_ih [3H, I]   weight_hh [3H, H]   bias_ih [3H]   bias_hh [3H]
 *
 * Porting note: Keras orders the gates z, r, n and stores the transposes, kernel [I, 3H] and
 * recurrent_kernel [H, 3H], with bias [2, 3H] (reset_after=True). tfjs's own GRU resets before the
 * product and has one bias: it cannot hold these weights.
 */
import type {Random} from '../tensor/random';
import {sizes} from '../tensor/shapes';
import {tf} from '../tensor/tf';
import {glorotUniform} from './dense';
import {allStates, lastState, type Recurrence} from './gru-recurrence';
import type {Weights} from './weights';

export interface GruConfig {
  /** I, numbers that enter at each step */
  readonly inputs: number;
  /** H, size of the state */
  readonly units: number;
}

/** One step of a gated recurrent unit. It keeps no state: the caller hands it in. */
export class GruCell {
  /** [3H, I] */
  readonly weightIh: tf.Variable<tf.Rank.R2>;
  /** [3H, H] */
  readonly weightHh: tf.Variable<tf.Rank.R2>;
  /** [3H] */
  readonly biasIh: tf.Variable<tf.Rank.R1>;
  /** [3H] */
  readonly biasHh: tf.Variable<tf.Rank.R1>;

  /**
   * Starts with Glorot uniform matrices, as MXNet's Xavier makes them, and biases of zero.
   * @throws RangeError when a size is no positive integer
   */
  constructor(
    readonly config: GruConfig,
    random: Random,
  ) {
    const {inputs, units} = config;
    for (const [name, size] of Object.entries({inputs, units})) {
      if (!Number.isInteger(size) || size < 1) {
        throw new RangeError(`GruCell: ${name} is ${size}, expected a positive integer.`);
      }
    }
    const matrix = (name: string, columns: number) =>
      tf.tidy(() => tf.variable(glorotUniform(3 * units, columns, random.stream(name))));
    const zeros = () => tf.tidy(() => tf.variable(tf.zeros<tf.Rank.R1>([3 * units])));
    this.weightIh = matrix('weight_ih', inputs);
    this.weightHh = matrix('weight_hh', units);
    this.biasIh = zeros();
    this.biasHh = zeros();
  }

  /**
   * The next state.
   *
   *   r = σ(Wʳx + bʳ + Uʳh + cʳ)   z = σ(Wᶻx + bᶻ + Uᶻh + cᶻ)
   *   n = tanh(Wⁿx + bⁿ + r ⊙ (Uⁿh + cⁿ))
   *   h' = (1 − z) ⊙ n + z ⊙ h
   *
   * z is the share of the old state that is kept; some texts give that name to what is renewed.
   *
   * @param x     [B, I]
   * @param state [B, H]
   * @returns [B, H]
   * @throws ShapeError when a width is another or the batches differ
   */
  apply(x: tf.Tensor2D, state: tf.Tensor2D): tf.Tensor2D {
    const {inputs, units} = this.config;
    sizes('GruCell.apply', {x: `B ${inputs}`, state: `B ${units}`}, {x, state});
    return tf.tidy(() => {
      const fromInput = tf.matMul(x, this.weightIh, false, true).add(this.biasIh); // [B, 3H]
      const fromState = tf.matMul(state, this.weightHh, false, true).add(this.biasHh); // [B, 3H]
      const [xr, xz, xn] = tf.split(fromInput, 3, 1) as Gates; // each [B, H]
      const [hr, hz, hn] = tf.split(fromState, 3, 1) as Gates;
      const reset = xr.add<tf.Tensor2D>(hr).sigmoid();
      const update = xz.add<tf.Tensor2D>(hz).sigmoid();
      const candidate = xn.add<tf.Tensor2D>(reset.mul(hn)).tanh();
      return tf.sub(1, update).mul<tf.Tensor2D>(candidate).add<tf.Tensor2D>(update.mul(state));
    });
  }

  get weights(): Weights {
    return {
      weight_ih: this.weightIh,
      weight_hh: this.weightHh,
      bias_ih: this.biasIh,
      bias_hh: this.biasHh,
    };
  }

  dispose(): void {
    tf.dispose(Object.values(this.weights));
  }
}

type Gates = [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];

/** A gated recurrent unit over whole sequences. */
export class Gru {
  /** The same weights, one step at a time. */
  readonly cell: GruCell;

  /** @throws RangeError when a size is no positive integer */
  constructor(
    readonly config: GruConfig,
    random: Random,
  ) {
    this.cell = new GruCell(config, random);
  }

  /**
   * The state after every step.
   * @param x       [B, T, I]
   * @param initial [B, H] the state before the first step; zeros when left out
   * @returns [B, T, H]
   * @throws ShapeError when a width is another or the batches differ
   */
  apply(x: tf.Tensor3D, initial?: tf.Tensor2D): tf.Tensor3D {
    return tf.tidy(() => allStates(this.recurrence(x, initial)).transpose<tf.Tensor3D>([2, 1, 0]));
  }

  /**
   * The state after the last step.
   * @param x       [B, T, I]
   * @param initial [B, H] the state before the first step; zeros when left out
   * @returns [B, H]
   * @throws ShapeError when a width is another or the batches differ
   */
  last(x: tf.Tensor3D, initial?: tf.Tensor2D): tf.Tensor2D {
    return tf.tidy(() => lastState(this.recurrence(x, initial)).transpose<tf.Tensor2D>());
  }

  get weights(): Weights {
    return this.cell.weights;
  }

  dispose(): void {
    this.cell.dispose();
  }

  private recurrence(x: tf.Tensor3D, initial?: tf.Tensor2D): Recurrence {
    const {inputs, units} = this.config;
    const {B, T} = sizes('Gru', {x: `B T ${inputs}`}, {x});
    if (initial !== undefined) sizes('Gru', {x: 'B T I', initial: `B ${units}`}, {x, initial});
    const ones = tf.ones<tf.Rank.R3>([1, T, B]);
    const {state, input, bias} = gateBlocks(this.cell);
    return {
      inputs: tf.concat3d([x.transpose<tf.Tensor3D>([2, 1, 0]), ones], 0), // [I + 1, T, B]
      kernel: tf.concat2d([state, input, bias], 1), // [4H, H + I + 1]
      initial: initial?.transpose<tf.Tensor2D>() ?? tf.zeros<tf.Rank.R2>([units, B]),
    };
  }
}

/** A cell's weights in the rows that `Recurrence.kernel` wants: r, z, u, v. */
export interface GateBlocks {
  /** [4H, H]; the state gives nothing to v */
  readonly state: tf.Tensor2D;
  /** [4H, I]; the input gives nothing to u */
  readonly input: tf.Tensor2D;
  /** [4H, 1]; r and z have two biases, u the state's, v the input's */
  readonly bias: tf.Tensor2D;
}

/** Lays a cell's weights out for a recurrence. */
export function gateBlocks(cell: GruCell): GateBlocks {
  const {inputs: I, units: H} = cell.config;
  return tf.tidy(() => {
    const [rz, n] = tf.split(cell.weightIh, [2 * H, H], 0) as [tf.Tensor2D, tf.Tensor2D];
    const [rzInput, nInput] = tf.split(cell.biasIh, [2 * H, H]) as [tf.Tensor1D, tf.Tensor1D];
    const [rzState, nState] = tf.split(cell.biasHh, [2 * H, H]) as [tf.Tensor1D, tf.Tensor1D];
    const bias = tf.concat1d([rzInput.add<tf.Tensor1D>(rzState), nState, nInput]); // [4H]
    return {
      state: tf.concat2d([cell.weightHh, tf.zeros<tf.Rank.R2>([H, H])], 0),
      input: tf.concat2d([rz, tf.zeros<tf.Rank.R2>([H, I]), n], 0),
      bias: bias.expandDims<tf.Tensor2D>(1),
    };
  });
}
