import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, describe, test } from 'node:test';
import { connect as tlsConnect } from 'node:tls';
import { pino } from 'pino';
import { type LinkAnswer, LinkError, type LinkUpgrade } from '../../node-image/cluster/link/link';
import { TlsLinkClient } from '../../node-image/cluster/link/link-client';
import { LINK_TLS, linkKey } from '../../node-image/cluster/link/link-key';
import { LinkServer, type LinkServerOptions } from '../../node-image/cluster/link/link-server';
import { startRelay } from '../support/tcp-relay';
import { until, within } from '../support/wait';

const SECRET = 'a secret of the cluster, long enough';
const HANDSHAKE = ['Host', 'x', 'Connection', 'Upgrade', 'Upgrade', 'websocket', 'X-Twice', 'a'];

const closers: (() => unknown)[] = [];
const lines: { level: number; msg: string; peer?: string; identity?: string }[] = [];
const log = pino({ level: 'debug' }, { write: (line) => void lines.push(JSON.parse(line)) });
const warnings = () => lines.filter(({ level }) => level >= 40);

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  lines.length = 0;
});

async function answering(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await buffer(request);
  response.writeHead(200, { 'X-Path': request.url ?? '' });
  response.end(Buffer.concat([Buffer.from(`${request.method} `), body]));
}

