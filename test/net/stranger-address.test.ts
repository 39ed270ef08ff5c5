import assert from 'node:assert/strict';
import { get, request } from 'node:http';
import { describe, it } from 'node:test';
import { GuardedProxy } from '../../node-image/net/guarded-proxy';
import { strangerAddressOf } from '../../node-image/net/stranger-address';

const FOR_MACHINES = [
  ...['169.254.169.254', '169.254.170.2', '168.63.129.16', '100.100.100.200'],
  ...['[fe80::1]', '[fd00:ec2::254]', '[::ffff:169.254.169.254]'],
];

describe('Where strangers lead to', () => {
  it('is not where machines are told about themselves', async () => {
    for (const host of FOR_MACHINES) {
      await assert.rejects(
        strangerAddressOf(host),
        /no address of a stranger may lead there/,
        host,
      );
    }
    for (const host of ['127.0.0.1', '[::1]', '10.1.2.3', '93.184.216.34', '[fd00::1]']) {
      assert.equal(await strangerAddressOf(host), host.replace(/[[\]]/g, ''));
    }
    await assert.rejects(strangerAddressOf('no-such-host.invalid'), /is not found/);
  });

  it('is held to by the proxy, by whatever way it is asked', async () => {
    const proxy = await GuardedProxy.listen({ addressOf: strangerAddressOf });
    const { hostname: host, port } = new URL(proxy.url);
    try {
      const plain = await new Promise<number | undefined>((resolve, reject) => {
        get({ host, port, path: 'http://169.254.169.254/latest/meta-data/' }, (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        }).on('error', reject);
      });
      assert.equal(plain, 403);
      const tunnel = await new Promise<number | undefined>((resolve, reject) => {
        request({ host, port, method: 'CONNECT', path: '169.254.169.254:80' })
          .on('connect', ({ statusCode }, socket) => {
            socket.destroy();
            resolve(statusCode);
          })
          .on('error', reject)
          .end();
      });
      assert.equal(tunnel, 403);
    } finally {
      proxy.close();
    }
  });
});
