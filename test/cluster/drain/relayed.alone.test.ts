import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { RoomServiceClient } from 'livekit-server-sdk';
import { derivedSecret } from '../../../node-image/lifecycle/derived-secret';
import { turnCredentials } from '../../../node-image/signaling/ice-servers';
import { TurnClient } from '../../lifecycle/support/turn-client';
import { openBrowser } from '../../support/browser';
import { BrowserClient } from '../../support/client';
import { CLUSTER_SECRET, TestCluster } from '../../support/cluster';
import { startEntry } from '../../support/cluster-entry';
import { freePortRange } from '../../support/ports';
import { joinToken } from '../../support/tokens';
import { sleep, until } from '../../support/wait';
import { untilState, untilView, viewOf } from './support/drains';

const closers: (() => Promise<void>)[] = [];
after(async () => {
  for (const close of closers.toReversed()) await close().catch(() => undefined);
});

const RELAYS = 40;

/** A Media Node's own TURN server, which nobody is told of but through the load balancer. */
async function ownTurn(): Promise<{
  udp_port: number;
  first: number;
  config: Record<string, unknown>;
}> {
  const [udp_port, first] = [await freePortRange(1), await freePortRange(RELAYS)];
  const config = {
    enabled: true,
    udp_port,
    bind_addresses: ['127.0.0.1'],
    relay_range_start: first,
    relay_range_end: first + RELAYS - 1,
  };
  return { udp_port, first, config };
}

test('who is relayed by a node that drains, in a Room of another one, joins that Room again by another relay', {
  timeout: 120_000,
}, async () => {
  const [one, two] = [await ownTurn(), await ownTurn()];
  // What stands before the TURN servers, as a load balancer of TCP does: at first the node that
  // drains later is the only one.
  const balancer = await startEntry([one.udp_port]);
  closers.push(() => balancer.close());
  const cluster = await TestCluster.start({
    mediaNodes: 0,
    config: {
      rtc: {
        turn_servers: [
          {
            host: '127.0.0.1',
            port: balancer.port,
            protocol: 'tcp',
            secret: derivedSecret(CLUSTER_SECRET, 'turn'),
          },
        ],
      },
    },
  });
  closers.push(() => cluster.close());
  const host = await cluster.addMediaNode({ turn: two.config });
  await cluster.untilServing();
  const api = new RoomServiceClient(cluster.httpUrl, cluster.apiKey, cluster.apiSecret);
  await api.createRoom({ name: 'relayed' });
  const relaying = await cluster.addMediaNode({ turn: one.config });
  await cluster.untilServing();
  assert.equal((await cluster.roomNode('relayed')).nodeId, host.nodeId);

  const browser = await openBrowser();
  closers.push(() => browser.close());
  const join = async (identity: string, relayOnly: boolean): Promise<BrowserClient> => {
    const page = await browser.openPage();
    if (relayOnly) {
      // Only the load balancer's: the Room's node tells of its own TURN server as well.
      await page.page.evaluate((port) => {
        const only = (given: RTCConfiguration = {}): RTCConfiguration => ({
          ...given,
          iceTransportPolicy: 'relay',
          iceServers: (given.iceServers ?? []).filter(({ urls }) =>
            [urls].flat().some((url) => url.includes(`:${port}?`)),
          ),
        });
        const set = RTCPeerConnection.prototype.setConfiguration;
        window.RTCPeerConnection = class extends RTCPeerConnection {
          constructor(configuration?: RTCConfiguration) {
            super(only(configuration));
          }
          override setConfiguration(configuration?: RTCConfiguration): void {
            set.call(this, only(configuration));
          }
        };
      }, balancer.port);
    }
    const client = await BrowserClient.make(page, identity, {});
    await client.connect(cluster.url, await joinToken(cluster, 'relayed', identity));
    await client.run((c) =>
      c.publishPicture({ picture: { width: 160, height: 90, fps: 5 }, simulcast: false }),
    );
    return client;
  };
  const alice = await join('alice', false);
  const bob = await join('bob', true);
  await bob.sees('alice');
  await alice.sees('bob');
  const before = await untilView(
    cluster,
    relaying,
    'its relay to be in use',
    ({ record }) => record.load.turnAllocations > 0,
  );
  assert.equal(before.record.load.rooms, 0);
  const [{ sid } = { sid: '' }] = await api.listRooms(['relayed']);
  // A path that a client has asked for and does not take, as browsers keep them: nobody waits for it.
  const credentials = { participantSid: 'PA_idle', nowMs: Date.now() };
  const idle = new TurnClient(
    { address: '127.0.0.1', port: one.udp_port },
    turnCredentials(derivedSecret(CLUSTER_SECRET, 'turn'), credentials, 300),
  );
  closers.push(async () => idle.close());
  await idle.allocate();

  balancer.setServing(one.udp_port, false);
  balancer.add(two.udp_port);
  await cluster.admin().drain(relaying.nodeId, { patience: 0, deadline: '60s' });
  // Not a moment is it said to be empty while it relays.
  await until(
    'the relay to be empty',
    async () => {
      const view = await viewOf(cluster, relaying);
      const left = view?.record.drain?.turnAllocationsLeft ?? 0;
      assert.ok(view?.record.state !== 'drained' || left === 0, JSON.stringify(view));
      return view?.record.state === 'drained';
    },
    { timeoutMs: 30_000, intervalMs: 20 },
  );
  await bob.event('reconnected');
  await bob.sees('alice');
  await alice.sees('bob');
  assert.equal((await cluster.roomNode('relayed')).nodeId, host.nodeId);
  assert.deepEqual(
    (await api.listRooms(['relayed'])).map((room) => room.sid),
    [sid],
  );
  assert.equal((await bob.run((c) => c.seen('disconnected'))).length, 0);
  assert.equal((await alice.run((c) => c.seen('reconnecting'))).length, 0);
  // The other relay serves him now, and once is enough.
  await untilView(
    cluster,
    host,
    'the other relay to be in use',
    ({ record }) => record.load.turnAllocations > 0,
  );
  await sleep(3_000);
  assert.equal((await bob.run((c) => c.seen('reconnected'))).length, 1);
  await untilState(cluster, relaying, 'drained');
});
