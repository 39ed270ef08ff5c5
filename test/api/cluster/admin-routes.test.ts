import assert from 'node:assert/strict';
import { after, beforeEach, describe, test } from 'node:test';
import { AccessToken } from 'livekit-server-sdk';
import { AdminClient, AdminClientError } from '../../../node-image/api/cluster/admin-client';
import { adminPlugin } from '../../../node-image/api/cluster/admin-plugin';
import { adminRoutes } from '../../../node-image/api/cluster/admin-routes';
import { HttpServer } from '../../../node-image/api/http-server';
import { TokenMinter } from '../../../node-image/api/token-minter';
import { TokenVerifier } from '../../../node-image/api/tokens';
import { AdminCluster } from '../../cluster/cluster-admin-support';

const keys = { devkey: 'secret' };
const errors: unknown[] = [];
const log = { debug: () => undefined, error: (fields: unknown) => void errors.push(fields) };
const tokens = new TokenVerifier({ keys });
const minter = new TokenMinter({ keys });

let cluster: AdminCluster;
let server: HttpServer | undefined;
let url = '';
let client: AdminClient;

beforeEach(async () => {
  await server?.close();
  errors.length = 0;
  cluster = new AdminCluster();
  await cluster.beat('ND_a', { machineId: 'i-1', load: { clients: 3 } });
  await cluster.beat('ND_b');
  const others = adminPlugin({
    tokens,
    log,
    routes: [
      {
        method: 'GET',
        path: 'broken',
        handle: async () => {
          throw new Error('a secret detail');
        },
      },
    ],
  });
  server = new HttpServer({
    bindAddresses: ['127.0.0.1'],
    port: 0,
    health: () => ({ status: 200, text: 'OK' }),
    validate: async () => ({ status: 200, text: 'success' }),
    upgrade: (_request, socket) => void socket.destroy(),
    routes: [adminRoutes({ admin: cluster.admin, tokens, log }), others],
    log,
  });
  await server.listen();
  url = `http://127.0.0.1:${server.port}`;
  client = new AdminClient({ url, apiKey: 'devkey', apiSecret: 'secret' });
});
after(() => server?.close());

const fails = (status: number, code: string, text: RegExp) => (error: unknown) => {
  assert.ok(error instanceof AdminClientError, String(error));
  assert.deepEqual([error.status, error.code], [status, code]);
  assert.match(error.message, text);
  return true;
};

