import { randomBytes } from 'node:crypto';
import { accessSync, constants } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { anyFreePort } from './slot-ports';
import { SupervisedProcess } from './supervised-process';

const HOST = '127.0.0.1';
const START_MS = 10_000;
const KEPT_LINES = 20;

/**
 * Redis ends when its input does, and so with this process, however that ends; the folder goes too.
 * $1 is the folder, the rest the command.
 */
const GUARD = `
dir=$1; shift
exec 3<&0
server=
trap '[ -n "$server" ] && kill "$server" 2>/dev/null && wait "$server"; rm -rf "$dir"; exit 0' TERM
"$@" </dev/null 3<&- & server=$!
(trap - TERM; cat <&3 >/dev/null; kill "$$" 2>/dev/null) & watcher=$!
wait "$server"; code=$?
kill "$watcher" 2>/dev/null
exit "$code"
`;

/** redis-server could not be started. The text is for people. */
export class LocalRedisError extends Error {
  override readonly name = 'LocalRedisError';
}

export interface LocalRedisOptions {
  /** Path of redis-server. */
  readonly program: string;
  /** For its files, closed to others; deleted when it is closed. */
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  readonly onDeath: (how: string, againInMs: number) => void;
}

/** redis-server, by REDIS_SERVER_BIN or in the PATH; undefined where there is none. */
export function findRedisServer(env: NodeJS.ProcessEnv): string | undefined {
  const given = env['REDIS_SERVER_BIN'];
  const folders = [...(env['PATH'] ?? '').split(delimiter), '/usr/bin', '/usr/local/bin'];
  const files =
    given !== undefined && given !== ''
      ? [resolve(given)]
      : folders.filter(Boolean).map((folder) => join(folder, 'redis-server'));
  return files.find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** The Redis of a local cluster: on loopback, with a password of its own, started again when it dies. */
export class LocalRedis {
  readonly address: string;
  readonly password: string;
  readonly #process: SupervisedProcess;

  private constructor(address: string, password: string, process: SupervisedProcess) {
    this.address = address;
    this.password = password;
    this.#process = process;
  }

  /**
   * @param signal - gives up
   * @throws LocalRedisError with its last lines when it ends, or does not serve in time.
   */
  static async start(options: LocalRedisOptions, signal: AbortSignal): Promise<LocalRedis> {
    const { program, folder, env, onDeath } = options;
    const port = await anyFreePort();
    const password = randomBytes(32).toString('hex');
    const file = join(folder, 'redis.conf');
    await writeFile(file, configText({ port, password, folder }), { mode: 0o600 });
    const lines: string[] = [];
    let hasStarted = false;
    let hasFailed = false;
    const child = new SupervisedProcess({
      name: 'redis',
      command: '/bin/sh',
      args: ['-c', GUARD, 'redis', folder, program, file],
      env,
      onLine: (line) => {
        lines.push(line);
        lines.splice(0, lines.length - KEPT_LINES);
      },
      onDeath: (how, againInMs) => {
        if (hasStarted) {
          onDeath(how, againInMs);
        } else {
          hasFailed = true;
        }
      },
    });
    const redis = new LocalRedis(`${HOST}:${port}`, password, child);
    if (!(await answers(port, password, () => hasFailed || signal.aborted))) {
      await redis.close();
      throw new LocalRedisError(
        `${program} does not serve on ${HOST}:${port}:\n${lines.join('\n')}`,
      );
    }
    hasStarted = true;
    return redis;
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Ends it, and deletes its folder. Idempotent. @param patienceMs - after which it is killed */
  async close(patienceMs = 2000): Promise<void> {
    await this.#process.stop('end of input', patienceMs);
  }
}

function configText(given: { port: number; password: string; folder: string }): string {
  return [
    `bind ${HOST}`,
    `port ${given.port}`,
    `requirepass ${given.password}`,
    `dir ${JSON.stringify(given.folder)}`,
    'daemonize no',
    'databases 1',
    // What it knows outlives a crash of it.
    'appendonly yes',
    'appendfsync everysec',
    'save ""',
    'logfile ""',
    'loglevel notice',
    '',
  ].join('\n');
}

async function answers(port: number, password: string, isOver: () => boolean): Promise<boolean> {
  const deadline = performance.now() + START_MS;
  while (performance.now() < deadline && !isOver()) {
    const client = new Redis({
      host: HOST,
      port,
      password,
      lazyConnect: true,
      enableOfflineQueue: false,
      retryStrategy: () => null,
      // It holds up the end of this process for so long.
      disconnectTimeout: 50,
    });
    client.on('error', () => {});
    try {
      await client.connect();
      await client.ping();
      return true;
    } catch {
      await sleep(50);
    } finally {
      client.disconnect();
    }
  }
  return false;
}
