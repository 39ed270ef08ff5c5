import assert from 'node:assert/strict';
import type { NetworkInterfaceInfo } from 'node:os';
import { describe, test } from 'node:test';
import { configSchema, type SluiceConfigInput } from '../../node-image/contract';
import {
  type Interfaces,
  listenAddresses,
  withoutMissingLoopback,
} from '../../node-image/lifecycle/listen-addresses';

function info(address: string, internal = false): NetworkInterfaceInfo {
  const family = address.includes(':') ? 'IPv6' : 'IPv4';
  const common = { address, netmask: '', mac: '', internal, cidr: null };
  return family === 'IPv6' ? { ...common, family, scopeid: 0 } : { ...common, family };
}

const MACHINE: Interfaces = {
  lo: [info('127.0.0.1', true), info('::1', true)],
  eth0: [info('10.0.0.5'), info('2001:db8::5'), info('fe80::5')],
  docker0: [info('172.17.0.1')],
};
const ALONE: Interfaces = { lo: [info('127.0.0.1', true)] };

function addresses(
  rtc: SluiceConfigInput['rtc'] = {},
  interfaces = MACHINE,
  external = new Map<string, string>(),
): string[] {
  const config = configSchema.parse({ keys: { key: 'x'.repeat(32) }, rtc });
  return listenAddresses(config.rtc, interfaces, external).map(({ ip, announced }) =>
    announced === undefined ? ip : `${ip} as ${announced}`,
  );
}

describe('media is received', () => {
  test('on every address but loopback and link-local ones', () => {
    assert.deepEqual(addresses(), ['10.0.0.5', '2001:db8::5', '172.17.0.1']);
  });

  test('on loopback where that is asked for, or there is nothing else', () => {
    const asked = addresses({ enable_loopback_candidate: true });
    assert.deepEqual(asked.slice(3), ['127.0.0.1', '::1']);
    assert.deepEqual(addresses({}, ALONE), ['127.0.0.1']);
  });

  test('on the interfaces that are named', () => {
    assert.deepEqual(addresses({ interfaces: { includes: ['docker0'] } }), ['172.17.0.1']);
    assert.deepEqual(addresses({ interfaces: { excludes: ['docker0'] } }), [
      '10.0.0.5',
      '2001:db8::5',
    ]);
  });

  test('on the networks that are named', () => {
    assert.deepEqual(addresses({ ips: { includes: ['10.0.0.0/8'] } }), ['10.0.0.5']);
    assert.deepEqual(addresses({ ips: { excludes: ['10.0.0.0/8', '2001:db8::/32'] } }), [
      '172.17.0.1',
    ]);
  });

  test('nowhere, where all there is is left out', () => {
    assert.deepEqual(addresses({ interfaces: { includes: ['wlan0'] } }, {}), []);
  });
});

describe('an address of the node', () => {
  test('that the machine has is used alone', () => {
    assert.deepEqual(addresses({ node_ip: '10.0.0.5' }), ['10.0.0.5']);
    assert.deepEqual(addresses({ node_ip: '127.0.0.1' }), ['127.0.0.1']);
  });

  test('that it does not have is what clients are told, of the same family', () => {
    assert.deepEqual(addresses({ node_ip: '192.0.2.7' }), ['10.0.0.5 as 192.0.2.7']);
    assert.deepEqual(addresses({ node_ip: '192.0.2.7,2001:db8::7' }), [
      '10.0.0.5 as 192.0.2.7',
      '2001:db8::5 as 2001:db8::7',
    ]);
  });
});

describe('addresses that STUN has found', () => {
  const external = new Map([['10.0.0.5', '192.0.2.7']]);

  test('are told to clients instead of the local ones', () => {
    assert.deepEqual(addresses({}, MACHINE, external), [
      '10.0.0.5 as 192.0.2.7',
      '2001:db8::5',
      '172.17.0.1',
    ]);
  });

  test('are told alone where that is asked for, if there are any', () => {
    const rtc = { external_ip_only: true };
    assert.deepEqual(addresses(rtc, MACHINE, external), ['10.0.0.5 as 192.0.2.7']);
    assert.deepEqual(addresses(rtc), ['10.0.0.5', '2001:db8::5', '172.17.0.1']);
  });

  test('that are the local ones change nothing', () => {
    const same = new Map([['10.0.0.5', '10.0.0.5']]);
    assert.equal(addresses({}, MACHINE, same)[0], '10.0.0.5');
  });
});

describe('IPv6 loopback', () => {
  test('is left out on a machine without IPv6', () => {
    assert.deepEqual(withoutMissingLoopback(['127.0.0.1', '::1'], ALONE), ['127.0.0.1']);
    assert.deepEqual(withoutMissingLoopback(['127.0.0.1', '::1'], MACHINE), ['127.0.0.1', '::1']);
  });

  test('is kept where it is all there is, so that the error says what is wrong', () => {
    assert.deepEqual(withoutMissingLoopback(['::1'], ALONE), ['::1']);
  });
});
