/**
 * The training step: loss, gradients and update as one compiled graph, or eagerly with the same results.
 * Source: the custom training loop of the tf.function guide.   Lesson: notebooks/01-dense-vae.
 */
import {tensorsOf} from '../tensor/compile';
import {nativeBackend} from '../tensor/native-backend';
import {RecordingCache, type RecordingReport} from '../tensor/recording-cache';
import type {NamedTensors} from '../tensor/shapes';
import {tf} from '../tensor/tf';
import {clipByGlobalNorm, type OptimizerConfig} from './optimizer';
import {TrainingGraph, type Differentiated} from './step-graph';

/** The terms of a loss by name, `loss` among them: what a model's `elbo` returns. */
export type LossTerms<T> = {readonly loss: tf.Scalar} & {readonly [K in keyof T]: tf.Tensor};

/** What a training step is made of. */
export interface TrainingStepOptions<I extends NamedTensors, T extends LossTerms<T>> {
  /** What is trained, by name. A weight that the loss does not depend on stays as it is. */
  readonly weights: Readonly<Record<string, tf.Variable>>;
  readonly optimizer: OptimizerConfig;
  /** `loss` is minimised; other terms are reported, those that are no scalars as their means. */
  readonly loss: (inputs: I) => T;
  /** The largest global norm of the gradients; longer ones are scaled down to it. */
  readonly clipNorm?: number;
  /** false runs eagerly; by default it is compiled where the backend can. */
  readonly compiled?: boolean;
}

/** A training step and the state that it keeps: the optimizer's, and the number of steps. */
export interface TrainingStep<I extends NamedTensors, Term extends string = string> {
  /**
   * One step: loss and gradients at the inputs, then the update. One read from the device.
   * @returns the terms of the loss, before the update
   */
  run(inputs: I, options?: {readonly learningRate?: number}): Readonly<Record<Term, number>>;
  /** How many steps were run, over restored states too. */
  readonly steps: number;
  /** Whether steps run as graphs. */
  readonly compiled: boolean;
  /** One report a signature of shapes and dtypes; empty where steps run eagerly. */
  readonly recordings: readonly RecordingReport[];
  /** Weights, optimizer slots and step count, by name: what a checkpoint holds. Caller disposes. */
  state(): Record<string, tf.Tensor>;
  /** Continues from a state, exactly. @throws Error when a name or a shape differs */
  restore(state: NamedTensors): void;
  /** Frees the graphs and the optimizer's state. The weights stay, as trained. */
  dispose(): void;
}

/**
 * Makes a training step.
 *
 *   const step = trainingStep({
 *     weights: vae.weights,
 *     optimizer: adam({learningRate: 1e-3}),
 *     loss: ({x, epsilon}: {x: tf.Tensor2D; epsilon: tf.Tensor2D}) => vae.elbo(x, epsilon),
 *   });
 *   const {loss, kl} = step.run({x, epsilon});
 *
 * Compiled, the first run with inputs of new shapes records the loss (it is called twice) and later
 * runs are one native call. The weights' tf.Variables always have the trained values: they are
 * fetched when somebody looks.
 *
 * @throws RangeError when there are no weights or clipNorm is not positive
 */
export function trainingStep<I extends NamedTensors, T extends LossTerms<T>>(
  options: TrainingStepOptions<I, T>,
): TrainingStep<I, keyof T & string> {
  return new Step(options);
}

class Step<I extends NamedTensors, T extends LossTerms<T>> implements TrainingStep<
  I,
  keyof T & string
