import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, test } from 'node:test';
import { SignalResponse } from '@livekit/protocol';
import { WebSocket } from 'ws';
import { NoRouteError } from '../../node-image/cluster/room-routes';
import { serverFrame } from '../../node-image/signaling/entry/frame-tracker';
import { joinToken, type TokenOptions } from '../support/tokens';
import { sleep, until, within } from '../support/wait';
import { EntryMaster, EntryNode, SIGNER } from './entry-support';

const closers: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function media(id = 'ND_a'): Promise<EntryNode> {
  const node = await new EntryNode(id).start();
  closers.push(() => node.kill());
  return node;
}

async function master(
  node?: EntryNode,
  options?: ConstructorParameters<typeof EntryMaster>[0],
): Promise<EntryMaster> {
  const one = await new EntryMaster(options).start();
  closers.push(() => one.close());
  if (node !== undefined) {
    one.routes.next = node.target;
    one.routes.nodes = [node.target];
  }
  return one;
}

/** A client, and what came of it. */
class Client {
  readonly heard: Buffer[] = [];
  status: number | undefined;
  body = '';
  headers: Record<string, unknown> = {};
  closed: number | undefined;
  readonly socket: WebSocket;

  constructor(url: string, headers: Record<string, string>) {
    this.socket = new WebSocket(url, { headers, perMessageDeflate: false });
    this.socket.on('error', () => undefined);
    this.socket.on('message', (data: Buffer) => this.heard.push(data));
    this.socket.on('close', (code) => {
      this.closed = code;
    });
    this.socket.on('unexpected-response', (request, response) => {
      this.headers = response.headers;
      response.on('data', (chunk: Buffer) => {
        this.body += chunk.toString();
      });
      response.on('end', () => {
        this.status = response.statusCode;
        request.destroy();
      });
    });
    closers.push(async () => this.socket.terminate());
  }

  async isIn(): Promise<this> {
    await until('the client to be let in', () => this.heard.length > 0 || this.status);
    assert.equal(this.status, undefined, this.body);
    return this;
  }

  async refusal(): Promise<{ status: number; body: string }> {
    const status = await until('a refusal', () => this.status, { timeoutMs: 15_000 });
    return { status: Number(status), body: this.body };
  }

  get text(): string[] {
    return this.heard.map(String);
  }
}

async function join(
  one: EntryMaster,
  query = '',
  options: TokenOptions = {},
  headers: Record<string, string> = {},
): Promise<Client> {
  const token = await joinToken(SIGNER, 'room', 'someone', options);
  const url = `${one.url.replace('http', 'ws')}/rtc?access_token=${token}${query}`;
  return new Client(url, headers);
}

const elsewhere: EntryNode['instead'] = (_request, socket) =>
  socket.end('HTTP/1.1 421 Misdirected\r\nX-Sluice-Elsewhere: 1\r\nContent-Length: 0\r\n\r\n');

/** Nothing of a client is left, at either end. */
async function nothingLeft(one: EntryMaster, ...nodes: EntryNode[]): Promise<void> {
  await until('no client left', () => one.entry.clients.passed + one.entry.clients.held === 0);
  await until('no connection left', () => one.link.connections === 0);
  await until('no link left', () => nodes.every(({ server }) => server.connections.proven === 0));
}

