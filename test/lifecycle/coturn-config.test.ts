import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type CoturnConfig, renderCoturnConfig } from '../../node-image/lifecycle/coturn-config';

const config: CoturnConfig = {
  listenAddresses: ['10.0.0.5'],
  port: 3478,
  relayAddresses: ['10.0.0.5'],
  secret: '0123456789abcdef',
  allowedPeers: ['10.0.0.5'],
};
const linesOf = (changes: Partial<CoturnConfig> = {}): string[] =>
  renderCoturnConfig({ ...config, ...changes }, '/run/turn').split('\n');

describe('renderCoturnConfig', () => {
  test('relays for holders of credentials, to the allowed peers only', () => {
    assert.deepEqual(linesOf(), [
      'listening-port=3478',
      'listening-ip=10.0.0.5',
      'no-tls',
      'no-dtls',
      'relay-ip=10.0.0.5',
      'min-port=30000',
      'max-port=39999',
      'realm=sluice',
      'use-auth-secret',
      'static-auth-secret=0123456789abcdef',
      'user-quota=12',
      'fingerprint',
      'stale-nonce=600',
      'max-allocate-lifetime=60',
      'denied-peer-ip=0.0.0.0-255.255.255.255',
      'denied-peer-ip=::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
      'allowed-peer-ip=10.0.0.5',
      'no-multicast-peers',
      'no-tcp-relay',
      'no-cli',
      'no-rfc5780',
      'no-stun-backward-compatibility',
      'no-software-attribute',
      'log-file=stdout',
      'simple-log',
      'pidfile=/run/turn/turnserver.pid',
      'userdb=/run/turn/turndb',
      '',
    ]);
  });

  test('writes networks as ranges', () => {
    const lines = linesOf({ allowedPeers: ['10.1.2.3/16', '2001:db8::1'] });
    assert.ok(lines.includes('allowed-peer-ip=10.1.0.0-10.1.255.255'));
    assert.ok(lines.includes('allowed-peer-ip=2001:db8::1'));
  });

  test('leaves out of what is allowed what is denied', () => {
    const lines = linesOf({
      allowedPeers: ['10.0.0.0/16', '10.2.0.1', 'fd00::/64'],
      deniedPeers: ['10.0.1.0/24', '10.2.0.0/16', 'fd00::1', '0.0.0.0/32'],
    });
    assert.deepEqual(
      lines.filter((line) => line.startsWith('allowed-peer-ip=')),
      [
        'allowed-peer-ip=10.0.0.0-10.0.0.255',
        'allowed-peer-ip=10.0.2.0-10.0.255.255',
        'allowed-peer-ip=fd00::',
        'allowed-peer-ip=fd00::2-fd00::ffff:ffff:ffff:ffff',
      ],
    );
  });

  test('relays to loopback only when a node is there', () => {
    assert.ok(!linesOf().includes('allow-loopback-peers'));
    assert.ok(linesOf({ allowedPeers: ['127.0.0.1'] }).includes('allow-loopback-peers'));
  });

  test('listens everywhere when told to, on further ports too', () => {
    const lines = linesOf({ listenAddresses: ['0.0.0.0'], extraPorts: [443, 5349] });
    assert.ok(!lines.some((line) => line.startsWith('listening-ip')));
    assert.ok(lines.includes('aux-server=0.0.0.0:443'));
    assert.ok(lines.includes('aux-server=0.0.0.0:5349'));
  });

  test('ends TLS itself only with a certificate', () => {
    const tls = { port: 5349, certFile: '/c.pem', keyFile: '/k.pem' };
    const lines = linesOf({ tls });
    assert.ok(!lines.includes('no-tls') && lines.includes('no-tlsv1'));
    assert.ok(lines.includes('tls-listening-port=5349') && lines.includes('cert=/c.pem'));
  });

  test('has no quota where the limit is 0 or less', () => {
    assert.ok(!linesOf({ allocationsPerUser: 0 }).some((line) => line.startsWith('user-quota')));
  });

  test('refuses values that would write further lines', () => {
    assert.throws(() => linesOf({ secret: 'short' }), /TURN secret/);
    assert.throws(() => linesOf({ secret: '0123456789abcdef\nno-auth' }), /TURN secret/);
    assert.throws(() => linesOf({ allowedPeers: ['10.0.0.1\nno-auth'] }), /IPv4 or IPv6/);
    assert.throws(() => linesOf({ relayAddresses: ['example.com'] }), /IPv4 or IPv6/);
    const tls = { port: 1, certFile: '/a\nno-auth', keyFile: '/k' };
    assert.throws(() => linesOf({ tls }), /line break/);
  });
});
