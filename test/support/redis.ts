import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import type { SluiceConfigInput } from '../../node-image/contract';
import { freePortRange } from './ports';
import { until, within } from './wait';

const HOST = '127.0.0.1';
const READY = /Ready to accept connections|\+monitor master/;

/** The `redis:` section of sluice.yaml. */
export type RedisSection = NonNullable<SluiceConfigInput['redis']>;

/** A real redis-server of a test. It dies with the process of the test. */
export interface TestRedis {
  readonly port: number;
  /** What reaches it: the `redis:` section. */
  readonly config: RedisSection;
  /** Sends a command over a connection of its own. */
  command(name: string, ...args: (string | number)[]): Promise<unknown>;
  /** Dead at once, nothing is written any more. */
  kill(): Promise<void>;
  /** Kills it where it runs, and starts it again on the same port, with the data it had kept. */
  restart(): Promise<void>;
  /** Stops it from running, with all connections open (SIGSTOP). @returns ends that. */
  pause(): () => void;
  /** What it has written to its log. */
  log(): string;
  /** Idempotent. */
  close(): Promise<void>;
}

export interface TestRedisOptions {
  /** @default none */
  readonly password?: string;
  /** Whether it keeps each write over a restart. @default false */
  readonly persistent?: boolean;
  /** Serve TLS only, with these PEM files. @default - no TLS */
  readonly tls?: RedisTlsFiles;
  /** Further arguments of redis-server. @default none */
  readonly args?: readonly string[];
}

export interface RedisTlsFiles {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
  /** Refuse clients without a certificate of this authority. @default false */
  readonly clientsNeedCertificate?: boolean;
}

/** @throws Error with its log when redis-server does not start within 10 s. */
export async function startRedis(options: TestRedisOptions = {}): Promise<TestRedis> {
  const { password, persistent = false, tls, args = [] } = options;
  const { port, server } = await startOnFreePort((free) => [
    ...(tls === undefined ? ['--port', `${free}`] : tlsArguments(free, tls)),
    ...['--save', '', '--appendonly', persistent ? 'yes' : 'no', '--appendfsync', 'always'],
    ...(password === undefined ? [] : ['--requirepass', password, '--masterauth', password]),
    ...args,
  ]);
  return {
    port,
    config: { address: `${HOST}:${port}`, ...(password === undefined ? {} : { password }) },
    command: (name, ...rest) => command(port, name, rest, password, tls),
    kill: () => server.stop(),
    restart: async () => {
      await server.stop();
      await server.start();
    },
    pause: () => server.pause(),
    log: () => server.log,
    close: () => server.close(),
  };
}

export interface TestSentinels {
  readonly config: RedisSection;
  /** The first is the master at the start. */
  readonly servers: readonly TestRedis[];
  /** Idempotent. */
  close(): Promise<void>;
}

/** A master, a replica of it and three sentinels, which fail over after half a second. */
export async function startSentinels(): Promise<TestSentinels> {
  const name = 'sluice-master';
  const master = await startRedis({ args: ['--repl-diskless-sync-delay', '0'] });
  const replica = await startRedis({ args: ['--replicaof', HOST, `${master.port}`] });
  await until('the replica to follow its master', async () =>
    String(await replica.command('INFO', 'replication')).includes('master_link_status:up'),
  );
  const sentinels = await Promise.all(
    [0, 1, 2].map(() =>
      startOnFreePort(
        () => [],
        (free) => [
          `port ${free}`,
          `sentinel monitor ${name} ${HOST} ${master.port} 2`,
          `sentinel down-after-milliseconds ${name} 500`,
          `sentinel failover-timeout ${name} 2000`,
        ],
      ),
    ),
  );
  const first = sentinels[0]?.port ?? 0;
  await until('the sentinels to know each other', async () => {
    const known = await command(first, 'SENTINEL', ['sentinels', name]);
    const replicas = await command(first, 'SENTINEL', ['replicas', name]);
    return (
      [known, replicas].map((list) => (Array.isArray(list) ? list.length : 0)).join() === '2,1'
    );
  });
  return {
    config: {
      sentinel_master_name: name,
      sentinel_addresses: sentinels.map(({ port }) => `${HOST}:${port}`),
    },
    servers: [master, replica],
    close: async () => {
      const all = [...sentinels.map(({ server }) => server), replica, master];
      await Promise.all(all.map((one) => one.close()));
    },
  };
}

export interface TestRedisCluster {
  readonly config: RedisSection;
  readonly servers: readonly TestRedis[];
  /** Idempotent. */
  close(): Promise<void>;
}

