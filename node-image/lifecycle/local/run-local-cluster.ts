import { join } from 'node:path';
import type { LogLevel } from '../../contract';
import { PORTS } from '../../contract';
import { greeting } from './greeting';
import { LocalCluster } from './local-cluster';
import { findRedisServer, LocalRedisError } from './local-redis';
import type { LocalSettings } from './node-config';
import { type NodeProgram, NodeStartError } from './node-process';
import { busyHost, findRtmpPort } from './slot-ports';

export interface RunLocalClusterOptions {
  readonly env: NodeJS.ProcessEnv;
  /** Of the master, for clients. @default - LIVEKIT_PORT, or else 7880 */
  readonly port?: number | undefined;
  /** Media Nodes at first, at least and at most. @default 2, 1 and 4 */
  readonly nodes?: { readonly initial: number; readonly min: number; readonly max: number };
  /** @default - scaled in after 2m, decided every 2s; a drain has 10s of patience, 1m in all */
  readonly settings?: LocalSettings | undefined;
  /** The lowest level of the nodes' log that is shown. @default info */
  readonly level?: LogLevel;
  /** What runs instead where there is no Redis. @returns its exit code. */
  readonly startSingle: () => Promise<number>;
  /** What a node is started with, `--config FILE` at its end. @default - this program, as it was started */
  readonly program?: NodeProgram;
  /** @default - standard output */
  readonly print?: (line: string) => void;
  /** @default - standard error */
  readonly printError?: (line: string) => void;
}

const NODES = { initial: 2, min: 1, max: 4 };
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** Ctrl-C arrives twice through npm: within this time it is one and the same, ms. */
const SAME_REQUEST_MS = 500;
/** Configuration by variables is for one node; here it would be the same for all of them. */
const CONFIG_VARIABLE = /^(?:LIVEKIT_|SLUICE_|REDIS_(?:HOST|PASSWORD)$|UDP_PORT$)/;

/**
 * Runs an elastic cluster on this computer until Ctrl-C (or SIGTERM, SIGHUP): Redis, one Master
 * Node, and Media Nodes that come and go with the load.
 *
 * @returns the exit code: 0 when it was stopped, 1 when it could not be started.
 */
export async function runLocalCluster(options: RunLocalClusterOptions): Promise<number> {
  const { env, nodes = NODES, settings, level = 'info' } = options;
  const {
    print = (line) => process.stdout.write(`${line}\n`),
    printError = (line) => process.stderr.write(`${line}\n`),
  } = options;
  const redisServer = findRedisServer(env);
  if (redisServer === undefined) {
    printError(
      'There is no redis-server here, so this is a Single Node. For the cluster: apt-get install redis-server, or REDIS_SERVER_BIN=/path/of/redis-server.',
    );
    return options.startSingle();
  }
  const port = options.port ?? portOf(env);
  if (port === undefined) {
    printError(`LIVEKIT_PORT is given as "${env['LIVEKIT_PORT']}"; allowed is a port, 1 to 65535.`);
    return 1;
  }
  const stop = new StopRequest();
  const busy = await busyHost(port);
  if (busy !== undefined) {
    stop.close();
    printError(
      `Port ${port} on ${busy} is used by another program, perhaps by Sluice in another window. End that one, or choose another port: LIVEKIT_PORT=${port === 65535 ? port - 100 : port + 100} npm start.`,
    );
    return 1;
  }
  try {
    const program = options.program ?? thisProgram(env);
    const rtmpPort = await findRtmpPort(port);
    const parts = { redisServer, program, port, rtmpPort, nodes, settings, level, print };
    const cluster = await LocalCluster.start(parts, stop.signal);
    print(greeting({ port, rtmpPort, mediaNodes: nodes.initial }));
    stop.onSecond(() => cluster.kill());
    await stop.requested;
    await cluster.close();
    return 0;
  } catch (error) {
    if (stop.signal.aborted) {
      return 0;
    }
    if (error instanceof NodeStartError || error instanceof LocalRedisError) {
      printError(error.message);
      return 1;
    }
    throw error;
  } finally {
    stop.close();
  }
}

/** Ctrl-C, and what else asks this process to end. */
class StopRequest {
  readonly #abort = new AbortController();
  readonly requested: Promise<void>;
  #firstAt = 0;
  #second: (() => void) | undefined;

  constructor() {
    this.requested = new Promise((resolve) => {
      this.#abort.signal.addEventListener('abort', () => resolve());
    });
    for (const signal of SIGNALS) {
      process.on(signal, this.#onSignal);
    }
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  onSecond(listener: () => void): void {
    this.#second = listener;
  }

  close(): void {
    for (const signal of SIGNALS) {
      process.off(signal, this.#onSignal);
    }
  }

  readonly #onSignal = (): void => {
    if (!this.#abort.signal.aborted) {
      this.#firstAt = performance.now();
      this.#abort.abort();
    } else if (performance.now() - this.#firstAt > SAME_REQUEST_MS) {
      this.#second?.();
    }
  };
}

/** A node, started as this process was (with the same loader), which ends with this process. */
function thisProgram(env: NodeJS.ProcessEnv): NodeProgram {
  const extension = __filename.endsWith('.ts') ? 'ts' : 'js';
  const guard = join(__dirname, `end-with-parent.${extension}`);
  const main = join(__dirname, `../main.${extension}`);
  return {
    command: process.execPath,
    args: [...process.execArgv, '--import', guard, main],
    env: Object.fromEntries(Object.entries(env).filter(([name]) => !CONFIG_VARIABLE.test(name))),
  };
}

function portOf(env: NodeJS.ProcessEnv): number | undefined {
  const given = env['LIVEKIT_PORT'];
  const port = given === undefined || given === '' ? PORTS.http : Number(given);
  return Number.isInteger(port) && port >= 1 && port <= 65535 ? port : undefined;
}
