/** Each job of an agent is made once, whatever changes, and whichever node asks for it again. */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { AgentDispatch, DisconnectReason, JobType } from '@livekit/protocol';
import { RegistryUnavailableError } from '../../../node-image/cluster/registry';
import { readAgentJob } from '../../../node-image/jobs/agents/agent-job';
import { RoomDispatcher } from '../../../node-image/jobs/agents/room-dispatcher';
import { MemoryJobStore } from '../../../node-image/jobs/store/memory-job-store';
import type { Room } from '../../../node-image/room/room';
import { log } from '../../media/support/media';
import { TestRooms } from '../../room/rooms';
import { sleep, until } from '../../support/wait';

let node: TestRooms;
let store: MemoryJobStore;
let number = 0;
const dispatchers: RoomDispatcher[] = [];

before(async () => {
  node = await TestRooms.start();
});
beforeEach(() => {
  store = new MemoryJobStore();
});
afterEach(() => {
  for (const one of dispatchers.splice(0)) one.close();
});
after(() => node.close());

/** As a node has it, on which the Room is. */
function dispatcher(): RoomDispatcher {
  const one = new RoomDispatcher({
    ...{ store, rooms: () => node.rooms, log, enableRecording: false, enableRedaction: false },
    kinds: { any: true, has: () => true, onAdded: () => () => {} },
  });
  dispatchers.push(one);
  return one;
}

/** A Room with somebody who has joined. */
async function stage(): Promise<Room> {
  const room = await node.rooms.getOrCreate({ name: `stage-${++number}` });
  const { participant } = await node.join(room, 'alice');
  room.activated(participant);
  return room;
}

const typesIn = async (room: Room): Promise<string[]> => {
  const jobs = await store.list({ kind: 'agent', room: room.name });
  return jobs.map((job) => JobType[readAgentJob(job)?.spec.type ?? 0] ?? '').sort();
};
const moment = (): Promise<void> => sleep(50);

test('a job that has ended is not made again when another agent is wanted', async () => {
  const room = await stage();
  const one = dispatcher();
  one.agentsWanted(room.info());
  await until('both to be made', async () => (await typesIn(room)).length === 2);
  assert.deepEqual(await typesIn(room), ['JT_PARTICIPANT', 'JT_ROOM']);
  for (const job of await store.list()) await store.end(job, job.info);
  room.dispatches.add(new AgentDispatch({ id: 'AD_other', agentName: 'other' }));
  one.agentsWanted(room.info());
  await moment();
  const both = ['JT_PARTICIPANT', 'JT_PARTICIPANT', 'JT_ROOM', 'JT_ROOM'];
  assert.deepEqual(await typesIn(room), both);
  // Nor once the store has forgotten it.
  await store.sweep(0, 0);
  one.agentsWanted(room.info());
  await moment();
  assert.deepEqual(await typesIn(room), ['JT_PARTICIPANT', 'JT_ROOM']);
});

test('the node that a Room comes to makes nothing anew for who comes with it', async () => {
  const room = await stage();
  dispatcher().agentsWanted(room.info());
  await moment();
  const before = await store.list();
  for (const job of before) await store.end(job, job.info);
  dispatcher().agentsWanted(room.info());
  await moment();
  assert.deepEqual(
    (await store.list()).map(({ id }) => id),
    before.map(({ id }) => id),
  );
});

test('a job is made when the store is back, and a Room says only then that it was', async () => {
  const room = await stage();
  const create = store.create.bind(store);
  let asked = 0;
  store.create = async () => {
    asked += 1;
    throw new RegistryUnavailableError('away');
  };
  const one = dispatcher();
  for (let i = 0; i < 3; i += 1) one.agentsWanted(room.info());
  await moment();
  assert.deepEqual([asked, room.dispatches.all[0]?.isLaunched], [2, false]);
  store.create = create;
  await until('both to be made', async () => (await typesIn(room)).length === 2);
  assert.equal(room.dispatches.all[0]?.isLaunched, true);
});

test('nothing is made for who has left by the time the store is back', async () => {
  const room = await stage();
  const create = store.create.bind(store);
  let refused = 0;
  store.create = async (job) => {
    refused += 1;
    if (refused <= 2) throw new RegistryUnavailableError('away');
    return create(job);
  };
  dispatcher().agentsWanted(room.info());
  await moment();
  room.participants.get('alice')?.close(DisconnectReason.CLIENT_INITIATED);
  await until('the job of the Room to be made', async () => (await typesIn(room)).length > 0);
  await sleep(1200);
  assert.deepEqual(await typesIn(room), ['JT_ROOM']);
});
