import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { NoRouteError } from '../../node-image/cluster/room-routes';
import { joinToken, type TokenOptions } from '../support/tokens';
import { until } from '../support/wait';
import { Client, closeAll, elsewhere, join, master, media, nothingLeft } from './entry-clients';
import { type EntryMaster, SIGNER } from './entry-support';

afterEach(closeAll);

describe('a handshake at a Master Node', () => {
  test('is refused without a token that allows it, before any node is asked', async () => {
    const node = await media();
    const one = await master(node);
    const nobody = new Client(`ws://127.0.0.1:${one.port}/rtc?access_token=x`, {});
    assert.equal((await nobody.refusal()).status, 401);
    assert.equal(node.requests.length, 0);
    assert.deepEqual(one.joined, ['signal_validation_failed']);
  });

  test('is not kept in memory once the client is let in', async () => {
    const one = await master(await media());
    const upgrade = one.entry.upgrade.bind(one.entry);
    const seen: WeakRef<object>[] = [];
    one.entry.upgrade = (request, socket, head) => {
      seen.push(new WeakRef(request));
      return upgrade(request, socket, head);
    };
    for (let count = 0; count < 3; count += 1) await (await join(one)).isIn();
    setFlagsFromString('--expose-gc');
    const collect: () => void = runInNewContext('gc');
    await until('the requests, with up to 1 MiB of headers each, to be gone', () => {
      collect();
      return seen.every((ref) => ref.deref() === undefined);
    });
    assert.deepEqual([seen.length, one.entry.clients.passed], [3, 3]);
  });

  test('is given up in time where nobody says where the Room is, and at once when its client goes', async () => {
    const one = await master(await media(), { holdMs: 500 });
    const asked: (AbortSignal | undefined)[] = [];
    one.routes.findOrPlace = (_room, signal) => {
      asked.push(signal);
      return new Promise(() => {});
    };
    const client = await join(one);
    assert.equal((await client.refusal()).status, 503);
    assert.deepEqual([asked.length, asked[0]?.aborted], [1, true], 'who looks for it is told');
    const other = await master(await media(), { holdMs: 60_000 });
    other.routes.findOrPlace = () => new Promise(() => {});
    const leaving = await join(other);
    await until('it to be held', () => other.entry.clients.held === 1);
    leaving.socket.terminate();
    await until('it to be forgotten', () => other.entry.clients.held === 0);
  });

  test('that waits for a silent node keeps no place from others for long', async () => {
    const [silent, node] = [await media('ND_silent'), await media('ND_other')];
    silent.instead = () => undefined;
    const one = await master(node, {
      limits: { pendingHandshakes: 2 },
      holdMs: 60_000,
      attemptMs: 60_000,
    });
    one.routes.found.set('room', silent.target);
    const held = [await join(one), await join(one)];
    await until('both to be held', () => silent.requests.length === 2);
    one.routes.found.set('room', node.target);
    await until('another one to be let in', async () => {
      const client = await join(one);
      await until('an answer', () => client.heard.length > 0 || client.status);
      return client.heard.length > 0;
    });
    assert.equal(one.entry.clients.held, 2);
    assert.deepEqual(
      held.map(({ status }) => status),
      [undefined, undefined],
    );
  });

  test('is answered as the node answers it', async () => {
    const node = await media();
    node.instead = (_request, socket) =>
      socket.end('HTTP/1.1 403 x\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nfull');
    const client = await join(await master(node));
    assert.deepEqual(await client.refusal(), { status: 403, body: 'full' });
    assert.equal(client.headers['retry-after'], '7');
    assert.equal(client.headers['access-control-allow-origin'], '*');
  });

  test('is tried again where the node says that the Room is elsewhere', async () => {
    const [old, now] = [await media('ND_old'), await media('ND_now')];
    old.instead = elsewhere;
    const one = await master(old);
    one.routes.onFailed = (room) => void one.routes.found.set(room, now.target);
    const client = await (await join(one)).isIn();
    assert.deepEqual(client.text, ['this is ND_now']);
    assert.deepEqual(one.routes.failures, ['ND_old elsewhere']);
  });

  test('is tried again where the node dies in the middle of it', async () => {
    const [dying, other] = [await media('ND_dying'), await media('ND_other')];
    dying.instead = () => void dying.kill();
    const one = await master(dying);
    one.routes.onFailed = (room) => void one.routes.found.set(room, other.target);
    const client = await (await join(one)).isIn();
    assert.deepEqual(client.text, ['this is ND_other']);
    assert.deepEqual(one.routes.failures, ['ND_dying reset']);
  });

  test('is tried again where the node says nothing, or is gone', async () => {
    const [mute, gone, good] = [
      await media('ND_mute'),
      await media('ND_gone'),
      await media('ND_x'),
    ];
    mute.instead = () => undefined;
    const next = [gone.target, good.target];
    await gone.kill();
    const one = await master(mute, { attemptMs: 200 });
    one.routes.onFailed = (room) => {
      const target = next.shift();
      if (target !== undefined) one.routes.found.set(room, target);
    };
    await (await join(one)).isIn();
    assert.deepEqual(one.routes.failures, ['ND_mute silent', 'ND_gone refused']);
  });

  test('is given up with 503 when no node takes it in time', async () => {
    const node = await media();
    node.instead = elsewhere;
    const one = await master(node, { holdMs: 500 });
    const client = await join(one);
    assert.deepEqual(await client.refusal(), {
      status: 503,
      body: 'no Media Node takes the room, try again',
    });
    assert.equal(client.headers['retry-after'], '2');
    assert.ok(one.routes.failures.length <= 26, `${one.routes.failures.length} attempts`);
    assert.deepEqual(one.joined, ['signal_failed']);
    await nothingLeft(one, node);
  });

  test('is answered with 503 where no node can be found', async () => {
    const one = await master();
    one.routes.next = new NoRouteError('no Media Node serves');
    const client = await join(one);
    assert.deepEqual(await client.refusal(), { status: 503, body: 'no Media Node serves' });
    assert.equal(client.headers['retry-after'], '2');
  });

  test('is answered with 404 where the Room is nowhere and may not be made', async () => {
    const node = await media();
    const one = await master(node, { autoCreate: false });
    const client = await join(one);
    assert.deepEqual(await client.refusal(), {
      status: 404,
      body: 'requested room does not exist',
    });
    assert.deepEqual(one.routes.placings, []);
    await (await join(one, '', { grant: { roomCreate: true } })).isIn();
  });

  test('to resume goes to the node that will host the Room', async () => {
    const node = await media();
    const one = await master(node, { autoCreate: false });
    await (await join(one, '&reconnect=1')).isIn();
    assert.deepEqual(one.routes.placings, ['room']);
  });

  test('that its client gives up is given up at the node', async () => {
    const node = await media();
    node.instead = (_request, socket) => void socket.resume();
    const one = await master(node);
    const client = await join(one);
    await until('it to be held', () => node.requests.length === 1);
    assert.deepEqual(one.entry.clients, { passed: 0, held: 1 });
    client.socket.terminate();
    await nothingLeft(one, node);
    assert.deepEqual(one.joined, []);
  });

  test('200 at once pass, and none is left when all have gone', async () => {
    const node = await media();
    const one = await master(node);
    const clients = await Promise.all(Array.from({ length: 200 }, () => join(one)));
    await until('all to be in', () => clients.every(({ heard }) => heard.length === 1));
    assert.deepEqual(one.entry.clients, { passed: 200, held: 0 });
    for (const [at, { socket }] of clients.entries()) {
      if (at % 2 === 0) socket.terminate();
      else socket.close();
    }
    await nothingLeft(one, node);
  });
});

