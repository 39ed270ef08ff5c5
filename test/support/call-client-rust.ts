import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { CallClient, CallClients } from './call-client';
import type {
  ClientStatus,
  SmallClientMessage,
  SmallClientReply,
  SmallClientRequest,
} from './small-client-protocol';
import { within } from './wait';

const REPOSITORY = join(__dirname, '..', '..');
const PROGRAM = join(__dirname, 'small-client-process.ts');

/**
 * Clients of the Rust SDK (@livekit/rtc-node) in a process of their own, so that neither their load
 * nor a crash of theirs is the test's.
 */
export class RustClients implements CallClients {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (reply: SmallClientReply) => void>();
  readonly #log: string[] = [];
  readonly #killAtExit = (): void => {
    this.#child.kill('SIGKILL');
  };
  #nextId = 1;
  #end: string | undefined;

  private constructor(child: ChildProcess) {
    this.#child = child;
    process.once('exit', this.#killAtExit);
    const keep = (chunk: Buffer): void => {
      this.#log.push(chunk.toString());
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    child.on('message', (reply: SmallClientReply) => {
      this.#waiting.get(reply.id)?.(reply);
      this.#waiting.delete(reply.id);
    });
    // Not 'exit': what it wrote last says why.
    child.once('close', (code, signal) => {
      const said = this.#log.join('').slice(-5_000);
      this.#end = `the process of the clients ended with ${signal ?? code}\n${said}`;
      for (const [id, answer] of this.#waiting) answer({ id, error: this.#end });
      this.#waiting.clear();
    });
  }

  /**
   * @param env - over the environment of the test, such as a log level of the SDK.
   * @param prefix - what it is started with, such as `nsenter` for another network. @default none
   */
  static async start(
    env: Readonly<Record<string, string>> = {},
    prefix: readonly string[] = [],
  ): Promise<RustClients> {
    const command = [...prefix, process.execPath, '--import', 'tsx', PROGRAM];
    const child = spawn(command[0] ?? '', command.slice(1), {
      cwd: REPOSITORY,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...process.env, ...env },
    });
    const clients = new RustClients(child);
    await within('the process of the clients to start', once(child, 'message'), 20_000);
    return clients;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** How the process ended by itself; undefined while it runs. */
  get ended(): string | undefined {
    return this.#end;
  }

  /** What the process wrote since the last call. */
  takeLog(): string {
    return this.#log.splice(0).join('');
  }

  async join(...[identity, url, token, options = {}]: Parameters<CallClients['join']>) {
    await this.#ask({ command: 'join', identity, url, token, options });
    const client: CallClient = {
      identity,
      sdk: 'rust',
      status: async (sinceMs = 0) => {
        const { status } = await this.#ask({ command: 'status', identity, sinceMs });
        if (status === undefined) throw new Error(`no status of ${identity}`);
        return status satisfies ClientStatus;
      },
      leave: async () => {
        await this.#ask({ command: 'leave', identity });
      },
    };
    return client;
  }

  async close(): Promise<void> {
    process.removeListener('exit', this.#killAtExit);
    if (this.#end !== undefined) return;
    const exited = once(this.#child, 'exit');
    this.#child.disconnect();
    const force = setTimeout(() => this.#child.kill('SIGKILL'), 5_000);
    await exited;
    clearTimeout(force);
  }

  async #ask(request: SmallClientRequest): Promise<SmallClientReply> {
    if (this.#end !== undefined) throw new Error(this.#end);
    const id = this.#nextId++;
    const reply = await within(
      `${request.identity} to ${request.command}`,
      new Promise<SmallClientReply>((resolve) => {
        this.#waiting.set(id, resolve);
        this.#child.send({ id, request } satisfies SmallClientMessage);
      }),
      30_000,
    );
    if (reply.error !== undefined) {
      throw new Error(`${request.identity}: ${request.command}: ${reply.error}`);
    }
    return reply;
  }
}
