/** The servers that are measured: each run gets a fresh one. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AccessToken } from 'livekit-server-sdk';

const REPOSITORY = join(__dirname, '..');
const KEY = 'bench';
const SECRET = 'a-secret-of-the-bench-that-is-long-enough';
const HEALTHY_WITHIN_MS = 30_000;
const METRICS_PORT = 7889;

export type ServerKind = 'sluice' | 'livekit-server';

export interface BenchServer {
  readonly url: string;
  readonly pid: number;
  readonly apiKey: string;
  readonly apiSecret: string;
  /** Where Sluice tells its metrics. */
  readonly metricsUrl: string;
  /** Lets an identity join a Room. */
  token(room: string, identity: string): Promise<string>;
  close(): Promise<void>;
}

export interface StartServerOptions {
  readonly kind: ServerKind;
  /** The program of livekit-server; not needed for Sluice. */
  readonly peer: string;
  /** The address that the server binds and announces. */
  readonly address: string;
  /** Further keys of `sluice`. @default none */
  readonly sluice?: Readonly<Record<string, unknown>> | undefined;
}

/** @throws Error with the server's log when it is not healthy within 30 s. */
export async function startBenchServer(options: StartServerOptions): Promise<BenchServer> {
  const { kind, peer, address, sluice } = options;
  const rtc = { node_ip: address, use_external_ip: false };
  const config = JSON.stringify({
    port: 7880,
    bind_addresses: [address],
    keys: { [KEY]: SECRET },
    ...(kind === 'sluice'
      ? {
          rtc: { ...rtc, udp_port: '7900-7963', tcp_port: 8000 },
          prometheus: { port: METRICS_PORT },
          sluice: {
            // All load comes from one address; livekit-server has no such limit.
            joins_per_second_by_address: 1_000,
            joins_per_second_by_key: 1_000,
            ...sluice,
          },
        }
      : {
          rtc: { ...rtc, udp_port: 7882, tcp_port: 7881 },
          logging: { level: 'warn', pion_level: 'error' },
        }),
  });
  const main = join(REPOSITORY, 'node-image', 'lifecycle', 'main.ts');
  const [program, args] =
    kind === 'sluice' ? [process.execPath, ['--import', 'tsx', main]] : [peer, []];
  const child = spawn(program, [...args, '--config-body', config], {
    cwd: REPOSITORY,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  let failure: string | undefined;
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      log = (log + chunk.toString()).slice(-20_000);
    });
  }
  child.once('error', (error) => {
    failure = error.message;
  });
  child.once('exit', (code, signal) => {
    failure ??= `it ended with ${signal ?? `exit code ${code}`}`;
  });
  const killAtExit = (): void => {
    child.kill('SIGKILL');
  };
  process.once('exit', killAtExit);
  const close = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) {
      const exited = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      // livekit-server waits for all to leave, and they have just been told to.
      const force = setTimeout(() => child.kill('SIGKILL'), 8_000);
      await exited;
      clearTimeout(force);
    }
    process.removeListener('exit', killAtExit);
  };

  const deadline = Date.now() + HEALTHY_WITHIN_MS;
  while (failure === undefined && !(await isHealthy(`http://${address}:7880`))) {
    if (Date.now() > deadline) failure = `it was not healthy within ${HEALTHY_WITHIN_MS / 1000} s`;
    await sleep(100);
  }
  if (failure !== undefined) {
    await close();
    throw new Error(`${kind} (${program}) cannot be measured: ${failure}\n${log}`);
  }
  return {
    url: `ws://${address}:7880`,
    pid: child.pid ?? 0,
    apiKey: KEY,
    apiSecret: SECRET,
    metricsUrl: `http://${address}:${METRICS_PORT}/metrics`,
    token: (room, identity) => {
      const token = new AccessToken(KEY, SECRET, { identity });
      token.addGrant({ roomJoin: true, room });
      return token.toJwt();
    },
    close,
  };
}

async function isHealthy(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(2_000) })).ok;
  } catch {
    return false;
  }
}
