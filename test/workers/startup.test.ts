import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { freePortRange, freeTcpPort } from '../support/ports';

const REPOSITORY = join(__dirname, '..', '..');
const options = { timeout: 40_000 };

interface Ports {
  readonly http: number;
  readonly udp: number;
  readonly tcp: number;
}

interface Ended {
  readonly code: number | null;
  readonly stderr: string;
  readonly stdout: string;
}

const freePorts = async (): Promise<Ports> => ({
  http: await freeTcpPort(),
  udp: await freePortRange(2),
  tcp: await freePortRange(2),
});

/** Starts a node that cannot start, and waits until it has ended by itself. */
async function start(ports: Ports, env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const config = {
    port: ports.http,
    bind_addresses: ['127.0.0.1'],
    keys: { devkey: 'a-secret-of-the-tests-that-is-long-enough' },
    rtc: {
      udp_port: `${ports.udp}-${ports.udp + 1}`,
      tcp_port: ports.tcp,
      node_ip: '127.0.0.1',
      enable_loopback_candidate: true,
    },
    sluice: { workers: 2 },
  };
  const main = join(REPOSITORY, 'node-image', 'lifecycle', 'main.ts');
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', main, '--config-body', JSON.stringify(config)],
    { cwd: REPOSITORY, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += String(chunk);
  });
  child.stderr.on('data', (chunk) => {
    stderr += String(chunk);
  });
  const force = setTimeout(() => child.kill('SIGKILL'), 20_000);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  clearTimeout(force);
  return { code, stderr, stdout };
}

function assertOneSentence({ code, stderr }: Ended, ...says: RegExp[]): void {
  assert.equal(code, 1, stderr);
  assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
  for (const word of says) assert.match(stderr, word);
  assert.doesNotMatch(stderr, /\n\s+at /);
}

test(
  'a UDP port of the second worker is taken: one sentence says which and what to do',
  options,
  async () => {
    const ports = await freePorts();
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind(ports.udp + 1, '127.0.0.1', () => resolve()));
    try {
      const ended = await start(ports);
      assertOneSentence(
        ended,
        new RegExp(`udp ${ports.udp + 1}`),
        /rtc\.(udp_port|port_range_start)/,
      );
    } finally {
      socket.close();
    }
  },
);

for (const which of ['tcp', 'http'] as const) {
  test(`the ${which} port is taken: one sentence says which and what to do`, options, async () => {
    const ports = await freePorts();
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(ports[which], '127.0.0.1', () => resolve()));
    try {
      const ended = await start(ports);
      assertOneSentence(ended, new RegExp(String(ports[which])), /free|stop|choose|other/);
    } finally {
      server.close();
    }
  });
}

test(
  'the worker is missing: one sentence says where it was sought and how to get it',
  options,
  async () => {
    const ended = await start(await freePorts(), {
      MEDIASOUP_WORKER_BIN: '/nowhere/mediasoup-worker',
    });
    assertOneSentence(ended, /\/nowhere\/mediasoup-worker/, /npm run setup|npm start/);
  },
);

test('the worker is some other program: one sentence', options, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-'));
  try {
    const worker = join(folder, 'worker');
    await writeFile(worker, '#!/bin/sh\nexit 3\n', { mode: 0o755 });
    assertOneSentence(await start(await freePorts(), { MEDIASOUP_WORKER_BIN: worker }), /setup/);
    // As after a download that was cut off, or on another machine.
    await writeFile(worker, 'no program', { mode: 0o644 });
    assertOneSentence(await start(await freePorts(), { MEDIASOUP_WORKER_BIN: worker }), /setup/);
  } finally {
    await rm(folder, { recursive: true });
  }
});
