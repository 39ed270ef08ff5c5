import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, test } from 'node:test';
import {
  type ExternalTurnServer,
  type IceServersOptions,
  iceServersFor,
  type OwnTurnServer,
} from '../../node-image/signaling/ice-servers';

const request = { participantSid: 'PA_alice', nowMs: 1_700_000_000_500 };
const own: OwnTurnServer = {
  secret: 'shared',
  addresses: ['203.0.113.1', '2001:db8::1'],
  port: 3478,
  tlsDomain: 'turn.example.com',
  ttlSeconds: 300,
};
const external: ExternalTurnServer = {
  host: 'turn.other.com',
  port: 443,
  protocol: 'tls',
  username: 'u',
  credential: 'c',
  secret: '',
  ttl: 0,
};
const serversFor = (options: Partial<IceServersOptions>, changes = {}) =>
  iceServersFor({ turnServers: [], stunServers: [], ...options }, { ...request, ...changes });

describe('iceServersFor', () => {
  test('tells of public STUN servers where nothing is configured', () => {
    const [server, ...more] = serversFor({});
    assert.deepEqual(server?.urls, [
      'stun:global.stun.twilio.com:3478',
      'stun:stun.l.google.com:19302',
      'stun:stun1.l.google.com:19302',
    ]);
    assert.equal(more.length, 0);
  });

  test('gives the own TURN server with credentials that end', () => {
    const [server, ...more] = serversFor({ own });
    assert.deepEqual(server?.urls, [
      'turn:203.0.113.1:3478?transport=udp',
      'turn:[2001:db8::1]:3478?transport=udp',
      'turn:203.0.113.1:3478?transport=tcp',
      'turn:[2001:db8::1]:3478?transport=tcp',
      'turns:turn.example.com:443?transport=tcp',
    ]);
    assert.equal(server?.username, '1700000300:PA_alice');
    const expected = createHmac('sha1', 'shared').update('1700000300:PA_alice').digest('base64');
    assert.equal(server?.credential, expected);
    assert.equal(more.length, 0);
  });

  test('are told of UDP 443 where the node has it, for networks that let out nothing else', () => {
    const [server] = serversFor({ own: { ...own, udpPorts: [443] } });
    assert.deepEqual(server?.urls.slice(0, 5), [
      'turn:203.0.113.1:3478?transport=udp',
      'turn:[2001:db8::1]:3478?transport=udp',
      'turn:203.0.113.1:443?transport=udp',
      'turn:[2001:db8::1]:443?transport=udp',
      'turn:203.0.113.1:3478?transport=tcp',
    ]);
  });

  test('gives TURN/TLS alone to a client that can do nothing else', () => {
    const [server, stun] = serversFor({ own }, { tlsOnly: true });
    assert.deepEqual(server?.urls, ['turns:turn.example.com:443?transport=tcp']);
    assert.match(stun?.urls[0] ?? '', /^stun:/);
    const [withoutTls] = serversFor({ own: { ...own, tlsDomain: '' } }, { tlsOnly: true });
    assert.equal(withoutTls?.urls.length, 4);
  });

  test('gives TURN/TLS with credentials of both secrets while the nodes change theirs', () => {
    const [server, before, ...more] = serversFor({ own: { ...own, previousSecret: 'before' } });
    assert.equal(server?.urls.length, 5);
    assert.deepEqual(before?.urls, ['turns:turn.example.com:443?transport=tcp']);
    const expected = createHmac('sha1', 'before').update('1700000300:PA_alice').digest('base64');
    assert.equal(before?.credential, expected);
    assert.equal(more.length, 0);
    // All else leads to the node that makes the credentials.
    const plain = { ...own, previousSecret: 'before', tlsDomain: undefined };
    assert.equal(serversFor({ own: plain }).length, 1);
  });

  test('leaves out an own TURN server that has no port', () => {
    const servers = serversFor({ own: { ...own, port: 0, tlsDomain: undefined } });
    assert.equal(servers.length, 1);
    assert.match(servers[0]?.urls[0] ?? '', /^stun:/);
  });

  test('gives TURN servers with fixed credentials as they are', () => {
    const servers = serversFor({
      turnServers: [external, { ...external, protocol: 'udp', port: 0 }],
    });
    assert.deepEqual(
      servers.map(({ urls, username, credential }) => [...urls, username, credential]),
      [
        ['turns:turn.other.com:443?transport=tcp', 'u', 'c'],
        ['turn:turn.other.com:3478?transport=udp', 'u', 'c'],
      ],
    );
  });

  test('makes credentials for TURN servers with a shared secret, 4 hours by default', () => {
    const usernameFor = (ttl: number): string | undefined =>
      serversFor({ turnServers: [{ ...external, secret: 's', ttl }] })[0]?.username;
    assert.equal(usernameFor(0), '1700014400:PA_alice');
    assert.equal(usernameFor(60), '1700000060:PA_alice');
    assert.equal(usernameFor(-1), '1700000300:PA_alice');
    assert.equal(usernameFor(1e9), '1700086400:PA_alice');
  });

  test('gives the own TURN server first, then others, then STUN', () => {
    const servers = serversFor({ own, turnServers: [external], stunServers: ['stun.x.com:3478'] });
    assert.deepEqual(
      servers.map(({ urls }) => urls[0]),
      [
        'turn:203.0.113.1:3478?transport=udp',
        'turns:turn.other.com:443?transport=tcp',
        'stun:stun.x.com:3478',
      ],
    );
  });
});
