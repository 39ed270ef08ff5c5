import assert from 'node:assert/strict';
import { afterEach, beforeEach, it } from 'node:test';
import {
  AutoParticipantEgress,
  AutoTrackEgress,
  CreateRoomRequest,
  EgressStatus,
  EncodedFileOutput,
  ParticipantInfo,
  ParticipantInfo_Kind,
  RoomCompositeEgressRequest,
  RoomConfiguration,
  RoomEgress,
  S3Upload,
  TrackInfo,
} from '@livekit/protocol';
import { AutoEgress } from '../../../node-image/jobs/egress/auto-egress';
import { EgressControl } from '../../../node-image/jobs/egress/egress-control';
import { infoOfText } from '../../../node-image/jobs/egress/egress-info';
import { JobEgresses } from '../../../node-image/jobs/egress/egress-launcher';
import { SpecSealer } from '../../../node-image/jobs/egress/sealed-spec';
import { MemoryJobStore } from '../../../node-image/jobs/store/memory-job-store';
import { roomFactsSchema } from '../../../node-image/room/handover';
import { LocalRoomControl } from '../../../node-image/room/local-room-control';
import type { Room } from '../../../node-image/room/room';
import { TestRooms } from '../../room/rooms';
import { sleep, until } from '../../support/wait';

const SECRET = 'the-secret-of-a-bucket';
const sealer = new SpecSealer(new Uint8Array(32).fill(7));
const quiet = { info: () => {}, warn: () => {} };

let node: TestRooms;
let store: MemoryJobStore;
const autos: AutoEgress[] = [];

beforeEach(async () => {
  store = new MemoryJobStore();
  node = await TestRooms.start({
    rooms: { sealEgress: (room, wanted) => sealer.sealRoom(room, wanted) },
    presets: new Map([
      ['taped', new RoomConfiguration({ egress: new RoomEgress({ room: composite() }) })],
    ]),
  });
});
afterEach(async () => {
  for (const auto of autos.splice(0)) auto.close();
  await node.close();
  await store.close();
});

/** As the one of each node that has the Room, one after the other. */
function autoEgress(): AutoEgress {
  const auto = new AutoEgress({
    ...{ store, sealer, storage: { kind: 'local' }, log: quiet, stayMs: 50 },
    rooms: () => node.rooms,
  });
  autos.push(auto);
  return auto;
}

const bucket = {
  case: 's3' as const,
  value: new S3Upload({ accessKey: 'k', secret: SECRET, bucket: 'b' }),
};
const file = () => new EncodedFileOutput({ filepath: 'f.mp4', output: bucket });
const composite = () => new RoomCompositeEgressRequest({ fileOutputs: [file()] });
const wanted = new RoomEgress({
  participant: new AutoParticipantEgress({ fileOutputs: [file()] }),
  tracks: new AutoTrackEgress({ filepath: 't', output: bucket }),
});
const ada = (sid: string, more = {}) => new ParticipantInfo({ identity: 'ada', sid, ...more });
const jobs = () => store.list({ kind: 'egress' });

/** Somebody with this sid is in the Room, as far as `AutoEgress` looks. */
function isIn(room: Room, sid: string): void {
  Object.assign(room.participants, { get: () => ({ sid }) });
}

it('records each participant and track once, whichever node is told of them', async () => {
  const room = await node.rooms.getOrCreate({ name: 'r', egress: wanted });
  for (const auto of [autoEgress(), autoEgress()]) {
    isIn(room, 'PA_1');
    auto.participantJoined(room.info(), ada('PA_1'));
    auto.participantJoined(room.info(), ada('PA_e', { kind: ParticipantInfo_Kind.EGRESS }));
    auto.trackPublished(room.info(), ada('PA_1'), new TrackInfo({ sid: 'TR_1' }));
    auto.trackPublished(room.info(), ada('PA_1'), new TrackInfo({ sid: 'TR_2' }));
  }
  await until('three jobs', async () => (await jobs()).length >= 3);
  await sleep(200);
  const made = (await jobs()).map(({ state, info, id, spec }) => {
    const { request, roomId, egressId } = infoOfText(info);
    assert.deepEqual([state, roomId, egressId], ['waiting', room.sid, id]);
    assert.equal(sealer.open(id, spec).roomId, room.sid);
    return request.case === 'participant'
      ? request.value.identity
      : request.case === 'track' && request.value.trackId;
  });
  assert.deepEqual(made.sort(), ['TR_1', 'TR_2', 'ada']);
});

