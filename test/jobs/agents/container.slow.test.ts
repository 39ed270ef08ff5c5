/** A worker of agents in a container, by real Podman: what `sluice boot` writes, and what its unit runs. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { after, before, test } from 'node:test';
import { parseEnv } from 'node:util';
import { RoomAgentDispatch, RoomConfiguration } from '@livekit/protocol';
import { dispose } from '@livekit/rtc-node';
import { RoomServiceClient } from 'livekit-server-sdk';
import { BootMachine } from '../../image/support/boot-machine';
import { NodeClient } from '../../support/rtc-node';
import { startServer, type TestServer } from '../../support/server';
import { joinToken } from '../../support/tokens';
import { until } from '../../support/wait';
import { questions } from './support/questions';
import { WorkerImage } from './support/worker-image';

const BIN = join(__dirname, '../../../node-image/image/bin');
const image = new WorkerImage();
const client = new NodeClient();
let server: TestServer;
let worker: ChildProcess | undefined;

before(async () => {
  await image.make();
  server = await startServer({ alwaysOwn: true });
});
after(async () => {
  await client.leave().catch(() => undefined);
  worker?.kill('SIGKILL');
  image.remove();
  await server?.close();
  // Without this the native library keeps the process alive.
  await dispose();
});

test('a worker in a container has its limits and its environment, its agent answers, and SIGTERM drains it', {
  timeout: 120_000,
}, async (t) => {
  const machine = new BootMachine(t);
  machine.write('/usr/bin/podman', '', 0o755);
  machine.write(
    '/etc/sluice/echo.env',
    `LIVEKIT_URL=${server.url}\nLIVEKIT_API_KEY=${server.apiKey}\nLIVEKIT_API_SECRET="${server.apiSecret}"\nAGENT_NAME=echo\n`,
    0o600,
  );
  machine.plan({ cloud: 'none', role: 'single' });
  machine.write(
    '/etc/sluice/sluice.yaml',
    `keys: { own: ${'k'.repeat(40)} }
sluice:
  agents:
    - name: echo
      image: ${image.name}
      args: [echo-agent.mjs, start, --log-level, debug]
      env_file: /etc/sluice/echo.env
      cpus: 1.5
      memory: 1073741824
`,
  );
  await machine.boot();
  const config = '/run/sluice/agents/config';
  const program = join(machine.root, 'agents-worker');
  const script = readFileSync(join(BIN, 'agents-worker'), 'utf8');
  writeFileSync(program, script.replace(config, machine.root + config), { mode: 0o755 });
  copyFileSync(join(BIN, 'pull-image'), join(machine.root, 'pull-image'));
  // What systemd lends the unit, a control group of its own, is not there outside of one.
  const wrapper = [
    ...['#!/bin/sh', 'for one; do shift; [ "$one" = --cgroups=split ] || set -- "$@" "$one"; done'],
    `PATH=${image.env['PATH']} exec podman "$@"`,
  ];
  machine.write('/bin/podman', `${wrapper.join('\n')}\n`, 0o755);
  let log = '';
  const explain = (): string => log;
  worker = spawn(program, ['echo-1'], {
    env: {
      ...image.env,
      PATH: [join(machine.root, 'bin'), image.env['PATH']].join(delimiter),
      ...parseEnv(machine.read(`${config}/echo-1.env`)),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [worker.stdout, worker.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      log += chunk;
    });
  }
  const ended = once(worker, 'exit');
  await until('the worker to register', () => log.includes('"registered worker"'), {
    timeoutMs: 40_000,
    explain,
  });
  const arguments_ = readFileSync(`/proc/${worker.pid}/cmdline`, 'utf8');
  assert.ok(arguments_.includes('--env-file') && !arguments_.includes(server.apiSecret));
  const inspected = image.podman(
    ...['inspect', 'sluice-agents-echo-1', '--format'],
    '{{.HostConfig.NanoCpus}} {{.HostConfig.Memory}} {{.HostConfig.MemorySwap}}',
  );
  assert.equal(inspected.trim(), `1500000000 ${2 ** 30} ${2 ** 30}`);

  const roomConfig = new RoomConfiguration({
    agents: [new RoomAgentDispatch({ agentName: 'echo', metadata: 'm' })],
  });
  const ask = questions(client, 40_000, explain);
  await client.connect(server.url, await joinToken(server, 'room', 'alice', { roomConfig }));
  await ask('before', 'm');
  worker.kill('SIGTERM');
  await until('the worker to drain', () => log.includes('draining worker'), {
    timeoutMs: 20_000,
    explain,
  });
  await ask('while it drains', 'm');
  await new RoomServiceClient(server.httpUrl, server.apiKey, server.apiSecret).deleteRoom('room');
  const [code] = await ended;
  // As the framework ends after SIGTERM, which its unit takes as well.
  assert.equal(code, 143, log);
});
