/** Run by ipv6.test.ts, in the network that in-namespace.sh makes. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { TestPage } from '../../support/browser';
import type { BrowserClient } from '../../support/client';
import { clientSuite } from '../../support/client-suite';
import { startServer, type TestServer } from '../../support/server';
import { joinToken } from '../../support/tokens';
import { bothPaths, serverCandidates } from './paths';

const suite = clientSuite({ alwaysOwn: true });
const options = { timeout: 40_000 };
const servers: TestServer[] = [];
after(() => Promise.allSettled(servers.map((server) => server.close())));

/** `node_ip: undefined` takes away what the other tests set. */
async function serverWith(rtc: Record<string, unknown>): Promise<TestServer> {
  const own = { node_ip: undefined, enable_loopback_candidate: false, ...rtc };
  const server = await startServer({ alwaysOwn: true, config: { rtc: own } });
  servers.push(server);
  return server;
}

/** Alice and Bob see and hear each other on that server. */
async function meet(server: TestServer): Promise<TestPage> {
  const room = suite.roomName();
  const clients: BrowserClient[] = [];
  let page = suite.page;
  for (const identity of ['alice', 'bob']) {
    page = await suite.openPage();
    const client = await suite.make(identity, { page });
    await client.connect(server.url, await joinToken(server, room, identity));
    await client.run((c) =>
      c.publishPicture({ picture: { width: 640, height: 360 }, simulcast: false }),
    );
    await client.run((c) => c.publishTone());
    clients.push(client);
  }
  const [alice, bob] = clients;
  assert.ok(alice && bob);
  for (const [viewer, publisher] of [
    [alice, 'bob'],
    [bob, 'alice'],
  ] as const) {
    await viewer.sees(publisher);
    await viewer.hears(publisher);
  }
  return page;
}

const addressesOf = async (page: TestPage, protocol: string): Promise<string[]> =>
  (await serverCandidates(page))
    .filter((candidate) => candidate.protocol === protocol)
    .map(({ address }) => address)
    .sort();

test('a node offers and listens on the addresses of both families', options, async () => {
  const server = await serverWith({ interfaces: { includes: ['sluice-a'] } });
  const page = await meet(server);
  assert.deepEqual(await addressesOf(page, 'udp'), ['10.87.0.1', 'fd87::1']);
  assert.deepEqual(await addressesOf(page, 'tcp'), ['10.87.0.1', 'fd87::1']);
});

test('rtc.ips leaves IPv6 only: clients connect by it over UDP', options, async () => {
  const server = await serverWith({ ips: { includes: ['fd87::1/128'] } });
  const page = await meet(server);
  assert.deepEqual(await addressesOf(page, 'udp'), ['fd87::1']);
  for (const path of await bothPaths(page)) {
    assert.deepEqual(
      { address: path.address, protocol: path.protocol, port: path.port },
      { address: 'fd87::1', protocol: 'udp', port: server.own?.udpPort },
    );
  }
});

test('rtc.node_ip names an IPv6 address, and force_tcp goes over it too', options, async () => {
  const server = await serverWith({ node_ip: 'fd87::2', force_tcp: true });
  const page = await meet(server);
  for (const path of await bothPaths(page)) {
    assert.deepEqual(
      { address: path.address, protocol: path.protocol, port: path.port },
      { address: 'fd87::2', protocol: 'tcp', port: server.own?.tcpPort },
    );
  }
});
