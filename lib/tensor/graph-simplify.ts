/**
 * Makes a recorded graph smaller, by the rules of graph-rules.ts, and drops what nobody needs.
 * Source: none.   Lesson: none.
 *
 * Only what TensorFlow's own optimizer (grappler) leaves: it folds constants and drops repetitions.
 */
import {control, type Graph, type GraphNode} from './graph';
import {RULES} from './graph-rules';
import {DTYPE} from './native-backend';

/**
 * Simplifies a graph in place, before anything else is added to it.
 * @param wanted the outputs that matter; what none of them needs is dropped, but for placeholders
 * @returns where an output of the graph is found now
 */
export function simplify(graph: Graph, wanted: readonly string[]): (output: string) => string {
  const rewriting = new Rewriting(graph, wanted);
  const kept = graph.nodes.filter(node => {
    node.inputs = node.inputs.map(input => rewriting.resolve(input));
    if (node.op === 'Relu') rewriting.rectified.set(node.inputs[0]!, `${node.name}:0`);
    const {op} = node;
    for (const rule of RULES[op] ?? []) {
      const instead = rule(node, rewriting);
      if (instead !== undefined) {
        rewriting.replace(`${node.name}:0`, instead);
        return false;
      }
      if (node.op !== op) break; // the other rules are for what it was
    }
    for (const input of node.inputs) rewriting.read.add(input);
    return true;
  });
  const resolve = (output: string) => rewriting.resolve(output);
  const needed = neededBy(wanted.map(resolve), kept);
  graph.nodes.splice(0, graph.nodes.length, ...kept.filter(node => needed.has(node)));
  return resolve;
}

/** The nodes that these outputs need, and all placeholders, which are fed by name. */
function neededBy(outputs: readonly string[], nodes: readonly GraphNode[]): Set<GraphNode> {
  const names = new Set(outputs.map(nodeOf));
  const needed = new Set<GraphNode>();
  // Nodes stand behind those that they read, so one pass from the end finds all.
  for (const node of [...nodes].reverse()) {
    if (!names.has(node.name) && node.op !== 'Placeholder') continue;
    needed.add(node);
    for (const input of node.inputs) names.add(nodeOf(input));
  }
  return needed;
}

/** The name in 'node:output' and in '^node'. */
function nodeOf(input: string): string {
  return input.replace(/^\^/, '').split(':')[0] ?? '';
}

/** What rules see of a graph while it is rewritten. */
export class Rewriting {
  /** Relu's output for its input. */
  readonly rectified = new Map<string, string>();
  /** What nodes before this one read. */
  readonly read = new Set<string>();
  /** BiasAddGrad for its input. */
  readonly biasGradients = new Map<string, GraphNode>();
  private readonly nodes = new Map<string, GraphNode>();
  private readonly readers = new Map<string, number>();
  private readonly replaced = new Map<string, string>();

  constructor(
    private readonly graph: Graph,
    wanted: readonly string[],
  ) {
    for (const node of graph.nodes) {
      this.nodes.set(`${node.name}:0`, node);
      for (const input of node.inputs) this.readers.set(input, (this.readers.get(input) ?? 0) + 1);
    }
    for (const output of wanted) this.readers.set(output, Infinity);
  }

  /** Where an output is found now, or what comes after a node that is gone: '^node'. */
  resolve(output: string): string {
    if (output.startsWith('^')) return control(this.resolve(`${output.slice(1)}:0`));
    const instead = this.replaced.get(output);
    return instead === undefined ? output : this.resolve(instead);
  }

  replace(output: string, instead: string): void {
    this.replaced.set(output, instead);
  }

  /** The node whose first output this is. */
  node(output: string | undefined): GraphNode | undefined {
    return this.nodes.get(output ?? '');
  }

  /** The node whose first output this is, if it has this op. */
  find(output: string | undefined, op: string): GraphNode | undefined {
    const node = this.node(output);
    return node?.op === op ? node : undefined;
  }

  /** Whether one node reads this output, and nobody outside. */
  hasOneReader(output: string | undefined): boolean {
    return this.readers.get(output ?? '') === 1;
  }

  setShape(output: string, shape: readonly number[]): void {
    this.graph.shapes.set(output, shape);
  }

  shape(output: string | undefined): readonly number[] | undefined {
    return this.graph.shapes.get(output ?? '');
  }

  /** The numbers of an int32 constant. */
  integers(output: string | undefined): readonly number[] | undefined {
    const attribute = this.find(output, 'Const')?.attributes['value'];
    if (attribute === undefined || !('tensor' in attribute)) return undefined;
    const {bytes, dtype} = attribute.tensor;
    return dtype === DTYPE.int32 ? [...new Int32Array(bytes.slice().buffer)] : undefined;
  }

  /** Whether all numbers of a float32 constant, or of a Fill, are this one. */
  isConstant(output: string | undefined, value: number): boolean {
    const fill = this.find(output, 'Fill');
    if (fill !== undefined) return this.isConstant(fill.inputs[1], value);
    const attribute = this.find(output, 'Const')?.attributes['value'];
    if (attribute === undefined || !('tensor' in attribute)) return false;
    const {bytes} = attribute.tensor;
    const values = new Float32Array(bytes.slice().buffer);
    return values.length > 0 && values.every(number => number === value);
  }
}