/** Three masters of a clustered Redis, without replicas. */
export async function startRedisCluster(): Promise<TestRedisCluster> {
  const servers = await Promise.all(
    [0, 1, 2].map(async () => {
      const bus = await freePortRange(1);
      const enable = ['--cluster-enabled', 'yes', '--cluster-port', `${bus}`];
      return { bus, redis: await startRedis({ args: [...enable, '--bind', HOST] }) };
    }),
  );
  const bounds = [0, 5461, 10923, 16384];
  for (const [i, { redis }] of servers.entries()) {
    await redis.command('CLUSTER', 'ADDSLOTSRANGE', bounds[i] ?? 0, (bounds[i + 1] ?? 0) - 1);
    for (const other of servers.slice(0, i)) {
      await redis.command('CLUSTER', 'MEET', HOST, other.redis.port, other.bus);
    }
  }
  await until('all of the clustered Redis to be in order', async () => {
    const states = await Promise.all(
      servers.map(async ({ redis }) => String(await redis.command('CLUSTER', 'INFO'))),
    );
    return states.every(
      (state) => state.includes('cluster_state:ok') && state.includes('cluster_known_nodes:3'),
    );
  });
  return {
    config: { cluster_addresses: servers.map(({ redis }) => `${HOST}:${redis.port}`) },
    servers: servers.map(({ redis }) => redis),
    close: async () => {
      await Promise.all(servers.map(({ redis }) => redis.close()));
    },
  };
}

/** Below the ports that the system gives to clients: it is still free after a restart. */
async function startOnFreePort(
  args: (port: number) => string[],
  sentinelConfig?: (port: number) => string[],
): Promise<{ readonly port: number; readonly server: RedisProcess }> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePortRange(1);
    const server = new RedisProcess(args(port), sentinelConfig?.(port).join('\n'));
    try {
      await server.start();
      return { port, server };
    } catch (error) {
      await server.close();
      // Another test was quicker to take the port.
      if (attempt === 5 || !server.log.includes('Address already in use')) throw error;
    }
  }
}

/** One redis-server with a folder of its own. */
class RedisProcess {
  readonly #args: readonly string[];
  /** Of a sentinel. */
  readonly #config: string | undefined;
  readonly #folder = mkdtempSync(join(tmpdir(), 'sluice-redis-'));
  readonly #atExit = (): void => {
    this.#child?.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  };
  #child: ChildProcess | undefined;
  log = '';

  constructor(args: readonly string[], config?: string) {
    this.#args = args;
    this.#config = config;
    process.once('exit', this.#atExit);
  }

  async start(): Promise<void> {
    const start = this.log.length;
    // A sentinel wants a file that it can write to.
    const file = join(this.#folder, 'redis.conf');
    if (this.#config !== undefined) writeFileSync(file, this.#config);
    const args = this.#config === undefined ? this.#args : [file, '--sentinel'];
    const child = spawn('redis-server', [...args, '--dir', this.#folder], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    // A test that fails before it closes this one ends all the same, and that ends this one.
    child.unref();
    for (const output of [child.stdout, child.stderr]) if (output instanceof Socket) output.unref();
    let failure: string | undefined;
    const keep = (chunk: Buffer): void => {
      this.log += chunk.toString();
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.once('error', ({ message }) => {
      failure = message;
    });
    child.once('exit', (code) => {
      failure = `redis-server ended with code ${code}`;
    });
    await until(
      'redis-server to be ready',
      () => {
        if (failure !== undefined) throw new Error(`${failure}\n${this.log.slice(start)}`);
        return READY.test(this.log.slice(start));
      },
      { intervalMs: 20, explain: () => this.log.slice(start) },
    );
  }

  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await within('redis-server to end', ended);
  }

  pause(): () => void {
    const child = this.#child;
    child?.kill('SIGSTOP');
    return () => child?.kill('SIGCONT');
  }

  async close(): Promise<void> {
    process.removeListener('exit', this.#atExit);
    await this.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function tlsArguments(port: number, tls: RedisTlsFiles): string[] {
  const { caFile, certFile, keyFile, clientsNeedCertificate = false } = tls;
  return [
    ...['--port', '0', '--tls-port', `${port}`],
    ...['--tls-cert-file', certFile, '--tls-key-file', keyFile, '--tls-ca-cert-file', caFile],
    ...['--tls-auth-clients', clientsNeedCertificate ? 'yes' : 'no'],
  ];
}

const clientTls = (tls: RedisTlsFiles) => ({
  rejectUnauthorized: false,
  cert: readFileSync(tls.certFile),
  key: readFileSync(tls.keyFile),
});

async function command(
  port: number,
  name: string,
  args: readonly (string | number)[],
  password?: string,
  tls?: RedisTlsFiles,
): Promise<unknown> {
  const client = new Redis(port, HOST, {
    retryStrategy: () => null,
    ...(password === undefined ? {} : { password }),
    ...(tls === undefined ? {} : { tls: clientTls(tls) }),
    disableClientInfo: true,
  });
  client.on('error', () => {
    // The command rejects, which says it all.
  });
  try {
    return await client.call(name, args.map(String));
  } finally {
    client.disconnect();
  }
}
