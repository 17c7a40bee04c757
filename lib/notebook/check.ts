/**
 * Checks an exercise: says whether shape and values are right, and never stops "Run All".
 * Source: the `cmp` of Karpathy's makemore lectures, with shapes.   Lesson: all.
 */
import {tf} from '../tensor/tf';
import {tidy} from '../plot/figure';
import {leaves, unravel, type Answer, type Leaf} from './answer';
import {display} from './display';

/** How a check went; `solved` is what a test asks for. */
export interface CheckResult {
  readonly name: string;
  readonly state: 'solved' | 'wrong' | 'not yet' | 'error';
  readonly solved: boolean;
  /** Largest absolute difference; NaN where there are no numbers to compare. */
  readonly maxDifference: number;
  /** The line that was shown. */
  readonly text: string;
}

export interface CheckOptions {
  /** Values count as close within atol + rtol · |expected|; defaults 1e-5 and 1e-4. */
  readonly atol?: number;
  readonly rtol?: number;
}

/** Texts in errors of exercises that nobody has begun. */
const UNSOLVED = /your turn/i;

/**
 * Compares what an exercise gives with what is expected, and prints one line:
 *
 *   exercise 3   shape ok   exact no   close yes   max |Δ| 2.4e-7
 *   exercise 4   not yet    Hint: work on the [B, L] array, before the sum.
 *
 * It gives nothing back, so that it can end a cell; `judge` gives the result and prints nothing.
 *
 * @param attempt  the exercise's code; its tensors are disposed of, unless it is asynchronous
 * @param expected the right answer, from a closed form or a reference
 */
export function check(
  name: string,
  attempt: () => Promise<Answer>,
  expected: Answer,
  options?: CheckOptions,
): Promise<void>;
export function check(
  name: string,
  attempt: () => Answer,
  expected: Answer,
  options?: CheckOptions,
): void;
export function check(
  name: string,
  attempt: () => Answer | Promise<Answer>,
  expected: Answer,
  options: CheckOptions = {},
): void | Promise<void> {
  const print = ({text}: CheckResult) => display({'text/plain': text});
  const result = judge(name, attempt, expected, options);
  return result instanceof Promise ? result.then(print) : print(result);
}

/** The same without printing. */
export function judge(
  name: string,
  attempt: () => Answer | Promise<Answer>,
  expected: Answer,
  options: CheckOptions = {},
): CheckResult | Promise<CheckResult> {
  let pending: Promise<Answer> | undefined;
  try {
    let result: CheckResult | undefined;
    tf.tidy(() => {
      const answer = attempt();
      if (answer instanceof Promise) pending = answer;
      else result = compare(name, answer, expected, options);
    });
    if (result) return result;
  } catch (error) {
    return failure(name, error);
  }
  return pending!.then(
    answer => compare(name, answer, expected, options),
    (error: unknown) => failure(name, error),
  );
}

function failure(name: string, error: unknown): CheckResult {
  const message = error instanceof Error ? error.message : String(error);
  const isUnsolved = UNSOLVED.test(message);
  const hint = /hint:\s*([\s\S]*)/i.exec(message)?.[1];
  const text = isUnsolved
    ? `${name}   not yet${hint === undefined ? '' : `   Hint: ${hint}`}`
    : `${name}   error   ${message}`;
  const state = isUnsolved ? 'not yet' : 'error';
  return {name, state, solved: false, maxDifference: NaN, text};
}

function compare(
  name: string,
  answer: Answer,
  expected: Answer,
  {atol = 1e-5, rtol = 1e-4}: CheckOptions,
): CheckResult {
  const wrong = (text: string, maxDifference = NaN): CheckResult => ({
    ...{name, state: 'wrong', solved: false, maxDifference},
    text: `${name}   ${text}`,
  });
  if (answer === undefined || answer === null) return wrong('wrong   it gives nothing back');
  const [got, want] = [leaves(answer), leaves(expected)];
  const paths = (list: readonly Leaf[]) => list.map(leaf => leaf.path).join(', ');
  if (paths(got) !== paths(want)) {
    return wrong(`names no   got {${paths(got)}}, want {${paths(want)}}`);
  }
  let isExact = true;
  let worst = {difference: 0, excess: -Infinity, text: ''};
  for (const [n, leaf] of got.entries()) {
    const target = want[n]!;
    const where = leaf.path === '' ? '' : `${leaf.path}: `;
    if (leaf.shape.join() !== target.shape.join()) {
      return wrong(
        `shape no   ${where}got [${leaf.shape.join(', ')}], want [${target.shape.join(', ')}]`,
      );
    }
    for (const [index, value] of leaf.values.entries()) {
      const goal = target.values[index]!;
      if (Object.is(value, goal) || value === goal) continue;
      isExact = false;
      const isNumber = typeof value === 'number' && typeof goal === 'number';
      const gap = isNumber ? Math.abs(value - goal) : Infinity;
      const difference = Number.isNaN(gap) ? Infinity : gap;
      const excess = difference - (isNumber ? atol + rtol * Math.abs(goal) : 0);
      if (excess > worst.excess) {
        const at = leaf.shape.length === 0 ? '' : ` at [${unravel(index, leaf.shape).join(', ')}]`;
        const text = `${where}got ${spell(value)}${at}, want ${spell(goal)}`;
        worst = {difference: Math.max(worst.difference, difference), excess, text};
      } else worst.difference = Math.max(worst.difference, difference);
    }
  }
  const isClose = worst.excess <= 0;
  const delta = worst.difference === 0 ? '0' : worst.difference.toExponential(1);
  const line =
    `shape ok   exact ${isExact ? 'yes' : 'no'}   close ${isClose ? 'yes' : 'no'}   ` +
    `max |Δ| ${delta}`;
  if (!isClose) return wrong(`${line}   ${worst.text}`, worst.difference);
  return {
    name,
    state: 'solved',
    solved: true,
    maxDifference: worst.difference,
    text: `${name}   ${line}`,
  };
}

const spell = (value: number | string | boolean) =>
  typeof value === 'number' ? tidy(value) : JSON.stringify(value);
