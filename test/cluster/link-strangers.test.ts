import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, test } from 'node:test';
import { connect as tlsConnect } from 'node:tls';
import type { LinkError } from '../../node-image/cluster/link/link';
import { LINK_TLS, linkKeys } from '../../node-image/cluster/link/link-key';
import { startRelay } from '../support/tcp-relay';
import { until } from '../support/wait';
import {
  accepted,
  at,
  client,
  closeAll,
  closers,
  echoing,
  failsAs,
  freePort,
  get,
  handshake,
  SECRET,
  serve,
  tcp,
  warnings,
} from './link-support';

afterEach(closeAll);

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
    assert.match(warnings()[0]?.identity ?? '', /^sluice-link\/1\/other#[0-9a-f]{4}$/);
    assert.match(warnings()[0]?.msg ?? '', /another link protocol/);
  });

  test('is turned away as of another protocol though it has the secret', async () => {
    const server = await serve();
    const [{ psk, identity }] = linkKeys({ secret: SECRET, clusterName: 'test' });
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

  /** Connections that say nothing, from there. */
  const halfOpen = (server: { port: number }, count: number, localAddress: string): Socket[] =>
    Array.from({ length: count }, () => {
      const socket = connect({ port: server.port, host: '127.0.0.1', localAddress });
      closers.push(() => socket.destroy());
      return socket.on('error', () => undefined);
    });

  test('keeps no node out, however many places it takes', async () => {
    const server = await serve({ handshakeTimeoutMs: 60_000, maxUnproven: 3 });
    const open = halfOpen(server, 3, '127.0.0.2');
    await until('three half-open connections', () => server.connections.unproven === 3);
    assert.equal(await client().probe(at(server), 'ND_a', 5000), 'alive');
    await until('the oldest to be cut', () => open[0]?.closed);
    assert.deepEqual(
      open.map(({ closed }) => closed),
      [true, false, false],
    );
    assert.equal(server.connections.unproven, 2);
  });

  test('takes no place from nodes that come all at once', async () => {
    const server = await serve({ handshakeTimeoutMs: 60_000, maxUnproven: 3 });
    accepted(await client().upgrade(at(server), handshake));
    const coming = halfOpen(server, 3, '127.0.0.1');
    await until('three half-open connections', () => server.connections.unproven === 3);
    const [stranger] = halfOpen(server, 1, '127.0.0.2');
    await until('it to be cut', () => stranger?.closed);
    assert.ok(coming.every(({ closed }) => !closed));
  });

  test('does not hold a place for longer than a handshake may take', async () => {
    const server = await serve({ handshakeTimeoutMs: 200, maxUnproven: 3 });
    const open = halfOpen(server, 3, '127.0.0.1');
    await until('three half-open connections', () => server.connections.unproven === 3);
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