it('records another stay of a participant, and not one that is a recording of before', async () => {
  const room = await node.rooms.getOrCreate({
    name: 'r',
    egress: new RoomEgress({ ...(wanted.participant && { participant: wanted.participant }) }),
  });
  const auto = autoEgress();
  isIn(room, 'PA_1');
  auto.participantJoined(room.info(), ada('PA_1'));
  await until('its job', async () => (await jobs()).length === 1);
  // Its node was lost, and it is back: its recording goes on.
  isIn(room, 'PA_2');
  auto.participantJoined(room.info(), ada('PA_2'));
  await sleep(300);
  assert.equal((await jobs()).length, 1);
  // It has left, which its recording notices while it is back already.
  const [first] = await jobs();
  assert.ok(first);
  isIn(room, 'PA_3');
  auto.participantJoined(room.info(), ada('PA_3'));
  const info = infoOfText(first.info);
  info.status = EgressStatus.EGRESS_COMPLETE;
  await store.end(first, info.toJsonString());
  await until('a second job', async () => (await jobs()).length === 2);
});

it('keeps what is recorded with the Room, sealed', async () => {
  const room = await node.rooms.getOrCreate({ name: 'r', egress: wanted });
  const text = JSON.stringify(room.facts());
  assert.doesNotMatch(text, new RegExp(SECRET));
  const { autoEgress: sealed } = roomFactsSchema.parse(JSON.parse(text));
  assert.ok(sealed);
  assert.deepEqual(sealer.openRoom('r', sealed).toJson(), wanted.toJson());
  assert.throws(() => sealer.openRoom('another', sealed));

  // Of a Room that was there, later.
  const control = new LocalRoomControl(node.rooms, {
    ...{ nameLength: 0, metadataBytes: 0, attributesBytes: 0 },
  });
  const plain = await node.rooms.getOrCreate({ name: 'plain' });
  assert.equal(plain.facts().autoEgress, undefined);
  await control.createRoom(new CreateRoomRequest({ name: 'plain', egress: wanted }));
  assert.ok(plain.facts().autoEgress);
});

it('records a Room as its preset says, once, and as who makes it says, through any Master Node', async () => {
  const room = await node.rooms.getOrCreate({ name: 'r', preset: 'taped' });
  for (const auto of [autoEgress(), autoEgress()]) auto.roomStarted(room.info());
  await until('its job', async () => (await jobs()).length === 1);
  const started: string[] = [];
  const master = () =>
    new EgressControl({
      launcher: new JobEgresses({
        jobs: {
          start: async (job) => {
            started.push(job.id);
            const made = await store.create(job);
            assert.ok(made);
            return made;
          },
          request: () => assert.fail(),
          stop: () => assert.fail(),
        },
        ...{ sealer, storage: { kind: 'local' } },
      }),
      store,
      rooms: { listRooms: () => assert.fail(), updateParticipant: () => assert.fail() },
      knowsKey: () => false,
    });
  const [info] = await jobs();
  const again = await master().startWithRoom(room.info(), composite());
  assert.equal(again?.egressId, info?.id);
  const other = await node.rooms.getOrCreate({ name: 'other' });
  const first = await master().startWithRoom(other.info(), composite());
  const second = await master().startWithRoom(other.info(), composite());
  assert.deepEqual([first?.egressId, second?.egressId], [started[0], started[0]]);
  assert.equal(first?.roomName, 'other');
});
