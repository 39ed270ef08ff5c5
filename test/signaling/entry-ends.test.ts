import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { afterEach, describe, test } from 'node:test';
import { SignalResponse } from '@livekit/protocol';
import { sleep, until, within } from '../support/wait';
import { type Client, closeAll, join, master, media, nothingLeft } from './entry-clients';

afterEach(closeAll);

describe('a Media Node that dies', () => {
  const leaveIn = (client: Client) => {
    const { message } = SignalResponse.fromBinary(client.heard.at(-1) ?? Buffer.alloc(0));
    return message.case === 'leave' ? message.value : undefined;
  };

  test('has its clients told to join anew, once it is known to be lost', async () => {
    const node = await media();
    const one = await master(node);
    const clients = [await (await join(one)).isIn(), await (await join(one)).isIn()];
    one.routes.onFailed = async () => {
      await sleep(100);
      one.routes.nodes = [];
    };
    await node.kill();
    for (const client of clients) {
      await until('the end', () => client.closed !== undefined);
      assert.equal(client.closed, 1001);
      assert.equal(leaveIn(client)?.action, 2);
      assert.equal(leaveIn(client)?.canReconnect, true);
    }
    assert.deepEqual(one.routes.failures, ['ND_a reset'], 'asked once for all of a Room');
    await nothingLeft(one);
  });

  test('is told apart from one that cuts a single client', async () => {
    const node = await media();
    const one = await master(node);
    const client = await (await join(one)).isIn();
    node.sockets[0]?.terminate();
    await until('the end', () => client.closed !== undefined);
    assert.equal(client.closed, 1006);
    assert.deepEqual(client.text, ['this is ND_a']);
    await nothingLeft(one, node);
  });

  test('in the middle of a frame leaves nothing to be said', async () => {
    const node = await media();
    const one = await master(node);
    one.routes.nodes = [];
    const client = await (await join(one)).isIn();
    const tcp: Socket = Reflect.get(node.sockets[0] ?? {}, '_socket');
    tcp.write(Buffer.from([0x82, 100, 1, 2, 3]));
    await sleep(100);
    await node.kill();
    await until('the end', () => client.closed !== undefined);
    assert.equal(client.closed, 1006);
    assert.equal(client.heard.length, 1);
    assert.deepEqual(one.routes.failures, []);
  });

  test('and of which nobody knows in time has its clients resume', async () => {
    const node = await media();
    const one = await master(node);
    const client = await (await join(one)).isIn();
    one.routes.onFailed = () => new Promise(() => undefined);
    await node.kill();
    await until('the end', () => client.closed !== undefined);
    assert.equal(client.closed, 1006);
    await nothingLeft(one);
  });

  test('silently has its clients told when its connections are cut', async () => {
    const node = await media();
    const one = await master(node);
    const client = await (await join(one)).isIn();
    one.routes.nodes = [];
    one.link.destroyAll(node.target.link);
    await until('the end', () => client.closed !== undefined);
    assert.equal(leaveIn(client)?.action, 2);
    await nothingLeft(one, node);
  });
});

describe('a Master Node that stops', () => {
  test('sends its clients away one after the other', async () => {
    const node = await media();
    const one = await master(node);
    const clients = await Promise.all(Array.from({ length: 10 }, () => join(one)));
    await Promise.all(clients.map((client) => client.isIn()));
    const times: number[] = [];
    const startedMs = performance.now();
    for (const { socket } of clients) socket.on('close', () => times.push(performance.now()));
    await Promise.all([one.entry.close({ overMs: 1000 }), one.entry.close()]);
    await until('all to be closed', () => clients.every(({ closed }) => closed !== undefined));
    assert.deepEqual([...new Set(clients.map(({ closed }) => closed))], [1001]);
    assert.ok((times[0] ?? 0) - startedMs < 500);
    assert.ok((times[9] ?? 0) - startedMs >= 890);
    await nothingLeft(one, node);
  });

  test('lets nobody wait in it, and nobody in', async () => {
    const node = await media();
    node.instead = () => undefined;
    const one = await master(node);
    const held = await join(one);
    await until('it to be held', () => node.requests.length === 1);
    await within('the close', one.entry.close());
    for (const client of [held, await join(one)]) {
      assert.equal((await client.refusal()).status, 503);
      assert.equal(client.headers['retry-after'], '1');
    }
  });

  test('does not wait for clients that do not answer its good-bye', async () => {
    const node = await media();
    const one = await master(node);
    const client = await (await join(one)).isIn();
    client.socket.pause();
    await within('the close', one.entry.close(), 8000);
    await nothingLeft(one, node);
  });
});