/** Accepts each handshake and sends back what comes. */
function echoing(request: IncomingMessage, socket: Duplex, head: Buffer): void {
  socket.on('error', () => undefined);
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX-Told: ${request.headers['x-twice']}\r\n\r\nhello `,
  );
  socket.write(head);
  socket.pipe(socket);
}

async function serve(changes: Partial<LinkServerOptions> = {}): Promise<LinkServer> {
  const server = await LinkServer.listen({
    secret: SECRET,
    clusterName: 'test',
    address: '127.0.0.1',
    port: 0,
    nodeId: 'ND_a',
    version: '1.2.3',
    handlers: { request: (...call) => void answering(...call), upgrade: echoing },
    log,
    closeGraceMs: 50,
    ...changes,
  });
  closers.push(() => server.close());
  return server;
}

function client(changes: Partial<ConstructorParameters<typeof TlsLinkClient>[0]> = {}) {
  const link = new TlsLinkClient({ secret: SECRET, clusterName: 'test', ...changes });
  closers.push(() => link.close());
  return link;
}

const at = ({ port }: { port: number }) => ({ host: '127.0.0.1', port });
const get = (path: string) => ({ method: 'GET' as const, path, timeoutMs: 5000 });
const handshake = { path: '/rtc?a=b', rawHeaders: HANDSHAKE, timeoutMs: 5000 };

const failsAs = (reason: LinkError['reason']) => (error: unknown) => {
  assert.ok(error instanceof LinkError, String(error));
  assert.equal(error.reason, reason, error.message);
  return true;
};

function accepted(answer: LinkUpgrade | LinkAnswer): LinkUpgrade {
  assert.ok('socket' in answer);
  return answer;
}

/** A port on which `onSocket` is all that happens. */
async function tcp(onSocket: (socket: Socket) => void): Promise<{ port: number }> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    onSocket(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port };
}

async function freePort(): Promise<{ port: number }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return { port };
}

describe('the node link', () => {
  test('carries requests and answers, several over one connection', async () => {
    const server = await serve();
    const link = client();
    const body = randomBytes(3_000_000);
    const answer = await link.request(at(server), {
      method: 'POST',
      path: '/rooms/x?y=1',
      body,
      timeoutMs: 5000,
    });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers['x-path'], '/rooms/x?y=1');
    assert.deepEqual(answer.body, Buffer.concat([Buffer.from('POST '), body]));
    for (let count = 0; count < 5; count += 1) await link.request(at(server), get('/'));
    assert.equal(server.connections.proven, 1);
  });

  test('carries a handshake with its headers as they were, and then bytes', async () => {
    const server = await serve();
    const { rawHeaders, socket, head } = accepted(await client().upgrade(at(server), handshake));
    assert.ok(rawHeaders.includes('X-Told'));
    const heard: Buffer[] = [head];
    socket.on('data', (chunk: Buffer) => heard.push(chunk));
    socket.write('world');
    await until('the echo', () => Buffer.concat(heard).toString() === 'hello world');
  });

  test('gives back the refusal of a handshake', async () => {
    const server = await serve({
      handlers: {
        request: (...call) => void answering(...call),
        upgrade: (_request, socket) =>
          socket.end(
            'HTTP/1.1 421 Misdirected\r\nX-Sluice-Elsewhere: 1\r\nContent-Length: 2\r\n\r\nno',
          ),
      },
    });
    const answer = await client().upgrade(at(server), handshake);
    assert.ok('status' in answer);
    assert.deepEqual(
      [answer.status, answer.headers['x-sluice-elsewhere'], answer.body.toString()],
      [421, '1', 'no'],
    );
  });

  test('says who answers to a probe, and that another process is not the one asked for', async () => {
    const server = await serve();
    const link = client();
    assert.equal(await link.probe(at(server), 'ND_a', 5000), 'alive');
    assert.equal(await link.probe(at(server), 'ND_b', 5000), 'refused');
    const answer = await link.request(at(server), get('/link/alive'));
    assert.deepEqual(JSON.parse(answer.body.toString()), {
      nodeId: 'ND_a',
      protocol: 1,
      version: '1.2.3',
    });
  });

  test('sees nothing of what it carries in the clear', async () => {
    const server = await serve();
    const seen: Buffer[] = [];
    const relay = await tcp((socket) => {
      const upstream = connect(server.port, '127.0.0.1');
      upstream.on('error', () => undefined);
      for (const one of [socket, upstream]) one.on('data', (chunk: Buffer) => seen.push(chunk));
      socket.pipe(upstream).pipe(socket);
    });
    await client().request(at(relay), get('/very-secret-path'));
    const all = Buffer.concat(seen).toString('latin1');
    assert.ok(all.includes('sluice-link/1/test'));
    assert.ok(!all.includes('very-secret-path'));
    assert.ok(!all.includes(SECRET));
  });
});

describe('a peer that does not belong', () => {
  test('is turned away with another secret, and the log says so once', async () => {
    const server = await serve();
    const link = client({ secret: 'another secret, just as long as it is' });
    for (let count = 0; count < 5; count += 1) {
      await assert.rejects(link.request(at(server), get('/')), failsAs('stranger'));
    }
    assert.equal(await link.probe(at(server), 'ND_a', 5000), 'stranger');
    assert.equal(warnings().length, 1);
    assert.match(warnings()[0]?.msg ?? '', /another cluster secret/);
    assert.equal(warnings()[0]?.peer, '127.0.0.1');
    await until(
      'no connection',
      () => server.connections.proven + server.connections.unproven === 0,
    );
  });

  test('is turned away as of another cluster without learning why', async () => {
    const server = await serve();
    const errors: unknown[] = [];
    for (const changes of [{ clusterName: 'other' }, { secret: 'x'.repeat(32) }]) {
      await client(changes)
        .request(at(server), get('/'))
        .catch((error: LinkError) => errors.push((error.cause as Error).message.split(':')[4]));
    }
    assert.equal(errors.length, 2);
    assert.equal(errors[0], errors[1]);
    assert.equal(warnings()[0]?.identity, 'sluice-link/1/other');
    assert.match(warnings()[0]?.msg ?? '', /another link protocol/);
  });

  test('is turned away as of another protocol though it has the secret', async () => {
    const server = await serve();
    const { psk, identity } = linkKey({ secret: SECRET, clusterName: 'test' });
    const other = identity.replace('/1/', '/2/');
    assert.notEqual(other, identity);
    const code = await new Promise<unknown>((resolve) => {
      const socket = tlsConnect({
        ...LINK_TLS,
        host: '127.0.0.1',
        port: server.port,
        pskCallback: () => ({ psk, identity: other }),
        checkServerIdentity: () => undefined,
      });
      socket.on('secureConnect', () => resolve('let in'));
      socket.on('error', (error) => resolve('code' in error && error.code));
      closers.push(() => socket.destroy());
    });
    assert.notEqual(code, 'let in');
    assert.equal(warnings()[0]?.identity, other);
  });

  test('learns nothing by plain HTTP or by garbage', async () => {
    const server = await serve();
    for (const bytes of ['GET /link/alive HTTP/1.1\r\nHost: x\r\n\r\n', randomBytes(4096)]) {
      const heard: Buffer[] = [];
      const socket = connect(server.port, '127.0.0.1');
      socket.on('error', () => undefined).on('data', (chunk: Buffer) => heard.push(chunk));
      socket.write(bytes);
      await new Promise((resolve) => socket.once('close', resolve));
      // At most an alert of TLS.
      assert.ok(Buffer.concat(heard).length <= 7);
    }
    assert.equal(await client().probe(at(server), 'ND_a', 5000), 'alive');
  });

  test('does not hold a place for longer than a handshake may take', async () => {
    const server = await serve({ handshakeTimeoutMs: 200, maxUnproven: 3 });
    const open = [1, 2, 3].map(() =>
      connect(server.port, '127.0.0.1').on('error', () => undefined),
    );
    await until('three half-open connections', () => server.connections.unproven === 3);
    await assert.rejects(client().request(at(server), get('/')), failsAs('reset'));
    const trickle = setInterval(() => {
      for (const socket of open) socket.write('\x16');
    }, 50);
    closers.push(() => clearInterval(trickle));
    await until('their end', () => open.every((socket) => socket.closed));
    assert.equal(await client().probe(at(server), 'ND_a', 5000), 'alive');
    await until('no place taken', () => server.connections.unproven === 0);
  });

  test('cannot be a server either', async () => {
    const plain = await tcp((socket) => socket.end('HTTP/1.1 200 OK\r\n\r\n'));
    await assert.rejects(client().upgrade(at(plain), handshake), failsAs('stranger'));
    assert.equal(await client().probe(at(plain), 'ND_a', 5000), 'stranger');
  });

  test('is one whose secret is too short to be one', () => {
    assert.throws(() => client({ secret: 'short' }), /has 5 characters and needs 32/);
    assert.throws(() => client({ clusterName: 'x'.repeat(300) }), /shorten sluice.cluster.name/);
  });
});

describe('a Media Node that does not answer', () => {
  test('is told apart: refused, silent, broken off', async () => {
    const gone = at(await freePort());
    const mute = at(await tcp(() => undefined));
    const rude = at(await tcp((socket) => socket.destroy()));
    const link = client();
    const soon = { ...handshake, timeoutMs: 200 };
    await assert.rejects(link.upgrade(gone, soon), failsAs('refused'));
    await assert.rejects(link.upgrade(mute, soon), failsAs('silent'));
    await assert.rejects(link.upgrade(rude, soon), failsAs('reset'));
    assert.equal(await link.probe(gone, 'ND_a', 200), 'refused');
    assert.equal(await link.probe(mute, 'ND_a', 200), 'silent');
    assert.equal(await link.probe(rude, 'ND_a', 200), 'silent');
    await until('no connection left', () => link.connections === 0);
  });

  test('is noticed though a connection to it is kept', async () => {
    const server = await serve();
    const relay = await startRelay('127.0.0.1', server.port);
    closers.push(() => relay.close());
    const link = client();
    assert.equal(await link.probe(at(relay), 'ND_a', 5000), 'alive');
    relay.cut();
    assert.equal(await link.probe(at(relay), 'ND_a', 5000), 'alive');
    assert.equal(await link.probe(at(relay), 'ND_a', 5000), 'alive');
    relay.freeze();
    assert.equal(await link.probe(at(relay), 'ND_a', 300), 'silent');
  });

  test('that stops in the middle of a request resets it', async () => {
    const server = await serve({
      handlers: { request: (request) => void request.socket.destroy(), upgrade: echoing },
    });
    await assert.rejects(client().request(at(server), get('/')), failsAs('reset'));
  });

  test('has all its connections cut at once when it is found dead', async () => {
    const [server, other] = [await serve(), await serve()];
    const link = client();
    const open = await Promise.all(
      [server, server, other].map(async (one) => accepted(await link.upgrade(at(one), handshake))),
    );
    link.destroyAll(at(server));
    await until('the cut', () => open[0]?.socket.destroyed && open[1]?.socket.destroyed);
    assert.equal(open[2]?.socket.destroyed, false);
  });
});

describe('limits of the node link', () => {
  test('a body too large is refused before it is read', async () => {
    const server = await serve({ maxBodyBytes: 1000 });
    const post = { method: 'POST' as const, path: '/', timeoutMs: 5000 };
    const answer = await client().request(at(server), { ...post, body: Buffer.alloc(1001) });
    assert.equal(answer.status, 413);
    const fits = await client().request(at(server), { ...post, body: Buffer.alloc(1000) });
    assert.equal(fits.status, 200);
  });

  test('an answer too large is not taken', async () => {
    const server = await serve();
    await assert.rejects(
      client({ maxAnswerBytes: 3 }).request(at(server), get('/')),
      failsAs('reset'),
    );
  });

  test('a path that HTTP cannot carry is an error and no crash', async () => {
    const server = await serve();
    await assert.rejects(client().upgrade(at(server), { ...handshake, path: '/a b' }), LinkError);
  });

  test('a handler that throws answers 500 and leaves the server running', async () => {
    const server = await serve({
      handlers: {
        request: () => {
          throw new Error('a mistake');
        },
        upgrade: () => {
          throw new Error('a mistake');
        },
      },
    });
    const link = client();
    assert.equal((await link.request(at(server), get('/'))).status, 500);
    await assert.rejects(link.upgrade(at(server), handshake), failsAs('reset'));
    assert.equal(await link.probe(at(server), 'ND_a', 5000), 'alive');
  });

  test('200 handshakes at once pass, and nothing is left after both ends closed', async () => {
    const server = await serve();
    const link = client();
    const open = await Promise.all(
      Array.from({ length: 200 }, async () => accepted(await link.upgrade(at(server), handshake))),
    );
    assert.equal(server.connections.proven, 200);
    link.close();
    await until('all closed', () => open.every(({ socket }) => socket.destroyed));
    await until('the server to see it', () => server.connections.proven === 0);
    await assert.rejects(link.request(at(server), get('/')), failsAs('reset'));
    assert.equal(link.connections, 0);
  });

  test('a handshake that nobody waits for any more is given up', async () => {
    const server = await serve({
      handlers: { request: () => undefined, upgrade: (_request, socket) => void socket.resume() },
    });
    const abort = new AbortController();
    const link = client();
    const asked = link.upgrade(at(server), { ...handshake, signal: abort.signal });
    await until('the handshake to arrive', () => server.connections.proven === 1);
    abort.abort();
    await assert.rejects(asked, failsAs('reset'));
    await until('no connection left', () => link.connections === 0);
  });

  test('a server that closes ends what is open, after a grace', async () => {
    const server = await serve();
    const link = client();
    await link.request(at(server), get('/'));
    const { socket } = accepted(await link.upgrade(at(server), handshake));
    connect(server.port, '127.0.0.1').on('error', () => undefined);
    await until('a third connection', () => server.connections.unproven === 1);
    await within('the close', Promise.all([server.close(), server.close()]));
    await until('the cut', () => socket.destroyed || socket.readableEnded || !socket.writable);
    await assert.rejects(link.request(at(server), get('/')), failsAs('refused'));
  });
});
