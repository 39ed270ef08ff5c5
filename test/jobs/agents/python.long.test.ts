/** LiveKit's framework of agents for Python, as it is: `npm run agents-python`. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { dispose } from '@livekit/rtc-node';
import { AgentDispatchClient } from 'livekit-server-sdk';
import { NodeClient } from '../../support/rtc-node';
import { startServer, type TestServer } from '../../support/server';
import { joinToken } from '../../support/tokens';
import { until } from '../../support/wait';
import { questions } from './support/questions';

const PROGRAM = join(__dirname, '../../support/agents-python/echo_agent.py');
const PATIENCE = { timeoutMs: 40_000, intervalMs: 300 };

let server: TestServer;
const children: ChildProcess[] = [];
const clients: NodeClient[] = [];

before(async () => {
  assert.ok(process.env['AGENTS_PYTHON'], 'run it by npm run agents-python');
  server = await startServer({ alwaysOwn: true });
});
after(async () => {
  await Promise.all(clients.map((client) => client.leave().catch(() => undefined)));
  for (const { pid } of children) {
    if (pid === undefined) continue;
    try {
      // With the processes of its jobs.
      process.kill(-pid, 'SIGKILL');
    } catch {
      // Gone by now.
    }
  }
  await server?.close();
  // Without this the native library keeps the process alive.
  await dispose();
});

/** Resolves when it has registered. */
async function startWorker(agentName: string) {
  const child = spawn(process.env['AGENTS_PYTHON'] ?? '', [PROGRAM, 'start'], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      LIVEKIT_URL: server.url,
      LIVEKIT_API_KEY: server.apiKey,
      LIVEKIT_API_SECRET: server.apiSecret,
      AGENT_NAME: agentName,
      PYTHONDONTWRITEBYTECODE: '1',
    },
  });
  children.push(child);
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      log += chunk;
    });
  }
  const seen = (): string => log;
  await until('the worker to register', () => log.includes('registered worker'), {
    ...{ ...PATIENCE, explain: seen },
  });
  return { child, seen, ended: once(child, 'exit') };
}

/** Somebody in a Room, who asks until the agent has answered. */
async function asker(room: string, explain: () => string) {
  const client = new NodeClient();
  clients.push(client);
  const ask = questions(client, PATIENCE.timeoutMs, explain);
  await client.connect(server.url, await joinToken(server, room, 'alice'));
  return { client, ask };
}

test('a worker with a name takes what is dispatched to it, ends it when the dispatch is deleted, and drains', {
  timeout: 240_000,
}, async () => {
  const worker = await startWorker('echo');
  const dispatches = new AgentDispatchClient(server.httpUrl, server.apiKey, server.apiSecret);
  const { client, ask } = await asker('explicit', worker.seen);
  const first = await dispatches.createDispatch('explicit', 'echo', { metadata: 'one' });
  await ask('hello', 'one');
  await dispatches.deleteDispatch(first.id, 'explicit');
  await until('the agent to be told', () => worker.seen().includes('shutdown of'), {
    ...{ ...PATIENCE, explain: worker.seen },
  });
  await until('the agent to be gone', () => client.room.remoteParticipants.size === 0, PATIENCE);

  const second = await dispatches.createDispatch('explicit', 'echo', { metadata: 'two' });
  await ask('again', 'two');
  worker.child.kill('SIGTERM');
  await until('it to drain', () => worker.seen().includes('draining worker'), {
    ...{ ...PATIENCE, explain: worker.seen },
  });
  await ask('while it drains', 'two');
  await dispatches.deleteDispatch(second.id, 'explicit');
  const [code] = await worker.ended;
  assert.equal(code, 0, worker.seen());
});

test('a worker without a name has an agent in each Room', { timeout: 180_000 }, async () => {
  const worker = await startWorker('');
  const { ask } = await asker('automatic', worker.seen);
  await ask('hello', '');
});