> {
  steps = 0;
  private readonly names: readonly string[];
  private readonly weights: readonly tf.Variable[];
  private readonly slots: readonly (readonly tf.Variable[])[];
  private readonly graphs = new RecordingCache<TrainingGraph>('trainingStep');
  private isDisposed = false;

  constructor(private readonly options: TrainingStepOptions<I, T>) {
    const {weights, optimizer, clipNorm} = options;
    this.names = Object.keys(weights);
    this.weights = Object.values(weights);
    if (this.names.length === 0) throw new RangeError('trainingStep: weights is empty.');
    if (clipNorm !== undefined && !(clipNorm > 0)) {
      throw new RangeError(`trainingStep: clipNorm is ${clipNorm}, expected a number above 0.`);
    }
    this.slots = this.weights.map(weight => optimizer.slots.map(() => zerosLike(weight)));
  }

  get compiled(): boolean {
    return this.options.compiled !== false && nativeBackend() !== undefined;
  }

  get recordings(): readonly RecordingReport[] {
    return this.graphs.reports;
  }

  run(
    inputs: I,
    {learningRate}: {readonly learningRate?: number} = {},
  ): Readonly<Record<keyof T & string, number>> {
    this.demandUsable();
    const {optimizer} = this.options;
    const stepSize = optimizer.stepSize(learningRate ?? optimizer.learningRate, this.steps + 1);
    const terms = this.compiled
      ? this.runGraph(inputs, stepSize)
      : this.runEagerly(inputs, stepSize);
    this.steps += 1;
    return terms as Readonly<Record<keyof T & string, number>>;
  }

  state(): Record<string, tf.Tensor> {
    this.demandUsable();
    const state: Record<string, tf.Tensor> = {};
    for (const [name, variable] of this.variables()) state[name] = variable.clone();
    state['step'] = tf.scalar(this.steps, 'int32');
    return state;
  }

  restore(state: NamedTensors): void {
    this.demandUsable();
    const variables = this.variables();
    const wanted = [...variables, ['step', tf.scalar(0, 'int32')] as const];
    for (const [name, {shape}] of wanted) {
      const got = state[name];
      if (got === undefined) throw new Error(`TrainingStep.restore: the state has no "${name}".`);
      if (got.shape.join() !== shape.join()) {
        throw new Error(
          `TrainingStep.restore: ${name} has shape [${got.shape.join(',')}], expected [${shape.join(',')}].`,
        );
      }
    }
    for (const [name, variable] of variables) variable.assign(state[name]!);
    this.steps = state['step']!.dataSync()[0]!;
  }

  dispose(): void {
    if (this.isDisposed) return;
    this.isDisposed = true;
    this.graphs.dispose();
    for (const slot of this.slots.flat()) slot.dispose();
  }

  /** The weights under their names, then the slots: 'adam.m.<weight>'. */
  private variables(): (readonly [string, tf.Variable])[] {
    const {optimizer} = this.options;
    const weights = this.names.map((name, which) => {
      return [`weight.${name}`, this.weights[which]!] as const;
    });
    const slots = this.names.flatMap((name, which) =>
      optimizer.slots.map((slot, index) => {
        return [`${optimizer.name}.${slot}.${name}`, this.slots[which]![index]!] as const;
      }),
    );
    return [...weights, ...slots];
  }

  private demandUsable(): void {
    if (this.isDisposed) throw new Error('TrainingStep: used after dispose.');
    const gone = this.weights.findIndex(({isDisposed}) => isDisposed);
    if (gone >= 0) throw new Error(`TrainingStep: the weight ${this.names[gone]} is disposed.`);
  }

  private runGraph(inputs: I, stepSize: number): Record<string, number> {
    const {optimizer} = this.options;
    const graph = this.graphs.get(inputs, signature => {
      const perform = (given: NamedTensors) => this.differentiate(given as I);
      const {weights, slots} = this;
      return new TrainingGraph({signature, inputs, weights, slots, optimizer, perform});
    });
    return graph.run(inputs, stepSize);
  }

  private runEagerly(inputs: I, stepSize: number): Record<string, number> {
    const {terms, gradients} = this.differentiate(inputs);
    this.weights.forEach((weight, which) => {
      const gradient = gradients[which];
      if (gradient === undefined) return;
      this.options.optimizer.update(weight, this.slots[which]!, gradient, stepSize);
    });
    const stacked = tf.stack(Object.values(terms));
    const values = stacked.dataSync();
    tf.dispose({stacked, terms, gradients});
    return Object.fromEntries(Object.keys(terms).map((name, index) => [name, values[index]!]));
  }

  /** The terms as scalars, and a gradient for each weight on which the loss depends. */
  private differentiate(inputs: I): Differentiated {
    const {loss, clipNorm} = this.options;
    const terms: Record<string, tf.Scalar> = {};
    const grads = tf.tidy(() => {
      const evaluate = () => {
        const made = tensorsOf('trainingStep(loss)', loss(inputs) as unknown as NamedTensors);
        if (made.loss?.rank !== 0) {
          throw new TypeError(
            `trainingStep: loss has shape [${made.loss?.shape.join(',')}], expected a scalar.`,
          );
        }
        for (const [name, term] of Object.entries(made)) {
          terms[name] = tf.keep(term.cast('float32').mean());
        }
        return made.loss as tf.Scalar;
      };
      const found = tf.variableGrads(evaluate, [...this.weights]).grads;
      if (clipNorm === undefined) return found;
      const names = Object.keys(found);
      const clipped = clipByGlobalNorm(Object.values(found), clipNorm);
      return Object.fromEntries(names.map((name, which) => [name, clipped[which]!]));
    });
    return {terms, gradients: this.weights.map(({name}) => grads[name])};
  }
}

function zerosLike({shape}: tf.Variable): tf.Variable {
  return tf.tidy(() => tf.variable(tf.zeros(shape), false));
}
