import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Logger } from 'pino';
import { findProgram } from '../jobs/egress/programs';
import {
  allowedRanges,
  type CoturnConfig,
  databaseFile,
  renderCoturnConfig,
} from './coturn-config';
import { CoturnPeers } from './coturn-peers';
import { answersStun, requireFreePort } from './coturn-probe';
import { withParent } from './with-parent';

const START_TIMEOUT_MS = 10_000;
const PROBE_MS = 250;
const STOP_TIMEOUT_MS = 3000;
const RESTART_MIN_MS = 500;
const RESTART_MAX_MS = 30_000;
/** After so long a life, the next end is a new trouble, not the same again. */
const STABLE_MS = 60_000;
const LINES_KEPT = 5;

export interface CoturnOptions {
  readonly config: CoturnConfig;
  readonly log: Pick<Logger, 'debug' | 'info' | 'warn'>;
  /** @default "turnserver" */
  readonly command?: string;
  /** The first wait before a restart, in ms; doubles up to 30 s. @default 500 */
  readonly restartMinMs?: number;
}

/** TURN could not be started. The message is one sentence that says what to do. */
export class CoturnError extends Error {
  override readonly name = 'CoturnError';
}

/**
 * The TURN server of this node: a coturn process that is started again whenever it ends. The
 * secret reaches it in a file that only this user can read.
 */
export class Coturn {
  readonly #options: CoturnOptions;
  #directory: string | undefined;
  #peers: CoturnPeers | undefined;
  #child: ChildProcess | undefined;
  #restartTimer: NodeJS.Timeout | undefined;
  #failures = 0;
  #restarts = 0;
  #starting: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  readonly #lastLines: string[] = [];
  /** A node that ends without `close` leaves no TURN server behind, nor one that is killed. */
  readonly #onExit = (): void => void this.#child?.kill('SIGKILL');

  constructor(options: CoturnOptions) {
    this.#options = options;
  }

  /** Of the process that runs now. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** How often it had to be started again. */
  get restarts(): number {
    return this.#restarts;
  }

