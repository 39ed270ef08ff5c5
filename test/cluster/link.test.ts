import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { afterEach, describe, test } from 'node:test';
import { LinkError } from '../../node-image/cluster/link/link';
import { until, within } from '../support/wait';
import {
  accepted,
  answering,
  at,
  client,
  closeAll,
  failsAs,
  get,
  handshake,
  SECRET,
  serve,
  tcp,
} from './link-support';

afterEach(closeAll);

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

  test('leaves nothing behind on a connection that is kept', async (t) => {
    const warned: Error[] = [];
    const onWarning = (warning: Error): void => void warned.push(warning);
    process.on('warning', onWarning);
    t.after(() => process.off('warning', onWarning));
    const server = await serve();
    const link = client();
    for (let count = 0; count < 30; count += 1) {
      await link.request(at(server), get('/'));
      await link.probe(at(server), 'ND_a', 5000);
    }
    assert.equal(server.connections.proven, 2);
    // Node warns of too many listeners.
    assert.deepEqual(warned, []);
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