describe('a client of a Master Node', () => {
  test('is passed on with its own headers and address, and none that it made up', async () => {
    const node = await media();
    const one = await master(node);
    const client = await join(
      one,
      '&sdk=js',
      {},
      {
        'X-Forwarded-For': '203.0.113.9',
        'X-Sluice-Client': '198.51.100.1',
        'X-SLUICE-Other': 'x',
        'User-Agent': 'Tester/1',
      },
    );
    await client.isIn();
    const [request] = node.requests;
    assert.match(request?.url ?? '', /^\/rtc\?access_token=.*&sdk=js$/);
    assert.equal(request?.headers['x-sluice-client'], '203.0.113.9');
    assert.equal(request?.headers['x-sluice-other'], undefined);
    assert.equal(request?.headers['user-agent'], 'Tester/1');
    assert.deepEqual(one.routes.placed, ['room']);
  });

  test('hears and says everything, however much', async () => {
    const node = await media();
    const client = await (await join(await master(node))).isIn();
    const parts = Array.from({ length: 20 }, (_, at) => Buffer.alloc(300_000, at));
    for (const part of parts) client.socket.send(part);
    await until('all of it back', () => client.heard.length === 21);
    assert.deepEqual(client.heard.slice(1), parts);
  });

  test('may speak with its handshake', async () => {
    const node = await media();
    const one = await master(node);
    const token = await joinToken(SIGNER, 'room', 'someone');
    const socket = connect(one.port, '127.0.0.1').on('error', () => undefined);
    closers.push(async () => socket.destroy());
    let heard = '';
    socket.on('data', (chunk) => {
      heard += chunk.toString('latin1');
    });
    socket.write(
      `GET /rtc?access_token=${token} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
    );
    // "hi" in a masked frame.
    socket.write(Buffer.from([0x82, 0x82, 0, 0, 0, 0, 0x68, 0x69]));
    await until('the echo', () => heard.endsWith('hi'));
  });

  test('ends in order at both ends, whoever ends it', async () => {
    const node = await media();
    const one = await master(node);
    const first = await (await join(one)).isIn();
    first.socket.close(4001);
    await until('the end', () => first.closed === 4001);
    const second = await (await join(one)).isIn();
    let ended = 0;
    node.sockets[1]?.on('close', (code) => {
      ended = code;
    });
    node.sockets[1]?.close(4002);
    await until('the end', () => second.closed === 4002 && ended === 4002);
    await nothingLeft(one, node);
    assert.deepEqual(one.routes.failures, []);
  });

  test('that vanishes is gone for the node at once', async () => {
    const node = await media();
    const one = await master(node);
    const client = await (await join(one)).isIn();
    client.socket.terminate();
    await until('the node to see it', () => node.sockets[0]?.readyState === WebSocket.CLOSED);
    await nothingLeft(one, node);
  });

  test('that half-closes still gets what the node says to that', async () => {
    const node = await media();
    node.instead = (_request, socket) => {
      socket.on('end', () => socket.end(serverFrame('binary', Buffer.from('bye'))));
      socket.write(`HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n`);
      socket.write(serverFrame('binary', Buffer.from('hello')));
      socket.resume();
    };
    const one = await master(node);
    const token = await joinToken(SIGNER, 'room', 'someone');
    const socket = connect(one.port, '127.0.0.1');
    socket.write(
      `GET /rtc?access_token=${token} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
    );
    let heard = '';
    socket.on('data', (chunk) => {
      heard += chunk.toString('latin1');
    });
    await until('the first word', () => heard.endsWith('hello'));
    socket.end();
    await until('the last word', () => heard.endsWith('bye') && socket.closed);
    await nothingLeft(one, node);
    assert.deepEqual(one.routes.failures, []);
  });

  test('that reads too slowly slows the node down, and holds nothing in the master', async () => {
    const node = await media();
    const one = await master(node);
    const client = await (await join(one)).isIn();
    client.socket.pause();
    const socket = node.sockets[0];
    const chunk = Buffer.alloc(1 << 20);
    for (let count = 0; count < 64; count += 1) socket?.send(chunk);
    await sleep(500);
    assert.ok((socket?.bufferedAmount ?? 0) > 32 << 20, `${socket?.bufferedAmount} bytes wait`);
    client.socket.resume();
    await until('all of it', () => client.heard.length === 65, { timeoutMs: 20_000 });
  });
});

describe('a handshake at a Master Node', () => {
  test('is refused without a token that allows it, before any node is asked', async () => {
    const node = await media();
    const one = await master(node);
    const nobody = new Client(`ws://127.0.0.1:${one.port}/rtc?access_token=x`, {});
    assert.equal((await nobody.refusal()).status, 401);
    assert.equal(node.requests.length, 0);
    assert.deepEqual(one.joined, ['signal_validation_failed']);
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
    assert.deepEqual(one.routes.placed, []);
    await (await join(one, '', { grant: { roomCreate: true } })).isIn();
  });

  test('to resume goes to the node that will host the Room', async () => {
    const node = await media();
    const one = await master(node, { autoCreate: false });
    await (await join(one, '&reconnect=1')).isIn();
    assert.deepEqual(one.routes.placed, ['room']);
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
