/** A Jupyter client for the tests: starts the real kernel and speaks the real protocol with it. */
import assert from 'node:assert/strict';
import {spawn, type ChildProcess} from 'node:child_process';
import {createHmac, randomUUID} from 'node:crypto';
import {once} from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {Dealer, Subscriber} from 'zeromq';

export const ROOT = path.resolve(__dirname, '../../..');
export const KERNEL = path.join(ROOT, 'misc/kernel/kernel.cjs');

/** A message of the kernel, with what the tests look at. */
export interface Message {
  readonly type: string;
  /** The msg_id of the request that it belongs to. */
  readonly parent: string;
  readonly content: Readonly<Record<string, unknown>>;
}

/** What one cell gave. */
export interface Run {
  readonly reply: Readonly<Record<string, unknown>>;
  /** Everything on iopub for this cell up to its idle status, in order. */
  readonly published: readonly Message[];
  readonly stdout: string;
  readonly stderr: string;
  readonly errors: readonly KernelError[];
}

export interface KernelError {
  readonly ename: string;
  readonly evalue: string;
  readonly traceback: readonly string[];
}

/** Variables to set for the kernel, or with undefined to unset. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface ExecuteOptions {
  readonly stopOnError?: boolean;
  readonly silent?: boolean;
}

export class KernelClient {
  readonly process: ChildProcess;
  /** Every iopub message so far. */
  readonly published: Message[] = [];
  private readonly replies = new Map<string, Message>();
  private readonly key = randomUUID();
  private readonly session = randomUUID();
  private readonly shell = new Dealer({routingId: this.session});
  private readonly control = new Dealer({routingId: this.session});
  private readonly iopub = new Subscriber();

  private constructor(
    readonly folder: string,
    private readonly ports: readonly number[],
    environment: Environment,
  ) {
    const [shell, iopub, stdin, control, hb] = ports;
    const connection = path.join(folder, 'connection.json');
    const settings = {
      ...{transport: 'tcp', ip: '127.0.0.1', key: this.key, signature_scheme: 'hmac-sha256'},
      ...{shell_port: shell, iopub_port: iopub, stdin_port: stdin, control_port: control},
      hb_port: hb,
    };
    fs.writeFileSync(connection, JSON.stringify(settings));
    this.process = spawn(process.execPath, [KERNEL, '--config-path', connection], {
      cwd: folder,
      env: {...process.env, JPY_PARENT_PID: String(process.pid), ...environment},
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  }

  /** Starts a kernel in a folder of its own below build/, where it finds the packages. */
  static async start(environment: Environment = {}): Promise<KernelClient> {
    const parent = path.join(ROOT, 'build/kernel-tests');
    fs.mkdirSync(parent, {recursive: true});
    const folder = fs.mkdtempSync(path.join(parent, 'run-'));
    const client = new KernelClient(folder, await freePorts(5), environment);
    await client.connect();
    return client;
  }

  /** Sends one cell and waits for its reply and its idle status. */
  async execute(code: string, options: ExecuteOptions = {}): Promise<Run> {
    return this.outcome(await this.sendCell(code, options));
  }

  /** Sends one cell without waiting; `outcome` waits. */
  sendCell(
    code: string,
    {stopOnError = true, silent = false}: ExecuteOptions = {},
  ): Promise<string> {
    const flags = {silent, store_history: !silent, stop_on_error: stopOnError};
    return this.send(this.shell, 'execute_request', {code, user_expressions: {}, ...flags});
  }

  async outcome(id: string): Promise<Run> {
    const reply = await this.reply(id);
    const mine = () => this.published.filter(message => message.parent === id);
    await until(() => mine().some(({content}) => content['execution_state'] === 'idle'));
    const published = mine();
    const text = (name: string) =>
      published
        .filter(({type, content}) => type === 'stream' && content['name'] === name)
        .map(({content}) => String(content['text']))
        .join('');
    const errors = published
      .filter(({type}) => type === 'error')
      .map(({content}) => content as unknown as KernelError);
    return {reply, published, stdout: text('stdout'), stderr: text('stderr'), errors};
  }

  /** Any request on the shell channel, or with `control` on that one; gives the reply's content. */
  async request(
    type: string,
    content: Record<string, unknown>,
    channel: 'shell' | 'control' = 'shell',
  ): Promise<Readonly<Record<string, unknown>>> {
    return this.reply(await this.send(this[channel], type, content));
  }

  /** Waits until what the kernel published meets a condition. */
  waitFor(condition: (published: readonly Message[]) => boolean): Promise<void> {
    return until(() => condition(this.published));
  }

  /** Sends a request whose signature is wrong. */
  async forge(type: string, content: Record<string, unknown>): Promise<void> {
    const parts = [{msg_id: 'forged', msg_type: type}, {}, {}, content].map(p => JSON.stringify(p));
    await this.shell.send(['<IDS|MSG>', '0'.repeat(64), ...parts]);
  }

  interrupt(): void {
    this.process.kill('SIGINT');
  }

  async stop(): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      const exit = once(this.process, 'exit');
      await this.send(this.control, 'shutdown_request', {restart: false});
      const killer = setTimeout(() => this.process.kill('SIGKILL'), 3000);
      await exit;
      clearTimeout(killer);
    }
    for (const socket of [this.shell, this.control, this.iopub]) socket.close();
    fs.rmSync(this.folder, {recursive: true, force: true});
  }

  private async connect(): Promise<void> {
    const [shell, iopub, , control] = this.ports.map(port => `tcp://127.0.0.1:${port}`);
    assert.ok(shell && iopub && control);
    this.shell.connect(shell);
    this.control.connect(control);
    this.iopub.connect(iopub);
    this.iopub.subscribe();
    void this.receive(this.shell, message => this.replies.set(message.parent, message));
    void this.receive(this.control, message => this.replies.set(message.parent, message));
    void this.receive(this.iopub, message => this.published.push(message));
    // The subscription takes a moment: ask until an answer's status arrives on iopub too.
    while (this.published.length === 0) {
      await this.request('kernel_info_request', {});
      await sleep(20);
    }
  }

  private async receive(socket: Dealer | Subscriber, take: (message: Message) => void) {
    for await (const frames of socket) {
      const start = frames.findIndex(frame => frame.toString() === '<IDS|MSG>') + 1;
      const [signature, ...parts] = frames.slice(start);
      assert.equal(signature?.toString(), this.sign(parts), 'the signature');
      const [header, parent, , content] = parts.map(part => JSON.parse(String(part)) as Json);
      assert.ok(header && parent && content);
      take({type: String(header['msg_type']), parent: String(parent['msg_id']), content});
    }
  }

  private async send(socket: Dealer, type: string, content: Json): Promise<string> {
    const id = randomUUID();
    const names = {username: 'test', session: this.session, version: '5.3'};
    const header = {msg_id: id, msg_type: type, date: new Date().toISOString(), ...names};
    const parts = [header, {}, {}, content].map(part => JSON.stringify(part));
    await socket.send(['<IDS|MSG>', this.sign(parts), ...parts]);
    return id;
  }

  private async reply(id: string): Promise<Json> {
    await until(() => this.replies.has(id) || this.process.exitCode !== null);
    const reply = this.replies.get(id);
    assert.ok(reply, `the kernel exited with ${this.process.exitCode}`);
    return reply.content;
  }

  private sign(parts: readonly (string | Buffer)[]): string {
    const hash = createHmac('sha256', this.key);
    for (const part of parts) hash.update(part);
    return hash.digest('hex');
  }
}

type Json = Readonly<Record<string, unknown>>;

/** Polls a condition; after 20 s it fails. */
export async function until(condition: () => boolean, limitMs = 20_000): Promise<void> {
  const end = Date.now() + limitMs;
  while (!condition()) {
    assert.ok(Date.now() < end, `waited ${limitMs} ms for ${String(condition)}`);
    await sleep(5);
  }
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({length: count}, () => net.createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map(server => once(server, 'listening')));
  const ports = servers.map(server => (server.address() as net.AddressInfo).port);
  await Promise.all(servers.map(server => once(server.close(), 'close')));
  return ports;
}

/** A folder for the test's own files, outside of the clone. */
export function temporaryFolder(): string {
  return fs.mkdtempSync(path.join(os.tmpdir(), 'latent-kernel-'));
}