  /** What is wrong, for the health of the node; undefined when it runs. */
  get trouble(): string | undefined {
    if (this.#child !== undefined || this.#closing !== undefined) return undefined;
    return this.#starting === undefined ? 'TURN is not started' : 'the TURN server ended';
  }

  /** @throws CoturnError when it does not answer within 10 s. */
  start(): Promise<void> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  /**
   * Lets it relay to these addresses too, within 5 s, and no longer to those of the last call: but
   * never to what is denied. Connections stay. Never rejects.
   */
  async allow(peers: readonly string[]): Promise<void> {
    if (this.#closing !== undefined) return;
    const { deniedPeers } = this.#options.config;
    await this.#peers?.set(allowedRanges({ allowedPeers: peers, deniedPeers }));
  }

  /** Ends the process and removes its files. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #start(): Promise<void> {
    const { config } = this.#options;
    const { command = 'turnserver' } = this.#options;
    if (findProgram(command) === undefined) {
      throw new CoturnError(
        `${command} is not installed: apt install coturn, or set turn.enabled to false.`,
      );
    }
    await this.#requireFreePorts();
    this.#directory = await mkdtemp(join(tmpdir(), 'sluice-turn-'));
    const text = renderCoturnConfig(config, this.#directory);
    await writeFile(this.#configFile(), text, { mode: 0o600, flag: 'wx' });
    if (this.#closing !== undefined) {
      await rm(this.#directory, { recursive: true, force: true });
      throw new CoturnError('The TURN server was closed while it started.');
    }
    process.once('exit', this.#onExit);
    try {
      const ended = this.#run();
      await Promise.race([ended, this.#answering()]);
    } catch (error) {
      await this.close();
      throw error;
    }
    this.#peers = new CoturnPeers(databaseFile(this.#directory), this.#options.log);
    this.#options.log.info({ pid: this.pid, port: config.port }, 'TURN server runs');
  }

  async #requireFreePorts(): Promise<void> {
    const { port, extraPorts = [], tls } = this.#options.config;
    const ports = [port, ...extraPorts, ...(tls === undefined ? [] : [tls.port])];
    for (const taken of ports) {
      try {
        await requireFreePort(this.#probeAddress(), taken);
      } catch (error) {
        throw new CoturnError(
          `TURN cannot listen on port ${taken}: another program has it or this user may not; stop that program (an old turnserver?), or change turn.udp_port or turn.tls_port.`,
          { cause: error },
        );
      }
    }
  }

  /** @returns a promise that rejects when the process ends. */
  #run(): Promise<never> {
    const { command = 'turnserver', log } = this.#options;
    // The environment too is kept from it: it may hold this node's keys.
    const env = { PATH: process.env['PATH'] ?? '' };
    const child = spawn(...withParent(command, ['-c', this.#configFile()]), {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    const startedMs = performance.now();
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        this.#lastLines.push(line);
        if (this.#lastLines.length > LINES_KEPT) this.#lastLines.shift();
        log.debug({ line }, 'coturn');
      });
    }
    const ended = new Promise<never>((_resolve, reject) => {
      child.once('error', (error) => {
        // With a pid it runs, and only a signal could not be sent.
        if (child.pid !== undefined) return;
        this.#child = undefined;
        this.#afterEnd(error.message, 0);
        reject(new CoturnError(`${command} cannot be started: ${error.message}`, { cause: error }));
      });
      child.once('exit', (code, signal) => {
        this.#child = undefined;
        this.#afterEnd(code ?? signal, performance.now() - startedMs);
        const lines = this.#lastLines.join(' | ');
        reject(new CoturnError(`The TURN server ended (${code ?? signal}): ${lines}`));
      });
    });
    ended.catch(() => undefined);
    return ended;
  }

  #afterEnd(how: number | string | null, livedMs: number): void {
    if (this.#closing !== undefined) return;
    this.#failures = livedMs > STABLE_MS ? 0 : this.#failures;
    const { restartMinMs = RESTART_MIN_MS, log } = this.#options;
    const delayMs = Math.min(restartMinMs * 2 ** this.#failures, RESTART_MAX_MS);
    this.#failures += 1;
    log.warn({ how, delayMs, lines: [...this.#lastLines] }, 'TURN server ended, starts again');
    this.#restartTimer = setTimeout(() => {
      this.#restarts += 1;
      void this.#run();
    }, delayMs);
  }

  async #answering(): Promise<void> {
    const deadline = performance.now() + START_TIMEOUT_MS;
    while (performance.now() < deadline && this.#closing === undefined) {
      const askedMs = performance.now();
      if (await answersStun(this.#probeAddress(), this.#options.config.port, PROBE_MS)) return;
      const restMs = Math.max(0, PROBE_MS - (performance.now() - askedMs));
      await new Promise((resolve) => setTimeout(resolve, restMs));
    }
    const seconds = START_TIMEOUT_MS / 1000;
    throw new CoturnError(
      `The TURN server did not answer within ${seconds} s: ${this.#lastLines.join(' | ')}`,
    );
  }

  async #close(): Promise<void> {
    clearTimeout(this.#restartTimer);
    process.removeListener('exit', this.#onExit);
    const child = this.#child;
    if (child !== undefined) {
      const exited = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
      await exited;
      clearTimeout(timer);
    }
    if (this.#directory !== undefined) await rm(this.#directory, { recursive: true, force: true });
  }

  #configFile(): string {
    return join(this.#directory ?? '', 'turnserver.conf');
  }

  #probeAddress(): string {
    const [address = '0.0.0.0'] = this.#options.config.listenAddresses;
    return address === '0.0.0.0' || address === '::' ? '127.0.0.1' : address;
  }
}
