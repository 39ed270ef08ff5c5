import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { RoomServiceClient } from 'livekit-server-sdk';
import { RustClients } from '../../support/call-client-rust';
import { TestCluster } from '../../support/cluster';
import { joinToken } from '../../support/tokens';
import { sleep, until } from '../../support/wait';
import {
  assertNoneDropped,
  leaveCalls,
  startCalls,
  untilFlowing,
  worstGapOf,
} from '../support/calls';

let cluster: TestCluster;
let clients: RustClients;
before(async () => {
  cluster = await TestCluster.start({ masters: 3 });
  clients = await RustClients.start();
});
after(async () => {
  await clients?.close();
  await cluster?.close();
});

const options = { timeout: 120_000 };

const apiOf = (httpUrl: string): RoomServiceClient =>
  new RoomServiceClient(httpUrl, cluster.apiKey, cluster.apiSecret);

test('two who come through different masters meet in one Room', options, async () => {
  const [one, two] = cluster.masters;
  const room = 'any-master';

  const members = [
    await clients.join('any-a', one?.url ?? '', await joinToken(cluster, room, 'any-a')),
    await clients.join('any-b', two?.url ?? '', await joinToken(cluster, room, 'any-b')),
  ];
  await untilFlowing({ room, members });
  await leaveCalls([{ room, members }]);
});

test('the server API answers the same through each master', options, async () => {
  const calls = await startCalls(cluster, clients, { name: 'api', rooms: 2 });
  const answers = await Promise.all(
    cluster.masters.map(async ({ httpUrl }) => {
      const api = apiOf(httpUrl);
      const rooms = await api.listRooms(calls.map(({ room }) => room));
      const people = await Promise.all(calls.map(({ room }) => api.listParticipants(room)));
      return {
        rooms: rooms.map(({ sid, name, numParticipants }) => ({ sid, name, numParticipants })),
        people: people.map((list) => list.map(({ sid, identity }) => ({ sid, identity }))),
      };
    }),
  );
  const [first, ...others] = answers.map(({ rooms, people }) => ({
    rooms: rooms.sort((a, b) => a.name.localeCompare(b.name)),
    people: people.map((list) => list.sort((a, b) => a.identity.localeCompare(b.identity))),
  }));
  assert.equal(first?.rooms.length, 2);
  assert.deepEqual(
    first?.people.map((list) => list.length),
    [2, 2],
  );
  for (const other of others) assert.deepEqual(other, first);
  await leaveCalls(calls);
});

test('a Room that all masters are asked for at once is placed once', options, async () => {
  for (let round = 0; round < 10; round++) {
    const name = `at-once-${round}`;
    const made = await Promise.all(
      [...cluster.masters, ...cluster.masters].map(({ httpUrl }) =>
        apiOf(httpUrl).createRoom({ name }),
      ),
    );
    const sids = new Set(made.map(({ sid }) => sid));
    assert.equal(sids.size, 1, `${name} was made ${sids.size} times`);
    const listed = await apiOf(cluster.httpUrl).listRooms();
    assert.equal(listed.filter((room) => room.name === name).length, 1);
  }
});

test(
  'a master that is killed: clients resume through another, media never stops',
  options,
  async () => {
    const victim = cluster.masters[0];
    assert.ok(victim);
    const calls = await startCalls(cluster, clients, { name: 'master-killed', rooms: 3 });
    const api = apiOf(cluster.httpUrl);
    const sidsOf = async (): Promise<string[]> => {
      const lists = await Promise.all(calls.map(({ room }) => api.listParticipants(room)));
      return lists
        .flat()
        .map(({ sid }) => sid)
        .sort();
    };
    const sids = await sidsOf();
    const killedMs = Date.now();
    await victim.kill();
    let resumed = 0;
    await until('whoever came through it to be back', async () => {
      const all = await Promise.all(
        calls.flatMap(({ members }) => members.map((one) => one.status(killedMs))),
      );
      const noticed = all.filter(({ events }) =>
        events.some(({ name }) => name === 'reconnecting'),
      );
      resumed = noticed.length;
      return (
        resumed > 0 &&
        noticed.every(
          ({ events, state }) =>
            state === 'connected' && events.some(({ name }) => name === 'reconnected'),
        )
      );
    });
    await sleep(3_000);
    const gap = await worstGapOf(calls, killedMs);
    assert.ok(gap < 1_500, `media stopped for ${gap} ms`);
    assert.deepEqual(await sidsOf(), sids, 'somebody has joined anew');
    await assertNoneDropped(calls);
    await leaveCalls(calls);
    await victim.start();
    await cluster.untilServing();
  },
);

test('a master that is stopped in order: the same, and it ends by itself', options, async () => {
  const victim = cluster.masters[1];
  assert.ok(victim);
  const calls = await startCalls(cluster, clients, { name: 'master-stopped', rooms: 3 });
  const stoppedMs = Date.now();
  await victim.stop();
  await sleep(4_000);
  const gap = await worstGapOf(calls, stoppedMs);
  assert.ok(gap < 1_500, `media stopped for ${gap} ms`);
  await assertNoneDropped(calls);
  for (const member of calls.flatMap(({ members }) => members)) {
    const { state, events } = await member.status(stoppedMs);
    assert.equal(state, 'connected');
    // A resume tells nobody of a leave.
    const told = JSON.stringify(events);
    assert.ok(
      !events.some(({ name }) => name === 'participantDisconnected'),
      `${member.identity} ${told}`,
    );
  }
  await leaveCalls(calls);
  await victim.start();
  await cluster.untilServing();
});
