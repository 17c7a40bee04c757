/**
 * Schedules: a number that depends on the step: KL weights, learning rates, teacher forcing.
 * Source: Bowman et al. 2016; Fu et al. 2019; Vaswani et al. 2017, eq. 3.   Lesson: notebooks/01, 02, 04, 05, 06.
 */

/** From a step, counted from 0, to a value. */
export type Schedule = (step: number) => number;

/** The same value at every step. */
export function constant(value: number): Schedule {
  finite('constant', {value});
  return () => value;
}

/**
 * From one value to another in a straight line, and flat from then on.
 *
 *   linear({from: 0, to: 1, steps: 1000})   // KL annealing (Bowman et al. 2016)
 */
export function linear({from, to, steps}: {from: number; to: number; steps: number}): Schedule {
  finite('linear', {from, to});
  positive('linear', {steps});
  return step => from + (to - from) * Math.min(1, checked('linear', step) / steps);
}

/**
 * Rises in a straight line over the first part of each cycle, then stays; afterwards it stays at
 * `to`. One cycle with ratio 1 is `linear`.
 *
 * @param options.steps  of all cycles together
 * @param options.cycles 4 unless given
 * @param options.ratio  the part of a cycle in which it rises, ½ unless given
 * @see Fu et al. (2019), eq. 6 — https://arxiv.org/abs/1903.10145
 */
export function cyclical(options: {
  readonly steps: number;
  readonly cycles?: number;
  readonly ratio?: number;
  readonly from?: number;
  readonly to?: number;
}): Schedule {
  const {ratio = 0.5, ...rest} = options;
  return zeroLinear('cyclical', {...rest, zero: 0, rising: ratio});
}

/**
 * As `cyclical`, but each cycle begins with a part at `from`, where the model is a plain autoencoder.
 *
 * @param options.zero   the part of a cycle at `from`, ¼ unless given
 * @param options.rising the part of a cycle in which it rises, ½ unless given; the rest is at `to`
 * @see Li et al. (2020), sect. 4.1 — https://arxiv.org/abs/2004.04092
 */
export function cyclicalFromZero(options: {
  readonly steps: number;
  readonly cycles?: number;
  readonly zero?: number;
  readonly rising?: number;
  readonly from?: number;
  readonly to?: number;
}): Schedule {
  return zeroLinear('cyclicalFromZero', options);
}

function zeroLinear(where: string, options: Parameters<typeof cyclicalFromZero>[0]): Schedule {
  const {steps, cycles = 4, zero = 0.25, rising = 0.5, from = 0, to = 1} = options;
  positive(where, {steps, cycles});
  finite(where, {from, to});
  if (!(zero >= 0 && rising >= 0 && zero + rising <= 1)) {
    throw new RangeError(
      `${where}: the parts ${zero} and ${rising} of a cycle, expected two from 0 on with a sum of at most 1.`,
    );
  }
  return step => {
    const passed = (checked(where, step) * cycles) / steps;
    if (passed >= cycles) return to;
    const place = passed - Math.floor(passed); // 0 … 1 within the cycle
    if (place < zero) return from;
    if (place >= zero + rising) return to;
    return from + ((to - from) * (place - zero)) / rising;
  };
}

/**
 * The learning rate of the transformer: rises for `warmup` updates, then falls with the root of their number.
 *
 *   scale · modelSize^−½ · min(n^−½, n · warmup^−3/2),   n = step + 1
 *
 * @see Vaswani et al. (2017), eq. 3 — https://arxiv.org/abs/1706.03762
 */
export function noam(options: {
  readonly modelSize: number;
  readonly warmup?: number;
  readonly scale?: number;
}): Schedule {
  const {modelSize, warmup = 4000, scale = 1} = options;
  positive('noam', {modelSize, warmup});
  finite('noam', {scale});
  return step => {
    const update = checked('noam', step) + 1; // Porting note: the paper counts updates from 1
    return scale * modelSize ** -0.5 * Math.min(update ** -0.5, update * warmup ** -1.5);
  };
}

/**
 * from · exp(−rate · step): how often a decoder is shown the true past, epoch by epoch.
 *
 *   exponentialDecay({rate: 0.01})   // lesson 02's teacher forcing
 */
export function exponentialDecay({from = 1, rate}: {from?: number; rate: number}): Schedule {
  finite('exponentialDecay', {from, rate});
  return step => from * Math.exp(-rate * checked('exponentialDecay', step));
}

/**
 * 1 / (1 + exp(−(slope · step + offset))): a slow start, then a steady rise to 1.
 *
 *   sigmoid({slope: 0.0025, offset: -6.25})   // lesson 06's weight of the MMD; ½ at step 2500
 */
export function sigmoid({slope, offset}: {slope: number; offset: number}): Schedule {
  finite('sigmoid', {slope, offset});
  return step => 1 / (1 + Math.exp(-(slope * checked('sigmoid', step) + offset)));
}

function checked(where: string, step: number): number {
  if (step >= 0) return step;
  throw new RangeError(`${where}: step is ${step}, expected a number from 0 on.`);
}

function finite(where: string, values: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(values)) {
    if (Number.isFinite(value)) continue;
    throw new RangeError(`${where}: ${name} is ${value}, expected a number.`);
  }
}

function positive(where: string, values: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(values)) {
    if (Number.isFinite(value) && value > 0) continue;
    throw new RangeError(`${where}: ${name} is ${value}, expected a positive number.`);
  }
}