describe('the admin API, by its client', () => {
  test('shows nodes', async () => {
    const { nodes, nowMs } = await client.nodes();
    assert.equal(nowMs, cluster.nowMs);
    assert.deepEqual(
      nodes.map(({ id }) => id),
      ['ND_a', 'ND_b'],
    );
    assert.equal((await client.node('i-1')).record.load.clients, 3);
    await assert.rejects(client.node('i/9?x'), fails(404, 'not_found', /"i\/9\?x"/));
  });

  test('drains a node with durations in words or ms, and takes it back', async () => {
    const { order, changed } = await client.drain('ND_a', {
      reason: 'kernel',
      patience: '1m30s',
      deadline: 600_000,
      onDeadline: 'keep',
    });
    assert.ok(changed);
    assert.deepEqual(
      [order.patienceUntilMs, order.deadlineMs, order.onDeadline, order.reason],
      [cluster.nowMs + 90_000, cluster.nowMs + 600_000, 'keep', 'kernel'],
    );
    assert.equal((await client.drain('ND_a')).changed, false);
    const undone = await client.undrain('ND_a', { reason: 'a mistake' });
    assert.equal(undone.order?.id, order.id);
    assert.equal((await client.undrain('ND_a')).order, undefined);
  });

  test('removes a node, by force where it hosts Rooms', async () => {
    await cluster.place('ND_a', 'r');
    await assert.rejects(
      client.remove('ND_a'),
      fails(409, 'conflict', /1 Room and 3 participants/),
    );
    const { lost, outcome } = await client.remove('ND_a', { force: true, reason: 'fire' });
    assert.deepEqual([outcome, lost], ['ordered', { rooms: ['r'], participants: 3 }]);
    await assert.rejects(client.undrain('ND_a'), fails(409, 'conflict', /was removed/));
  });

  test('lists and explains Rooms, whatever they are called', async () => {
    const name = `${'ü/ %?#'.repeat(30)}/explain`;
    await cluster.place('ND_b', name);
    const [room] = await client.rooms();
    assert.deepEqual([room?.name, room?.nodeId], [name, 'ND_b']);
    const { runsOn, room: explained, nodes } = await client.explain(name);
    assert.deepEqual([explained, runsOn?.nodeId, nodes.length], [name, 'ND_b', 2]);
    assert.equal((await client.explain('nowhere')).runsOn, undefined);
  });

  test('has the audit, the newest first, with the key of who asked', async () => {
    await client.drain('ND_a');
    await client.undrain('ND_a');
    const entries = await client.audit();
    assert.deepEqual(
      entries.map(({ atMs, by }) => [atMs, by]),
      [
        [cluster.nowMs, 'ND_this'],
        [cluster.nowMs, 'ND_this'],
      ],
    );
    assert.match(entries[0]?.text ?? '', /taken back; asked with API key devkey/);
    assert.equal((await client.audit(1)).length, 1);
  });

  test('says when to try again while the registry is away', async () => {
    await cluster.registry.close();
    await assert.rejects(client.nodes(), fails(503, 'unavailable', /registry/));
    const token = await minter.mint('devkey', { sluice: { clusterAdmin: true } }, 60);
    const answer = await fetch(`${url}/sluice/v1/nodes`, {
      headers: { authorization: `Bearer ${token}` },
    });
    assert.equal(answer.headers.get('retry-after'), '2');
  });

  test('hides the details of what went wrong, and logs them', async () => {
    await assert.rejects(client.call('GET', 'broken'), fails(500, 'internal', /^internal error$/));
    assert.match(String((errors[0] as { err: Error }).err), /a secret detail/);
  });
});

describe('bad input', () => {
  const bodies: [string, unknown, RegExp][] = [
    ['an unknown key', { patiense: 1 }, /no patiense.*It may have reason, patience, deadline/],
    ['no duration', { patience: '5 parsecs' }, /patience has to be a duration such as 500ms/],
    ['a negative one', { deadline: -1 }, /deadline has to be a duration/],
    ['one of years', { deadline: '9999h' }, /336h at most/],
    ['a duration that is none', { patience: true }, /patience has to be a duration/],
    ['another end', { onDeadline: 'explode' }, /onDeadline has to be force or keep/],
    ['a long reason', { reason: 'x'.repeat(201) }, /reason has to be a text of 200/],
    ['a reason of two lines', { reason: 'a\nb' }, /in one line/],
    ['a list', [], /give a JSON object/],
    ['patience beyond the deadline', { patience: '2m', deadline: '1m' }, /longer than/],
  ];
  for (const [what, body, text] of bodies) {
    test(`is refused with what is allowed: ${what}`, async () => {
      const call = client.call('POST', 'nodes/ND_a/drain', body);
      await assert.rejects(call, fails(400, 'invalid', text));
      assert.equal((await client.node('ND_a')).order, undefined);
    });
  }

  test('in the query is refused too', async () => {
    const limit = client.call('GET', 'audit?limit=0');
    await assert.rejects(limit, fails(400, 'invalid', /limit has to be a whole number from 1/));
    const force = client.call('DELETE', 'nodes/ND_a?force=yes');
    await assert.rejects(force, fails(400, 'invalid', /force has to be true or false/));
  });

  test('that is no JSON, or nothing that is there, is answered in JSON', async () => {
    const token = await minter.mint('devkey', { sluice: { clusterAdmin: true } }, 60);
    const authorization = `Bearer ${token}`;
    const post = (type: string, body: string) =>
      fetch(`${url}/sluice/v1/nodes/ND_a/drain`, {
        method: 'POST',
        body,
        headers: { authorization, 'content-type': type },
      });
    assert.equal((await post('application/json', '{')).status, 400);
    assert.equal((await post('text/html', 'x')).status, 415);
    await assert.rejects(client.call('GET', 'nothing'), fails(404, 'not_found', /GET.*nothing/));
    await assert.rejects(client.call('GET', 'rooms/x'), fails(404, 'not_found', /rooms\/x/));
    const plain = await fetch(`${url}/sluice/v1/nodes/ND_a/drain`, {
      method: 'POST',
      headers: { authorization },
    });
    assert.equal(plain.status, 200);
  });
});

