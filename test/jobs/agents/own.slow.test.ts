import assert from 'node:assert/strict';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { RoomAgentDispatch, RoomConfiguration } from '@livekit/protocol';
import { dispose } from '@livekit/rtc-node';
import { freeTcpPort } from '../../support/ports';
import { NodeClient } from '../../support/rtc-node';
import { startServer, type TestServer } from '../../support/server';
import { joinToken } from '../../support/tokens';
import { until } from '../../support/wait';
import { questions } from './support/questions';
import { ECHO_PROGRAM } from './support/real-worker';

let server: TestServer;
let folder: string;
let log = '';
const client = new NodeClient();

before(async () => {
  const packages = process.env['AGENTS_JS_FOLDER'];
  assert.ok(packages, "run the tests by npm, which brings LiveKit's agents for Node.js");
  await copyFile(ECHO_PROGRAM, join(packages, 'echo-agent.mjs'));
  folder = await mkdtemp(join(tmpdir(), 'own-agents-'));
  const envFile = join(folder, 'echo.env');
  server = await startServer({
    alwaysOwn: true,
    config: {
      sluice: {
        workers: 1,
        load_scope: 'processes',
        agents: [
          {
            name: 'echo',
            command: process.execPath,
            args: ['echo-agent.mjs', 'start'],
            folder: packages,
            env_file: envFile,
            cpus: 0.1,
          },
        ],
      },
    },
  });
  const lines = {
    LIVEKIT_URL: server.url,
    LIVEKIT_API_KEY: server.apiKey,
    LIVEKIT_API_SECRET: server.apiSecret,
    AGENT_NAME: 'echo',
    AGENT_PORT: await freeTcpPort(),
  };
  const text = Object.entries(lines).map(([name, value]) => `${name}=${value}\n`);
  // Where the node has looked for it before, it looks again 10 s later.
  await writeFile(envFile, text.join(''), { mode: 0o600 });
});
after(async () => {
  await client.leave().catch(() => undefined);
  await server?.close();
  await rm(folder, { recursive: true });
  // Without this the native library keeps the process alive.
  await dispose();
});

const seen = (): string => {
  log += server.takeLog();
  return log;
};
const registrations = (): number => seen().split('"a worker is here"').length - 1;

test('a node starts a worker of its own, whose agent answers; it is started again when it is killed', {
  timeout: 120_000,
}, async () => {
  const explain = seen;
  await until('the worker to register', () => registrations() === 1, {
    timeoutMs: 40_000,
    explain,
  });
  const roomConfig = new RoomConfiguration({
    agents: [new RoomAgentDispatch({ agentName: 'echo', metadata: 'm' })],
  });
  const ask = questions(client, 40_000, explain);
  await client.connect(server.url, await joinToken(server, 'room', 'alice', { roomConfig }));
  await ask('before', 'm');
  const pid = Number(/\\"pid\\":(\d+)[^\n]*registered worker/.exec(seen())?.[1]);
  assert.ok(pid > 0, seen());
  process.kill(pid, 'SIGKILL');
  await until('it to register again', () => registrations() === 2, { timeoutMs: 40_000, explain });
  await ask('after', 'm');
});
