import type { NodeNamespace } from './cluster-namespace';
import { NodeProcess } from './cluster-process';
import type { RedisLink } from './cluster-redis-link';

/** Sections of sluice.yaml. */
export type Config = Readonly<Record<string, unknown>>;

export interface NodeParts {
  readonly name: string;
  readonly role: 'master' | 'media';
  /** Its machine's. */
  readonly address: string;
  readonly redisLink: RedisLink;
  readonly namespace?: NodeNamespace;
}

/** A node of a test cluster, over all its starts: its ports stay the same, its id does not. */
export class ClusterNode {
  readonly name: string;
  readonly role: 'master' | 'media';
  /** Its way to Redis. */
  readonly redisLink: RedisLink;
  readonly config: Config;
  readonly #parts: NodeParts;
  #process: NodeProcess | undefined;
  #earlier = '';

  constructor(parts: NodeParts, config: Config) {
    this.name = parts.name;
    this.role = parts.role;
    this.redisLink = parts.redisLink;
    this.config = config;
    this.#parts = parts;
  }

  /** Where it answers HTTP itself: of a Media Node, only its health. */
  get httpUrl(): string {
    return `http://${this.#parts.address}:${this.config['port']}`;
  }

  /** The same for client SDKs; of a master. */
  get url(): string {
    return this.httpUrl.replace(/^http/, 'ws');
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** Of the present start. */
  get nodeId(): string {
    return this.#process?.nodeId ?? '';
  }

  get running(): boolean {
    return this.#process !== undefined && this.#process.end === undefined;
  }

  /** How its process ended, such as "ended with exit code 0"; undefined: it runs. */
  get end(): string | undefined {
    return this.#process?.end;
  }

  /** All that it has written, over all its starts. */
  get log(): string {
    return this.#earlier + (this.#process?.log ?? '');
  }

  /** What it wrote since the last call, in its present start. */
  takeLog(): string {
    return this.#process?.takeLog() ?? '';
  }

  /** Starts its process. @throws Error with its log where it does not come to serve. */
  async start(env: Readonly<Record<string, string>> = {}): Promise<void> {
    this.#earlier = this.log;
    const { namespace, name } = this.#parts;
    this.#process = new NodeProcess({
      name,
      config: this.config,
      env,
      ...(namespace === undefined ? {} : { prefix: namespace.prefix }),
    });
    await this.#process.serving();
  }

  /** Ends it at once, and its workers with it. */
  async kill(): Promise<void> {
    this.#process?.kill('SIGKILL');
    await this.#process?.ended();
  }

  /** Sends a signal, and does not wait. */
  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  /** Stops it in order, and waits until it has ended. @param timeoutMs - @default 15000 */
  async stop(timeoutMs = 15_000): Promise<void> {
    this.#process?.kill('SIGTERM');
    await this.#process?.ended(timeoutMs);
  }

  /** Waits until it has ended by itself. */
  async ended(timeoutMs = 15_000): Promise<void> {
    await this.#process?.ended(timeoutMs);
  }

  /** Kills it where it runs, and starts it again on the same ports. */
  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  /** It and its workers stand still, with all connections open. @returns ends that. */
  async freeze(): Promise<() => void> {
    return (await this.#process?.freeze()) ?? (() => undefined);
  }

  /** Nothing reaches it, and nothing of it reaches others. @throws Error without a namespace. */
  async cut(): Promise<void> {
    await this.#namespace().cut();
  }

  /** The end of `cut`. */
  async mend(): Promise<void> {
    await this.#namespace().mend();
  }

  /** Idempotent. */
  async close(): Promise<void> {
    await this.#process?.close();
    await this.redisLink.close();
    await this.#parts.namespace?.close();
  }

  #namespace(): NodeNamespace {
    const { namespace, name } = this.#parts;
    if (namespace === undefined) {
      throw new Error(`${name} has no network namespace: start the cluster with namespaces: true`);
    }
    return namespace;
  }
}
