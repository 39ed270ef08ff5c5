import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { WebSocket } from 'ws';
import { startServer, type TestServer } from '../support/server';
import { joinToken } from '../support/tokens';
import { sleep, until } from '../support/wait';

const DEV_SECRET = 'a-secret-of-the-tests-that-is-long-enough';
const OTHER = { apiKey: 'other', apiSecret: 'another-secret-that-is-long-enough-for-it' };
const options = { timeout: 30_000 };

const servers: TestServer[] = [];
let byAddress: TestServer;
let byKey: TestServer;

before(async () => {
  const start = async (sluice: object): Promise<TestServer> => {
    const server = await startServer({
      alwaysOwn: true,
      config: { keys: { devkey: DEV_SECRET, [OTHER.apiKey]: OTHER.apiSecret }, sluice },
    });
    servers.push(server);
    return server;
  };
  byAddress = await start({
    workers: 1,
    joins_per_second_by_address: 5,
    joins_per_second_by_key: 0,
    trusted_proxies: ['127.0.0.2/32', '10.9.0.0/16'],
  });
  byKey = await start({
    workers: 1,
    joins_per_second_by_address: 0,
    joins_per_second_by_key: 5,
    trusted_proxies: [],
  });
});

after(async () => {
  await Promise.all(servers.map((server) => server.close()));
});

interface Attempt {
  readonly from?: string;
  readonly forwarded?: string;
  readonly signer?: { readonly apiKey: string; readonly apiSecret: string };
}

let count = 0;

/** The status that a join is answered with, and what goes with a refusal. */
async function join(server: TestServer, attempt: Attempt = {}) {
  const token = await joinToken(attempt.signer ?? server, 'room', `client-${++count}`);
  const headers: Record<string, string> = { authorization: `Bearer ${token}` };
  if (attempt.forwarded !== undefined) headers['x-forwarded-for'] = attempt.forwarded;
  const socket = new WebSocket(`${server.url}/rtc?protocol=17`, {
    headers,
    localAddress: attempt.from ?? '127.0.0.1',
  });
  return new Promise<{ status: number; retryAfter?: string | undefined }>((resolve, reject) => {
    socket.once('error', reject);
    socket.once('open', () => {
      socket.terminate();
      resolve({ status: 101 });
    });
    socket.once('unexpected-response', (request, response) => {
      request.destroy();
      resolve({ status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'] });
    });
  });
}

/** How many of ten joins at once were let in. */
async function letIn(server: TestServer, attempt: (i: number) => Attempt): Promise<number> {
  const all = await Promise.all(Array.from({ length: 10 }, (_, i) => join(server, attempt(i))));
  for (const { status, retryAfter } of all) {
    if (status !== 101) assert.deepEqual([status, retryAfter], [429, '1']);
  }
  return all.filter(({ status }) => status === 101).length;
}

test(
  'joins a second from one address: the rest is refused with 429, others are not',
  options,
  async () => {
    assert.equal(await letIn(byAddress, () => ({})), 5);
    assert.equal(await letIn(byAddress, () => ({ from: '127.0.0.3' })), 5);
    await sleep(1100);
    assert.equal((await join(byAddress)).status, 101);
  },
);

test(
  'joins a second by key: the rest is refused with 429, other keys are not',
  options,
  async () => {
    assert.equal(await letIn(byKey, (i) => ({ from: `127.0.1.${i + 1}` })), 5);
    assert.equal(await letIn(byKey, () => ({ signer: OTHER })), 5);
    await sleep(1100);
    assert.equal((await join(byKey)).status, 101);
  },
);

test('X-Forwarded-For of a stranger gives it no other address', options, async () => {
  await sleep(1100);
  const letInNow = await letIn(byAddress, (i) => ({ forwarded: `203.0.113.${i}` }));
  assert.equal(letInNow, 5);
});

test('X-Forwarded-For of a trusted proxy tells its clients apart', options, async () => {
  const from = '127.0.0.2';
  assert.equal(await letIn(byAddress, (i) => ({ from, forwarded: `198.51.100.${i}` })), 10);
  // Whatever a client writes itself stands left of what the proxies write.
  const forged = (i: number): Attempt => ({
    from,
    forwarded: `192.0.2.${i}, 203.0.113.9, 10.9.1.1`,
  });
  assert.equal(await letIn(byAddress, forged), 5);
});

test('an IPv6 network of one client counts as one address', options, async () => {
  const from = '127.0.0.2';
  const forwarded = (i: number): string => `2001:db8:1:2::${i.toString(16)}`;
  assert.equal(await letIn(byAddress, (i) => ({ from, forwarded: forwarded(i) })), 5);
});

test('tokens that are refused count by address, so that guessing is slow', options, async () => {
  const from = '127.0.0.4';
  const signer = { apiKey: 'devkey', apiSecret: 'x'.repeat(40) };
  const all = await Promise.all(
    Array.from({ length: 10 }, () => join(byAddress, { from, signer })),
  );
  assert.equal(all.filter(({ status }) => status === 401).length, 5);
  assert.equal(all.filter(({ status }) => status === 429).length, 5);
});

test(
  'more joins under way than pending_handshakes: 503, and later all is well',
  options,
  async () => {
    const server = await startServer({
      alwaysOwn: true,
      config: {
        sluice: {
          workers: 1,
          pending_handshakes: 2,
          joins_per_second_by_address: 0,
          joins_per_second_by_key: 0,
        },
      },
    });
    servers.push(server);
    const all = await Promise.all(Array.from({ length: 40 }, () => join(server)));
    assert.ok(all.some(({ status }) => status === 101));
    const refused = all.filter(({ status }) => status !== 101);
    assert.ok(refused.length > 0);
    for (const { status, retryAfter } of refused)
      assert.deepEqual([status, retryAfter], [503, '1']);
    await until('a join to be let in', async () => (await join(server)).status === 101);
  },
);
