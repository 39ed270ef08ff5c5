import assert from 'node:assert/strict';
import type { IncomingHttpHeaders } from 'node:http';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { addressGroup, ClientAddresses } from '../../node-image/signaling/client-address';

const addresses = new ClientAddresses({
  trustedProxies: ['10.0.0.0/8', '2001:db8:1::/48', '192.0.2.1'],
});
const of = (remoteAddress: string | undefined, headers: IncomingHttpHeaders = {}): string =>
  addresses.of({ headers, socket: { remoteAddress } });
const forwarded = (list: string): string => of('10.0.0.1', { 'x-forwarded-for': list });

describe('ClientAddresses', () => {
  test('believes no header of a peer that is not a trusted proxy', () => {
    const headers = {
      'x-forwarded-for': '198.51.100.1',
      'x-real-ip': '198.51.100.2',
      'cf-connecting-ip': '198.51.100.3',
    };
    assert.equal(of('203.0.113.9', headers), '203.0.113.9');
    assert.equal(of('2001:db8:2::1', headers), '2001:db8:2::1');
  });

  test('takes the rightmost address that is not a trusted proxy', () => {
    assert.equal(forwarded('198.51.100.1'), '198.51.100.1');
    assert.equal(forwarded('1.1.1.1, 198.51.100.1, 10.0.0.2'), '198.51.100.1');
    assert.equal(forwarded('1.1.1.1,198.51.100.1,2001:db8:1::5,192.0.2.1'), '198.51.100.1');
  });

  test('takes the leftmost when all are trusted', () => {
    assert.equal(forwarded('10.0.0.3, 10.0.0.2'), '10.0.0.3');
  });

  test('reads IPv4 inside IPv6 as IPv4', () => {
    assert.equal(of('::ffff:203.0.113.9'), '203.0.113.9');
    assert.equal(of('::ffff:10.0.0.1', { 'x-forwarded-for': '::ffff:1.2.3.4' }), '1.2.3.4');
  });

  test('reads addresses with ports and zones', () => {
    assert.equal(forwarded('198.51.100.1:4711'), '198.51.100.1');
    assert.equal(forwarded('[2001:db8:2::1]:4711'), '2001:db8:2::1');
    assert.equal(of('fe80::1%eth0'), 'fe80::1');
  });

  test('stops at garbage, and keeps what it knew before', () => {
    assert.equal(forwarded('198.51.100.1, unknown'), '10.0.0.1');
    assert.equal(forwarded('198.51.100.1, <script>, 10.0.0.2'), '10.0.0.2');
    assert.equal(forwarded('198.51.100.1,,'), '10.0.0.1');
    assert.equal(forwarded('1'), '10.0.0.1');
    assert.equal(forwarded('0x7f000001'), '10.0.0.1');
  });

  test('takes X-Real-IP, then CF-Connecting-IP, where no list was forwarded', () => {
    const both = { 'x-real-ip': '198.51.100.2', 'cf-connecting-ip': '198.51.100.3' };
    assert.equal(of('10.0.0.1', both), '198.51.100.2');
    assert.equal(of('10.0.0.1', { 'cf-connecting-ip': '198.51.100.3' }), '198.51.100.3');
    assert.equal(of('10.0.0.1', { 'x-real-ip': 'me' }), '10.0.0.1');
    assert.equal(of('10.0.0.1', { ...both, 'x-forwarded-for': '198.51.100.1' }), '198.51.100.1');
  });

  test('has no answer for a connection that is gone', () => {
    assert.equal(of(undefined, { 'x-forwarded-for': '1.2.3.4' }), '');
  });

  test('says which trusted proxy it cannot read', () => {
    assert.throws(() => new ClientAddresses({ trustedProxies: ['10.0.0.0/99'] }), /"10.0.0.0\/99"/);
  });

  test('never throws and always answers an address, whatever is forwarded', () => {
    fc.assert(
      fc.property(fc.string(), (list) => {
        assert.match(forwarded(list), /^[\da-f.:]+$/);
      }),
    );
  });
});

test('an IPv6 client is its /64, an IPv4 client itself', () => {
  assert.equal(addressGroup('2001:db8:2:3:4:5:6:7'), '2001:db8:2:3::/64');
  assert.equal(addressGroup('2001:db8:2:3::9'), '2001:db8:2:3::/64');
  assert.equal(addressGroup('1.2.3.4'), '1.2.3.4');
  assert.equal(addressGroup(''), '');
});