describe('who may', () => {
  const get = (headers: Record<string, string>, query = '') =>
    fetch(`${url}/sluice/v1/nodes${query}`, { headers });
  const statusAndCode = async (answer: Response) => {
    const { code } = (await answer.json()) as { code: string };
    return [answer.status, code];
  };

  test('is nobody without a token, or with one in the address', async () => {
    assert.deepEqual(await statusAndCode(await get({})), [401, 'unauthenticated']);
    const token = await minter.mint('devkey', { sluice: { clusterAdmin: true } }, 60);
    const linked = await get({}, `?access_token=${token}`);
    assert.deepEqual(await statusAndCode(linked), [401, 'unauthenticated']);
    assert.equal(linked.headers.get('access-control-allow-origin'), '*');
  });

  test('is nobody with a token that is not valid', async () => {
    const wrong = new AdminClient({ url, apiKey: 'devkey', apiSecret: 'guess' });
    await assert.rejects(wrong.nodes(), fails(401, 'unauthenticated', /signature is invalid/));
    const stranger = new AdminClient({ url, apiKey: 'other', apiSecret: 'secret' });
    await assert.rejects(stranger.nodes(), { status: 401 });
    const old = await new TokenMinter({ keys, now: () => Date.now() - 3_600_000 }).mint(
      'devkey',
      { sluice: { clusterAdmin: true } },
      60,
    );
    const answer = await get({ authorization: `Bearer ${old}` });
    assert.deepEqual(await statusAndCode(answer), [401, 'unauthenticated']);
  });

  test('is no client and no server of the ordinary kind', async () => {
    const token = new AccessToken('devkey', 'secret', { identity: 'tester' });
    token.addGrant({
      roomCreate: true,
      roomList: true,
      roomAdmin: true,
      room: 'r',
      roomJoin: true,
    });
    const answer = await get({ authorization: `Bearer ${await token.toJwt()}` });
    assert.deepEqual(await statusAndCode(answer), [403, 'permission_denied']);
    for (const sluice of [{}, { clusterAdmin: false }, null]) {
      const claimed = await minter.mint('devkey', { sluice }, 60);
      assert.equal((await get({ authorization: `Bearer ${claimed}` })).status, 403);
    }
    const odd = await minter.mint('devkey', { sluice: { clusterAdmin: 'yes' } }, 60);
    assert.equal((await get({ authorization: `Bearer ${odd}` })).status, 401);
  });

  test('is asked before the body is looked at, and before anything is changed', async () => {
    const answer = await fetch(`${url}/sluice/v1/nodes/ND_a/drain`, { method: 'POST', body: '{' });
    assert.equal(answer.status, 401);
    assert.equal((await client.node('ND_a')).order, undefined);
  });
});

describe('the client', () => {
  test('takes the address of the WebSocket, and one with a path', async () => {
    const options = { apiKey: 'devkey', apiSecret: 'secret' };
    const socket = new AdminClient({ ...options, url: url.replace('http', 'ws') });
    assert.equal((await socket.nodes()).nodes.length, 2);
    assert.throws(() => new AdminClient({ ...options, url: 'ftp://x' }), /Not the URL/);
    assert.throws(() => new AdminClient({ ...options, url: 'localhost' }), /Not the URL/);
  });

  test('says that nobody answers, or somebody else', async () => {
    const options = { apiKey: 'devkey', apiSecret: 'secret' };
    const nobody = new AdminClient({ ...options, url: 'http://127.0.0.1:1' });
    await assert.rejects(nobody.nodes(), fails(0, 'unreachable', /No Master Node answers at/));
    const other = new AdminClient({ ...options, url: `${url}/else/where/` });
    await assert.rejects(other.nodes(), fails(404, 'not_sluice', /has no admin API/));
  });

  test('says that a key without a secret does not do', async () => {
    const keyless = new AdminClient({ url, apiKey: 'devkey', apiSecret: '' });
    await assert.rejects(keyless.nodes(), fails(0, 'unauthenticated', /no secret/));
  });
});
