import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { freePortRange, freeTcpPort } from './ports';
import { until } from './wait';

const REPOSITORY = join(__dirname, '..', '..');
const API_KEY = 'devkey';
const API_SECRET = 'a-secret-of-the-tests-that-is-long-enough';

/** A server to test against, and how to reach it. */
export interface TestServer {
  /** ws:// or wss://, what a client SDK is given. */
  readonly url: string;
  /** http:// or https://, what a server SDK is given. */
  readonly httpUrl: string;
  readonly apiKey: string;
  readonly apiSecret: string;
  /** Set when this is a Single Node that was started for the test, not one given by LIVEKIT_URL. */
  readonly own?: OwnServer;
  /** What the server wrote since the last call; empty for a server that was given. */
  takeLog(): string;
  close(): Promise<void>;
}

/** What is known of a Single Node that this process started. */
export interface OwnServer {
  readonly pid: number;
  /** Where Prometheus metrics are, http://. */
  readonly metricsUrl: string;
  /** First of the UDP ports of the workers. */
  readonly udpPort: number;
  /** First of the TCP ports of the workers. */
  readonly tcpPort: number;
}

export interface ServerOptions {
  /** @default 1 */
  readonly workers?: number;
  /** Merged over the configuration, one level deep. */
  readonly config?: Record<string, unknown>;
  /** Further arguments of the node's command line. @default none */
  readonly args?: readonly string[];
  /** Arguments of Node itself. @default none */
  readonly nodeArgs?: readonly string[];
  /** Start a Single Node even when LIVEKIT_URL names a server. @default false */
  readonly alwaysOwn?: boolean;
}

/** Whether tests run against a Single Node that they start, rather than a server given by LIVEKIT_URL. */
export const testsOwnServer = !process.env['LIVEKIT_URL'];

/**
 * The server that LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET name, or a new Single Node.
 *
 * @throws Error with the server's log when it does not become healthy within 15 s.
 */
export async function startServer(options: ServerOptions = {}): Promise<TestServer> {
  const given = process.env['LIVEKIT_URL'];
  if (given && options.alwaysOwn !== true) return givenServer(given);
  const workers = options.workers ?? 1;
  const port = await freeTcpPort();
  const prometheusPort = await freeTcpPort();
  const udpPort = await freePortRange(workers);
  const tcpPort = await freePortRange(workers);
  const config = mergeConfig(
    {
      port,
      bind_addresses: ['127.0.0.1'],
      keys: { [API_KEY]: API_SECRET },
      prometheus: { port: prometheusPort },
      rtc: {
        udp_port: workers === 1 ? udpPort : `${udpPort}-${udpPort + workers - 1}`,
        tcp_port: tcpPort,
        node_ip: '127.0.0.1',
        use_external_ip: false,
        enable_loopback_candidate: true,
      },
      sluice: { workers },
    },
    options.config ?? {},
  );
  const node = spawnNode(config, options);
  const httpUrl = `http://127.0.0.1:${port}`;
  try {
    await until(
      'the server to be healthy',
      async () => node.failure() !== undefined || (await isHealthy(httpUrl)),
      {
        timeoutMs: 15_000,
        explain: () => node.takeLog(),
      },
    );
    const failure = node.failure();
    if (failure) throw new Error(`${failure}\n${node.takeLog()}`);
  } catch (error) {
    await node.close();
    throw error;
  }
  return {
    url: `ws://127.0.0.1:${port}`,
    httpUrl,
    apiKey: API_KEY,
    apiSecret: API_SECRET,
    own: {
      pid: node.pid,
      metricsUrl: `http://127.0.0.1:${prometheusPort}/metrics`,
      udpPort,
      tcpPort,
    },
    takeLog: node.takeLog,
    close: node.close,
  };
}

function givenServer(url: string): TestServer {
  const apiKey = process.env['LIVEKIT_API_KEY'];
  const apiSecret = process.env['LIVEKIT_API_SECRET'];
  if (!apiKey || !apiSecret) {
    throw new Error(
      'LIVEKIT_URL is set, but not LIVEKIT_API_KEY and LIVEKIT_API_SECRET: set all three, or none',
    );
  }
  return {
    url: url.replace(/^http/, 'ws'),
    httpUrl: url.replace(/^ws/, 'http'),
    apiKey,
    apiSecret,
    takeLog: () => '',
    close: () => Promise.resolve(),
  };
}

interface NodeProcess {
  readonly pid: number;
  failure(): string | undefined;
  takeLog(): string;
  close(): Promise<void>;
}

function spawnNode(
  config: Record<string, unknown>,
  { args: further = [], nodeArgs = [] }: ServerOptions,
): NodeProcess {
  const main = join(REPOSITORY, 'node-image', 'lifecycle', 'main.ts');
  // JSON is YAML too.
  const args = [
    ...nodeArgs,
    '--import',
    'tsx',
    main,
    '--config-body',
    JSON.stringify(config),
    ...further,
  ];
  const child = spawn(process.execPath, args, {
    cwd: REPOSITORY,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const log: string[] = [];
  const collect = (chunk: Buffer): void => {
    log.push(chunk.toString());
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  let failure: string | undefined;
  child.once('error', (error) => {
    failure = `the server could not be started: ${error.message}`;
  });
  child.once('exit', (code, signal) => {
    failure ??= `the server ended with ${signal ?? `exit code ${code}`}`;
  });
  // A test process that dies must not leave a server behind.
  const killAtExit = (): void => {
    child.kill('SIGKILL');
  };
  process.once('exit', killAtExit);
  return {
    pid: child.pid ?? 0,
    failure: () => failure,
    takeLog: () => log.splice(0).join(''),
    close: async () => {
      await stop(child);
      process.removeListener('exit', killAtExit);
    },
  };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const force = setTimeout(() => child.kill('SIGKILL'), 5_000);
  await exited;
  clearTimeout(force);
}

async function isHealthy(httpUrl: string): Promise<boolean> {
  try {
    return (await fetch(httpUrl, { signal: AbortSignal.timeout(2_000) })).ok;
  } catch {
    return false;
  }
}

function mergeConfig(
  base: Record<string, unknown>,
  over: Record<string, unknown>,
): Record<string, unknown> {
  const merged = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const below = merged[key];
    merged[key] = isObject(below) && isObject(value) ? { ...below, ...value } : value;
  }
  return merged;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
