import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createServer } from 'node:tls';
import { renderHaproxyConfig } from '../../node-image/image/haproxy-config';
import { type Authority, type Issued, makeAuthority } from './support/authority';
import { fakeNode } from './support/fake-node';
import {
  bad,
  type CasesOf,
  casesOf,
  doctor,
  HOST,
  tells,
  type WorldOptions,
  type WorldPorts,
} from './support/world';

const FILE = '/etc/sluice/tls/entry.pem';
const haproxy = ({ spare, http }: WorldPorts): string =>
  renderHaproxyConfig({
    port: spare,
    certificate: FILE,
    redirect: true,
    masters: [`${HOST}:${http}`],
    turn: [],
    adminSocket: '/run/sluice/haproxy/admin.sock',
  });
const domain = 'meet.example.com';
const dnsError = (code: string) => async (): Promise<string[]> => {
  throw Object.assign(new Error(`query ${code}`), { code });
};

let authority: Authority;
let good: Issued;
before(async () => {
  authority = await makeAuthority();
  good = await authority.issue();
});
after(() => authority.close());

/** A machine whose HAProxy has this file. */
const withFile = (pem: string | Error | undefined): WorldOptions => ({
  question: ({ spare }) => ({ domain, domainPort: spare }),
  files: (ports) => ({ '/run/sluice/haproxy/haproxy.cfg': haproxy(ports), [FILE]: pem }),
  roots: () => [authority.root],
});
const ENTRY = 'Certificate of the entry';
const PEM = ({ chain, key }: Issued): string => `${chain}${key}`;

/** What each file is, made when it is needed: openssl takes its time. */
const FILES: Readonly<
  Record<
    Exclude<keyof CasesOf<'domain'>, 'certificate-unseen' | `dns-${string}`>,
    () => Promise<string | undefined>
  >
> = {
  'certificate-missing': async () => undefined,
  'certificate-unreadable': async () =>
    '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
  'certificate-key': async () => `${good.chain}${(await authority.issue()).key}`,
  'certificate-expired': async () => PEM(await authority.issue({ fromDays: -90, toDays: -1 })),
  'certificate-early': async () => PEM(await authority.issue({ fromDays: 2, toDays: 90 })),
  'certificate-ends': async () => PEM(await authority.issue({ fromDays: -80, toDays: 10.5 })),
  'certificate-name': async () => PEM(await authority.issue({ name: 'other.example.com' })),
  'certificate-chain': async () => `${good.leaf}${good.key}`,
  'certificate-untrusted': async () => PEM(await authority.selfSigned(domain)),
};

const renews = /^Put certificate, chain and key into .*, then: systemctl reload sluice-haproxy$/;
const CASES: CasesOf<'domain'> = {
  'dns-none': {
    question: { domain },
    resolve: dnsError('ENOTFOUND'),
    check: 'DNS',
    found: /^meet\.example\.com has no address$/,
    todo: /^Write records for meet\.example\.com/,
  },
  'dns-silent': {
    question: { domain },
    resolve: dnsError('ETIMEOUT'),
    check: 'DNS',
    found: /^no name server says what meet\.example\.com is: ETIMEOUT$/,
    todo: /resolv\.conf/,
  },
  'dns-elsewhere': {
    check: 'DNS',
    resolve: async () => [HOST, '203.0.113.80'],
    found:
      /^meet\.example\.com is 127\.0\.0\.1, 203\.0\.113\.80: 203\.0\.113\.80 is not an address/,
    todo: /^Correct the records/,
  },
  'certificate-missing': { check: ENTRY, found: /^there is no \/etc\/sluice\/tls/, todo: renews },
  'certificate-unreadable': {
    check: ENTRY,
    found: /holds no certificate that can be read$/,
    todo: renews,
  },
  'certificate-key': { check: ENTRY, found: /has the key of another/, todo: renews },
  'certificate-expired': { check: ENTRY, found: /^it has ended: /, todo: renews },
  'certificate-early': { check: ENTRY, found: /^it is not valid before /, todo: /clock/ },
  'certificate-ends': { check: ENTRY, found: /^it ends in 10 days: /, todo: renews },
  'certificate-name': {
    check: ENTRY,
    found: /^it is not for meet\.example\.com, but for other\.example\.com$/,
    todo: renews,
  },
  'certificate-chain': {
    check: ENTRY,
    found: /^who has issued it is missing: CN=Test in between$/,
    todo: /fullchain\.pem/,
  },
  'certificate-untrusted': {
    check: ENTRY,
    found: /^it is signed by itself, which no browser knows$/,
    todo: /for tests/,
  },
  'certificate-unseen': {
    question: ({ spare }: WorldPorts) => ({ domain, domainPort: spare }),
    beside: (ports) => fakeNode(ports),
    check: 'Certificate shown',
    found: /^no TLS is spoken at port \d+ of meet\.example\.com: .*ECONNREFUSED/,
    todo: /openssl s_client/,
  },
};

describe('the domain and its certificate', () => {
  for (const [problem, each] of casesOf(CASES)) {
    it(`tells ${problem}`, async () => {
      const makeFile: (() => Promise<string | undefined>) | undefined = Object.entries(FILES).find(
        ([name]) => name === problem,
      )?.[1];
      if (makeFile !== undefined) return tells(problem, { ...withFile(await makeFile()), ...each });
      if (problem === 'dns-elsewhere') return tells(problem, { ...withFile(PEM(good)), ...each });
      return tells(problem, each);
    });
  }

  it('finds nothing wrong with a good one, whichever way the machine is seen', async () => {
    // Its own address, and the one that a NAT gives it.
    for (const address of [HOST, '127.0.0.2']) {
      const report = await doctor({
        ...withFile(PEM(good)),
        stun: { address: '127.0.0.2' },
        resolve: async () => [address],
      });
      assert.deepEqual(bad(report), []);
      const told = JSON.stringify(report.findings);
      assert.match(told, /for meet\.example\.com, (89|90) days left/);
      assert.match(told, /this machine/);
    }
  });

  it('judges what the domain shows as a browser would', async () => {
    const shown = async (issued: Issued, roots = [authority.root]) => {
      const server = createServer({ cert: issued.chain, key: issued.key }, (socket) => {
        socket.on('error', () => undefined);
        socket.end();
      });
      server.on('tlsClientError', () => undefined);
      return doctor({
        question: ({ spare }) => ({ domain, domainPort: spare }),
        roots: () => roots,
        beside: async ({ spare }) => {
          await new Promise<void>((resolve) => server.listen(spare, HOST, resolve));
          return { close: () => new Promise((resolve) => server.close(resolve)) };
        },
      });
    };
    const names = async (issued: Issued) =>
      bad(await shown(issued)).map((each) => ('problem' in each ? each.problem : ''));
    assert.deepEqual(await names(good), []);
    assert.deepEqual(await names({ ...good, chain: good.leaf }), ['certificate-chain']);
    const other = await authority.issue({ name: 'other.example.com', fromDays: -9, toDays: -1 });
    assert.deepEqual(await names(other), ['certificate-expired', 'certificate-name']);
    assert.deepEqual(await names(await authority.selfSigned(domain)), ['certificate-untrusted']);
  });

  it('calls nothing wrong that this user may not read', async () => {
    const denied = Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' });
    const report = await doctor(withFile(denied));
    assert.deepEqual(bad(report), []);
    const told = report.findings.find(({ check }) => check === ENTRY);
    assert.deepEqual([told?.status, told?.todo], ['unchecked', 'Run this as root.']);
  });
});
