import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { configSchema, type SluiceConfigInput } from '../../node-image/contract';
import { coturnConfig, turnTlsAddress } from '../../node-image/lifecycle/start-turn';

const SECRET = 's'.repeat(32);
const MEDIA = [{ ip: '10.0.0.5', announced: '203.0.113.5' }, { ip: '10.0.0.6' }];

const coturnOf = (turn: SluiceConfigInput['turn']) =>
  coturnConfig(configSchema.parse({ turn: { enabled: true, ...turn } }), MEDIA, SECRET);

describe('the coturn of a node', () => {
  it('takes plain TURN on 443 too, where a load balancer has ended TLS', () => {
    const { port, extraPorts, tls } = coturnOf({
      udp_port: 3478,
      tls_port: 443,
      external_tls: true,
    });
    assert.deepEqual([port, extraPorts, tls], [3478, [443], undefined]);
  });

  it('listens once where both ports are the same, or there is one only', () => {
    const both = coturnOf({ udp_port: 3478, tls_port: 3478, external_tls: true });
    assert.deepEqual([both.port, both.extraPorts], [3478, []]);
    const one = coturnOf({ udp_port: 0, tls_port: 443, external_tls: true });
    assert.deepEqual([one.port, one.extraPorts], [443, []]);
  });

  it('ends TLS by itself where it has a certificate', () => {
    const files = { cert_file: '/etc/turn.pem', key_file: '/etc/turn.key' };
    const { port, extraPorts, tls } = coturnOf({ udp_port: 3478, tls_port: 5349, ...files });
    assert.deepEqual([port, extraPorts], [3478, []]);
    assert.deepEqual(tls, { port: 5349, certFile: '/etc/turn.pem', keyFile: '/etc/turn.key' });
  });

  it('relays to this node and to the networks that are named, and no further', () => {
    const { relayAddresses, allowedPeers, deniedPeers } = coturnOf({
      udp_port: 3478,
      allow_restricted_peer_cidrs: ['10.0.0.0/16'],
      deny_peer_cidrs: ['10.0.9.0/24'],
    });
    assert.deepEqual(relayAddresses, ['10.0.0.5', '10.0.0.6']);
    assert.deepEqual(allowedPeers, ['10.0.0.5', '203.0.113.5', '10.0.0.6', '10.0.0.0/16']);
    assert.deepEqual(deniedPeers, ['10.0.9.0/24']);
  });

  it('makes credentials with the secret that it is given', () => {
    assert.equal(coturnOf({ udp_port: 3478 }).secret, SECRET);
  });
});

describe('where Master Nodes pass TURN/TLS on to', () => {
  const at = (turn: SluiceConfigInput['turn'], address = '10.0.0.5') =>
    turnTlsAddress(configSchema.parse({ turn: { enabled: true, ...turn } }), address);
  const external = { udp_port: 3478, tls_port: 443, external_tls: true };

  it('is the private address of the node, and the port for plain TURN', () => {
    assert.deepEqual(at(external), { host: '10.0.0.5', port: 3478 });
    assert.deepEqual(at({ ...external, udp_port: 0 }), { host: '10.0.0.5', port: 443 });
  });

  it('is nowhere with no TURN, no TURN/TLS, and TLS that ends at the node itself', () => {
    const files = { cert_file: '/etc/turn.pem', key_file: '/etc/turn.key' };
    assert.equal(at({ ...external, enabled: false }), undefined);
    assert.equal(at({ udp_port: 3478 }), undefined);
    assert.equal(at({ udp_port: 3478, tls_port: 5349, ...files }), undefined);
  });

  it('is where coturn listens, where that is not everywhere', () => {
    const only = (...bind_addresses: string[]) => at({ ...external, bind_addresses })?.host;
    assert.equal(only('10.0.0.9', '10.0.0.5'), '10.0.0.5');
    assert.equal(only('10.0.0.9'), '10.0.0.9');
    assert.equal(only('::'), '10.0.0.5');
  });
});
