import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePortRange } from '../../support/ports';
import { until } from '../../support/wait';

/** A TURN server that knows nothing of the node: somebody else's. */
export interface OwnCoturn {
  readonly port: number;
  readonly secret: string;
  close(): Promise<void>;
}

/** Starts coturn on 127.0.0.1, for credentials by shared secret. */
export async function startOwnCoturn(): Promise<OwnCoturn> {
  const secret = 'shared-with-a-coturn-of-somebody-else';
  const port = await freePortRange(1);
  const relayPorts = await freePortRange(20);
  const directory = await mkdtemp(join(tmpdir(), 'sluice-test-turn-'));
  const child = spawn(
    'turnserver',
    [
      ...['-n', '--no-cli', '--no-tls', '--no-dtls', '--log-file=stdout', '--simple-log'],
      ...['--listening-ip=127.0.0.1', '--relay-ip=127.0.0.1', `--listening-port=${port}`],
      ...[`--min-port=${relayPorts}`, `--max-port=${relayPorts + 19}`],
      ...['--realm=elsewhere', '--use-auth-secret', `--static-auth-secret=${secret}`],
      ...['--allow-loopback-peers', `--pidfile=${directory}/pid`, `--userdb=${directory}/db`],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      log += chunk.toString();
    });
  }
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  await until('coturn to listen', () => isTaken(port), { explain: () => log });
  return {
    port,
    secret,
    close: async () => {
      child.kill('SIGTERM');
      const force = setTimeout(kill, 3_000);
      await ended;
      clearTimeout(force);
      process.removeListener('exit', kill);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function isTaken(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(true));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(false)));
  });
}
