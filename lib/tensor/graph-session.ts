/**
 * A graph loaded into TensorFlow, ready to run; its resource variables live as long as it does.
 * Source: TF_LoadSessionFromSavedModel and TF_SessionRun of TensorFlow's C API.   Lesson: none.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type {Graph} from './graph';
import {savedModelBytes, TAG} from './graph-proto';
import type {Handle, NativeBackend} from './native-backend';

/** Loads a graph. Whoever makes one disposes it. */
export class GraphSession {
  /** The size of the graph as written, in bytes. */
  readonly bytes: number;
  private readonly session: number;
  private isDisposed = false;

  /** @throws Error with TensorFlow's words when it does not accept the graph */
  constructor(
    private readonly backend: NativeBackend,
    graph: Graph,
  ) {
    const model = savedModelBytes(graph);
    this.bytes = model.byteLength;
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'latent-graph-'));
    try {
      fs.writeFileSync(path.join(folder, 'saved_model.pb'), model);
      this.session = backend.binding.loadSavedModel(folder, TAG);
    } finally {
      fs.rmSync(folder, {recursive: true, force: true});
    }
  }

  /**
   * Runs what the fetches need, in one native call.
   *
   * @param inputs  handles of the tensors fed, which stay the caller's
   * @param feeds   the outputs they are fed to, separated by commas
   * @param fetches the outputs wanted, separated by commas
   * @returns handles that the caller owns
   * @throws Error when disposed, or with TensorFlow's words when a kernel fails
   */
  run(inputs: number[], feeds: string, fetches: string): Handle[] {
    if (this.isDisposed) throw new Error('GraphSession: run after dispose.');
    return this.backend.binding.runSavedModel(this.session, inputs, feeds, fetches);
  }

  /** Frees the session, the graph and the variables in it. A second call does nothing. */
  dispose(): void {
    if (this.isDisposed) return;
    this.isDisposed = true;
    this.backend.binding.deleteSavedModel(this.session);
  }
}