describe('GET /rtc/validate at a Master Node', () => {
  const validate = async (one: EntryMaster, options?: TokenOptions) => {
    const token = await joinToken(SIGNER, 'room', 'someone', options);
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch(`${one.url}/rtc/validate?sdk=js`, { headers });
    return [response.status, await response.text()];
  };

  test('asks the node where the Room runs', async () => {
    const node = await media();
    const one = await master(node);
    one.routes.found.set('room', node.target);
    assert.deepEqual(await validate(one), [200, 'success']);
    assert.equal(node.requests[0]?.url, '/rtc/validate?sdk=js');
    assert.equal(node.requests[0]?.headers['x-sluice-client'], '127.0.0.1');
    node.validation = { status: 403, text: 'room is full' };
    assert.deepEqual(await validate(one), [403, 'room is full']);
  });

  test('counts it as a join by its address, and asks no node for one too many', async () => {
    const node = await media();
    const one = await master(node, { limits: { perSecondByAddress: 2 } });
    one.routes.found.set('room', node.target);
    const asked = Array.from({ length: 20 }, () => validate(one));
    const statuses = (await Promise.all(asked)).map(([status]) => status);
    assert.ok(statuses.includes(429), statuses.join());
    assert.equal(node.requests.length, statuses.filter((status) => status === 200).length);
  });

  test('is one of those that are worked on at a time, and gives its place back', async () => {
    const node = await media();
    const one = await master(node, { limits: { pendingHandshakes: 1 } });
    one.routes.found.set('room', node.target);
    for (let count = 0; count < 3; count += 1) assert.equal((await validate(one))[0], 200);
    const statuses = (await Promise.all([validate(one), validate(one)])).map(([status]) => status);
    assert.deepEqual(statuses.sort(), [200, 503]);
  });

  test('looks again where the Room has moved', async () => {
    const [old, now] = [await media('ND_old'), await media('ND_now')];
    old.validation = { status: 421, text: 'elsewhere' };
    const one = await master();
    one.routes.found.set('room', old.target);
    one.routes.onFailed = (room) => void one.routes.found.set(room, now.target);
    assert.deepEqual(await validate(one), [200, 'success']);
  });

  test('goes by what may be made where the Room is nowhere, and makes nothing', async () => {
    const one = await master(undefined, { autoCreate: false });
    assert.deepEqual(await validate(one), [404, 'requested room does not exist']);
    assert.deepEqual(await validate(one, { grant: { roomCreate: true } }), [200, 'success']);
    assert.deepEqual(await validate(await master()), [200, 'success']);
    assert.equal((await fetch(`${one.url}/rtc/validate`)).status, 401);
  });
});
