import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { WebSocket } from 'ws';
import { startServer, type TestServer } from '../support/server';
import { SignalConnection } from '../support/signal';
import { joinToken } from '../support/tokens';
import { sleep, until } from '../support/wait';

let server: TestServer;

before(async () => {
  server = await startServer({
    alwaysOwn: true,
    // All come from one address here.
    config: { sluice: { workers: 1, joins_per_second_by_address: 0 } },
  });
});
after(() => server.close());

/** Sets the limits of the running node, as `ulimit -n` would have done before its start. */
function limitOpenFiles(count: number): void {
  const pid = String(server.own?.pid);
  const { status, stderr } = spawnSync('prlimit', ['--pid', pid, `--nofile=${count}`], {
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
}

let clients = 0;

/** What a join is answered with: 101, or a refusal. */
async function join(): Promise<{ status: number; retryAfter?: string | undefined; leave(): void }> {
  const token = await joinToken(server, 'crowded', `client-${++clients}`);
  const headers = { authorization: `Bearer ${token}` };
  const socket = new WebSocket(`${server.url}/rtc?protocol=17`, { headers });
  return new Promise((resolve, reject) => {
    const leave = (): void => socket.terminate();
    socket.once('error', reject);
    socket.once('open', () => resolve({ status: 101, leave }));
    socket.once('unexpected-response', (request, response) => {
      request.destroy();
      const retryAfter = response.headers['retry-after'];
      resolve({ status: response.statusCode ?? 0, retryAfter, leave });
    });
  });
}

test('a node with few descriptors refuses more clients with 503, and serves those who are in', {
  timeout: 60_000,
}, async () => {
  const pid = server.own?.pid ?? 0;
  const ownDescriptors = readdirSync(`/proc/${pid}/fd`).length;
  limitOpenFiles(ownDescriptors + 100);
  // So that the limit has been seen.
  await sleep(1100);
  const token = await joinToken(server, 'crowded', 'first');
  const first = await SignalConnection.open(server.url, token);
  assert.ok(first instanceof SignalConnection, JSON.stringify(first));

  const answers: Awaited<ReturnType<typeof join>>[] = [];
  for (let count = 0; count < 150 && (answers.at(-1)?.status ?? 101) === 101; count += 1) {
    answers.push(await join());
  }
  const letIn = answers.filter(({ status }) => status === 101);
  const refused = answers.at(-1);
  assert.deepEqual([refused?.status, refused?.retryAfter], [503, '5']);
  assert.equal(letIn.length, answers.length - 1);
  assert.ok(letIn.length > 20, `${letIn.length} were let in`);
  // A burst is refused as well, each with an answer.
  const burst = await Promise.all(Array.from({ length: 20 }, () => join()));
  assert.deepEqual(new Set(burst.map(({ status }) => status)), new Set([503]));

  first.send({ case: 'ping', value: BigInt(1) });
  await first.message('pong');
  const log = server.takeLog();
  assert.doesNotMatch(log, /EMFILE/);

  for (const { leave } of letIn) leave();
  await until('there to be descriptors again', async () => {
    const { status, leave } = await join();
    leave();
    return status === 101;
  });
});
