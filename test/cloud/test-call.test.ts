import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { answersIceCheck, iceOf } from '../../node-image/cloud/agent/stun';
import { TestCallError, testCall } from '../../node-image/cloud/agent/test-call';
import { startServer, type TestServer } from '../support/server';
import { joinToken } from '../support/tokens';

describe('a test call', () => {
  let server: TestServer;
  before(async () => {
    server = await startServer({ alwaysOwn: true });
  });
  after(() => server.close());

  it('works through a node, over UDP', async () => {
    const token = await joinToken(server, 'ready', 'agent');
    const answered = await testCall({ url: server.url, token });
    assert.deepEqual(answered, {
      protocol: 'udp',
      address: '127.0.0.1',
      port: server.own?.udpPort,
    });
  });

  it('works through a node that takes TCP only', async () => {
    const config = { rtc: { force_tcp: true } };
    const tcpOnly = await startServer({ alwaysOwn: true, config });
    try {
      const token = await joinToken(tcpOnly, 'ready', 'agent');
      assert.equal((await testCall({ url: tcpOnly.url, token })).protocol, 'tcp');
    } finally {
      await tcpOnly.close();
    }
  });

  it('fails where the node does not know the key, and says so', async () => {
    const other = { ...server, apiSecret: 'another-secret-that-is-long-enough-0123' };
    const token = await joinToken(other, 'ready', 'agent');
    await assert.rejects(testCall({ url: server.url, token }), (error) => {
      assert.ok(error instanceof TestCallError);
      assert.match(error.message, /the join was refused: 401/);
      return true;
    });
  });

  it('fails where nothing listens, or what listens says nothing', async () => {
    const token = await joinToken(server, 'ready', 'agent');
    const silent = createServer();
    silent.on('upgrade', (_request, socket) => socket.on('end', () => socket.destroy()));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as AddressInfo;
    const url = `ws://127.0.0.1:${port}`;
    await assert.rejects(testCall({ url, token, stepMs: 200 }), TestCallError);
    silent.closeAllConnections();
    await new Promise((resolve) => silent.close(resolve));
    await assert.rejects(testCall({ url, token, stepMs: 200 }), /the node is not reached/);
  });

  it('finds out a media port that does not answer, or is another one', async () => {
    const ice = { ufrag: 'not-of-this-node', password: 'nor-is-this-one-at-all-00' };
    const port = server.own?.udpPort ?? 0;
    const udp = { protocol: 'udp', address: '127.0.0.1', port } as const;
    assert.equal(await answersIceCheck(udp, ice, 600), false);
    const closed = { protocol: 'tcp', address: '127.0.0.1', port: 1 } as const;
    assert.equal(await answersIceCheck(closed, ice, 600), false);
  });

  it('reads of a description what ICE needs', () => {
    const sdp = [
      'a=ice-ufrag:abc',
      'a=ice-pwd:def',
      'a=candidate:1 1 udp 1076302079 203.0.113.5 50000 typ host',
      'a=candidate:1 1 udp 1076302079 203.0.113.5 50000 typ host',
      'a=candidate:2 1 TCP 1076276479 2001:db8::5 7881 typ host tcptype passive',
    ].join('\r\n');
    assert.deepEqual(iceOf(sdp), {
      ufrag: 'abc',
      password: 'def',
      candidates: [
        { protocol: 'udp', address: '203.0.113.5', port: 50000 },
        { protocol: 'tcp', address: '2001:db8::5', port: 7881 },
      ],
    });
    assert.equal(iceOf('v=0'), undefined);
  });
});
