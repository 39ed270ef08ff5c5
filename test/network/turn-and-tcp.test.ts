import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { TestPage } from '../support/browser';
import type { BrowserClient } from '../support/client';
import { clientSuite } from '../support/client-suite';
import { freePortRange } from '../support/ports';
import { startServer, type TestServer } from '../support/server';
import { joinToken } from '../support/tokens';
import { startOwnCoturn } from './support/own-coturn';
import { bothPaths, serverCandidates } from './support/paths';

const suite = clientSuite({ alwaysOwn: true });
const options = { timeout: 60_000 };
const RELAY_ONLY = {
  rtcConfig: { iceTransportPolicy: 'relay' },
  peerConnectionTimeout: 8_000,
} as const;

const servers: TestServer[] = [];
after(() => Promise.allSettled(servers.map((server) => server.close())));

async function serverWith(config: Record<string, unknown>): Promise<TestServer> {
  const server = await startServer({ alwaysOwn: true, config });
  servers.push(server);
  return server;
}

interface Joined {
  readonly client: BrowserClient;
  readonly page: TestPage;
}

async function joinFrom(
  server: TestServer,
  room: string,
  identity: string,
  connect: Record<string, unknown> = {},
): Promise<Joined> {
  const page = await suite.openPage();
  const client = await suite.make(identity, { page, connect });
  await client.connect(server.url, await joinToken(server, room, identity));
  return { client, page };
}

/** Both publish; each must see and hear the other. */
async function meet(a: BrowserClient, b: BrowserClient): Promise<void> {
  for (const client of [a, b]) {
    await client.run((c) =>
      c.publishPicture({ picture: { width: 640, height: 360 }, simulcast: false }),
    );
    await client.run((c) => c.publishTone());
  }
  for (const [viewer, publisher] of [
    [a, b],
    [b, a],
  ] as const) {
    await viewer.sees(publisher.identity);
    await viewer.hears(publisher.identity);
  }
}

/** A node whose own coturn serves TURN. */
async function serverWithTurn(): Promise<{ server: TestServer; turnPort: number }> {
  const turnPort = await freePortRange(1);
  const relayPorts = await freePortRange(20);
  const server = await serverWith({
    turn: {
      enabled: true,
      udp_port: turnPort,
      bind_addresses: ['127.0.0.1'],
      relay_range_start: relayPorts,
      relay_range_end: relayPorts + 19,
    },
  });
  return { server, turnPort };
}

test(
  'rtc.force_tcp: both directions go over ICE-TCP, and frames are decoded',
  options,
  async () => {
    const server = await serverWith({ rtc: { force_tcp: true } });
    const room = suite.roomName();
    const alice = await joinFrom(server, room, 'alice');
    const bob = await joinFrom(server, room, 'bob');
    await meet(alice.client, bob.client);
    const candidates = await serverCandidates(bob.page);
    assert.ok(candidates.length > 0);
    assert.deepEqual(
      candidates.filter(({ protocol }) => protocol !== 'tcp'),
      [],
    );
    for (const path of await bothPaths(bob.page)) {
      assert.deepEqual(
        { protocol: path.protocol, address: path.address, port: path.port },
        { protocol: 'tcp', address: '127.0.0.1', port: server.own?.tcpPort },
      );
    }
  },
);

test("a client's force-tcp scenario moves its media from UDP to TCP", options, async () => {
  const room = suite.roomName();
  const alice = await joinFrom(suite.server, room, 'alice');
  const bob = await joinFrom(suite.server, room, 'bob');
  await meet(alice.client, bob.client);
  for (const path of await bothPaths(alice.page)) assert.equal(path.protocol, 'udp');
  await alice.client.run((c) => c.room.simulateScenario('force-tcp'));
  await alice.client.event('reconnected', [], 20_000);
  for (const path of await bothPaths(alice.page)) {
    assert.equal(path.protocol, 'tcp');
    assert.equal(path.port, suite.server.own?.tcpPort);
  }
  await alice.client.sees('bob');
  await bob.client.sees('alice');
  await bob.client.hears('alice');
});

/** Lets a page use nothing but TURN over this transport, as behind a firewall that lets no other out. */
async function leaveOnlyTurnOver(
  page: Awaited<ReturnType<typeof suite.openPage>>,
  transport: 'udp' | 'tcp',
): Promise<void> {
  await page.page.evaluate((suffix) => {
    const setConfiguration = RTCPeerConnection.prototype.setConfiguration;
    const restricted = (given: RTCConfiguration = {}): RTCConfiguration => ({
      ...given,
      iceTransportPolicy: 'relay',
      iceServers: (given.iceServers ?? []).map((server) => ({
        ...server,
        urls: [server.urls].flat().filter((url) => url.endsWith(suffix)),
      })),
    });
    window.RTCPeerConnection = class extends RTCPeerConnection {
      constructor(configuration?: RTCConfiguration) {
        super(restricted(configuration));
      }
      override setConfiguration(configuration?: RTCConfiguration): void {
        setConfiguration.call(this, restricted(configuration));
      }
    };
  }, `transport=${transport}`);
}

for (const transport of ['udp', 'tcp'] as const) {
  test(
    `a client that has nothing but TURN over ${transport} sends and receives through the coturn of turn.enabled`,
    options,
    async () => {
      const { server } = await serverWithTurn();
      const room = suite.roomName();
      const alice = await joinFrom(server, room, 'alice');
      const page = await suite.openPage();
      await leaveOnlyTurnOver(page, transport);
      const bob = await suite.make('bob', { page });
      await bob.connect(server.url, await joinToken(server, room, 'bob'));
      await meet(alice.client, bob);
      for (const path of await bothPaths(page)) {
        assert.equal(path.type, 'relay');
        assert.equal(path.relayProtocol, transport);
        assert.equal(path.port, server.own?.udpPort);
      }
      for (const path of await bothPaths(alice.page)) assert.notEqual(path.type, 'relay');
    },
  );
}

test(
  'a relay-only client uses a coturn of rtc.turn_servers by its shared secret',
  options,
  async () => {
    const coturn = await startOwnCoturn();
    try {
      const server = await serverWith({
        rtc: {
          turn_servers: [
            { host: '127.0.0.1', port: coturn.port, protocol: 'udp', secret: coturn.secret },
          ],
        },
      });
      const room = suite.roomName();
      const alice = await joinFrom(server, room, 'alice');
      const bob = await joinFrom(server, room, 'bob', RELAY_ONLY);
      await meet(alice.client, bob.client);
      for (const path of await bothPaths(bob.page)) assert.equal(path.type, 'relay');
      await Promise.all([alice, bob].map(({ client }) => client.leave()));
    } finally {
      await coturn.close();
    }
  },
);

test(
  'with a wrong shared secret a relay-only client does not connect, another one does',
  options,
  async () => {
    const coturn = await startOwnCoturn();
    try {
      const server = await serverWith({
        rtc: {
          turn_servers: [
            {
              host: '127.0.0.1',
              port: coturn.port,
              protocol: 'udp',
              secret: 'not-the-same-secret',
            },
          ],
        },
      });
      const room = suite.roomName();
      await assert.rejects(
        joinFrom(server, room, 'bob', {
          ...RELAY_ONLY,
          peerConnectionTimeout: 3_000,
          maxRetries: 0,
        }),
        /could not establish pc connection/,
      );
      const alice = await joinFrom(server, room, 'alice');
      await bothPaths(alice.page);
      await alice.client.leave();
    } finally {
      await coturn.close();
    }
  },
);
