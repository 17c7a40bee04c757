/**
 * Variables that live in a graph: tf.Variables that follow what a compiled step does to its own copies.
 * Source: the resource variables of TensorFlow 2 (VarHandleOp, ReadVariableOp, AssignVariableOp).   Lesson: none.
 *
 * After a run the graph holds the new values. Each tf.Variable gets a new dataId whose handle is
 * fetched from the graph when somebody looks, and never if nobody does. Before a run, a variable
 * that was assigned by others is uploaded. So neither side can see stale values, and no one syncs.
 */
import type {GraphSession} from './graph-session';
import type {VariableNodes} from './graph-variable-nodes';
import {dtypeNumber, type NativeBackend, type TensorEntry} from './native-backend';
import {tf} from './tf';

/** The bond between tf.Variables and their copies in one session. */
export class GraphVariables {
  private readonly bonds: Bond[];

  constructor(
    private readonly backend: NativeBackend,
    private readonly session: GraphSession,
    nodes: readonly VariableNodes[],
  ) {
    this.bonds = nodes.map(node => new Bond(backend, session, node));
  }

  /** Call before a run: uploads what others assigned. */
  beforeRun(): void {
    const stale = new Set<string>();
    for (const bond of this.bonds) if (!bond.isCurrent()) stale.add(bond.nodes.uploaded);
    if (stale.size === 0) return;
    const bonds = this.bonds.filter(({nodes}) => stale.has(nodes.uploaded));
    const ids = this.backend.getInputTensorIds(bonds.map(({nodes}) => nodes.variable));
    const feeds = bonds.map(({nodes}) => nodes.feed).join(',');
    const fetches = [...stale].join(',');
    for (const {id} of this.session.run(ids, feeds, fetches)) this.backend.binding.deleteTensor(id);
  }

  /** Call after a run that changed the graph's copies. */
  afterRun(): void {
    for (const bond of this.bonds) bond.follow();
  }

  /** Call before the session is disposed: fetches what only the graph has. */
  release(): void {
    for (const bond of this.bonds) bond.fetch();
  }
}

/** One variable and its copy in the graph. */
class Bond {
  private pending: PendingEntry | undefined;

  constructor(
    private readonly backend: NativeBackend,
    private readonly session: GraphSession,
    readonly nodes: VariableNodes,
  ) {}

  /** Whether the graph's copy is what the variable means. Saves the value for clones of it. */
  isCurrent(): boolean {
    const {pending} = this;
    if (pending === undefined || this.nodes.variable.dataId !== pending.dataId) return false;
    if (pending.refCount > 1) this.fetch();
    return true;
  }

  /** Makes the variable mean the graph's copy, whatever that is when somebody looks. */
  follow(): void {
    const {variable, value} = this.nodes;
    const {pending} = this;
    if (pending !== undefined && variable.dataId === pending.dataId) {
      if (!pending.isFetched && pending.refCount === 1) return;
    }
    const next = new PendingEntry(variable.shape, dtypeNumber(variable.dtype), () => {
      return this.session.run([], '', value)[0]!.id;
    });
    this.backend.tensorMap.set(next.dataId, next);
    const {shape, dtype} = variable;
    const tensor = tf.engine().makeTensorFromTensorInfo({dataId: next.dataId, shape, dtype});
    variable.assign(tensor);
    tensor.dispose(); // asks for the id, too early to fetch
    next.isOpen = true;
    this.pending = next;
  }

  fetch(): void {
    const {pending} = this;
    if (pending !== undefined && this.backend.tensorMap.has(pending.dataId)) pending.fetch();
  }
}

/** The backend's entry of a tensor whose handle is fetched when its id is first asked for. */
class PendingEntry implements TensorEntry {
  readonly dataId = {};
  readonly values = null;
  refCount = 1;
  /** Only then does asking for the id fetch. */
  isOpen = false;
  private handle: number | undefined;

  constructor(
    readonly shape: number[],
    readonly dtype: number,
    private readonly read: () => number,
  ) {}

  get isFetched(): boolean {
    return this.handle !== undefined;
  }

  get id(): number {
    return this.isOpen ? this.fetch() : -1;
  }

  fetch(): number {
    this.handle ??= this.read();
    return this.handle;
  }
}
