import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  AgentDispatch,
  DeleteAgentDispatchRequest,
  RoomAgentDispatch,
  RoomConfiguration,
} from '@livekit/protocol';
import { roomFactsSchema } from '../../../node-image/room/handover';
import { LocalRoomControl } from '../../../node-image/room/local-room-control';
import { TestRooms } from '../../room/rooms';

let node: TestRooms;
let control: LocalRoomControl;

before(async () => {
  const agents = [new RoomAgentDispatch({ agentName: 'of the preset' })];
  node = await TestRooms.start({ presets: new Map([['set', new RoomConfiguration({ agents })]]) });
  const limits = { nameLength: 0, metadataBytes: 0, attributesBytes: 0 };
  control = new LocalRoomControl(node.rooms, limits);
});
after(() => node.close());

const namesOf = async (request: Parameters<TestRooms['rooms']['getOrCreate']>[0]) => {
  const { dispatches } = await node.rooms.getOrCreate(request);
  return dispatches.all.map(({ agentName }) => agentName);
};

test('a Room has the agents of who makes it, else those of its preset, else those without a name', async () => {
  const agents = [new RoomAgentDispatch({ agentName: 'asked for' })];
  assert.deepEqual(await namesOf({ name: 'asked', preset: 'set', agents }), ['asked for']);
  assert.deepEqual(await namesOf({ name: 'preset', preset: 'set' }), ['of the preset']);
  assert.deepEqual(await namesOf({ name: 'neither' }), ['']);
  // Who comes later finds it made.
  assert.deepEqual(await namesOf({ name: 'neither', agents }), ['']);
});

test('what a Room knows of its agents outlives its node, and is read by nodes that know of none', async () => {
  const room = await node.rooms.getOrCreate({ name: 'lasting' });
  const made = await control.createDispatch(
    new AgentDispatch({ id: 'AD_1', room: 'lasting', agentName: 'a', attributes: { k: 'v' } }),
  );
  assert.equal(made.room, 'lasting');
  room.dispatches.launched('AD_1');
  const { dispatches, ...older } = roomFactsSchema.parse(JSON.parse(JSON.stringify(room.facts())));
  assert.deepEqual(
    dispatches?.map(({ agentName, isLaunched, attributes }) => [agentName, isLaunched, attributes]),
    [
      ['', false, {}],
      ['a', true, { k: 'v' }],
    ],
  );
  assert.equal(roomFactsSchema.parse(older).dispatches, undefined);
});

test('a dispatch is made once by its id, a Room has 100 of them, and one that is gone is not found', async () => {
  const room = 'many';
  await node.rooms.getOrCreate({ name: room });
  const gone = new DeleteAgentDispatchRequest({ room, dispatchId: 'AD_1' });
  const make = (id: string) => control.createDispatch(new AgentDispatch({ id, room }));
  for (let i = 1; i < 100; i += 1) await make(`AD_${i}`);
  await make('AD_1');
  await assert.rejects(make('AD_100'), { code: 'resource_exhausted' });
  await control.deleteDispatch(gone);
  await assert.rejects(control.deleteDispatch(gone), {
    code: 'not_found',
    message: 'agent dispatch does not exist',
  });
  await make('AD_100');
  await assert.rejects(control.createDispatch(new AgentDispatch({ id: 'AD_1', room: 'nowhere' })), {
    code: 'not_found',
  });
});
