import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  ParticipantInfo,
  ParticipantInfo_State,
  ParticipantPermission,
  RoomConfiguration,
  TrackSource,
} from '@livekit/protocol';
import {
  decodeHandover,
  encodeHandover,
  HandoverError,
  MAX_HANDOVER_BYTES,
  MAX_HANDOVER_PARTICIPANTS,
  type RoomHandover,
} from '../../node-image/room/handover';
import { grants } from './fakes';
import { SoleOwnership } from './sole-ownership';

const facts = {
  sid: 'RM_1',
  createdMs: 1_700_000_000_123,
  name: 'room',
  metadata: 'ü',
  emptyTimeout: 1,
  departureTimeout: 2,
  maxParticipants: 3,
  syncStreams: true,
  sifTrailer: Buffer.from('trailer').toString('base64'),
  everJoined: true,
};

const info = new ParticipantInfo({
  sid: 'PA_1',
  identity: 'ann',
  state: ParticipantInfo_State.ACTIVE,
  joinedAtMs: 1_700_000_000_456n,
  attributes: { a: '1' },
  permission: new ParticipantPermission({ canPublish: true }),
});

const handover: RoomHandover = {
  version: 1,
  id: 'HO_1',
  facts,
  participants: [
    {
      info,
      grants: {
        ...grants('ann', { canPublish: false, canPublishSources: [TrackSource.CAMERA] }),
        roomConfig: new RoomConfiguration({ name: 'preset', maxParticipants: 5 }),
      },
      isAnnounced: true,
    },
  ],
};

/** A handover with something else in it, as it arrives. */
function changed(
  change: (json: {
    [key: string]: unknown;
    facts: Record<string, unknown>;
    participants: Record<string, Record<string, unknown>>[];
  }) => void,
): Buffer {
  const json = JSON.parse(encodeHandover(handover).toString());
  change(json);
  return Buffer.from(JSON.stringify(json));
}

describe('a handover', () => {
  test('arrives as it was sent', () => {
    const read = decodeHandover(encodeHandover(handover));
    assert.deepEqual(read.facts, facts);
    const [ann] = read.participants;
    assert.ok(ann?.info.equals(info));
    assert.ok(ann?.grants.roomConfig?.equals(handover.participants[0]?.grants.roomConfig));
    assert.deepEqual(
      { ...ann?.grants, roomConfig: undefined },
      { ...handover.participants[0]?.grants, roomConfig: undefined },
    );
    assert.equal(ann?.isAnnounced, true);
  });

  test('may say more than this node knows', () => {
    const more = changed((json) => {
      json['later'] = 1;
      Object.assign(json.participants[0]?.['info'] ?? {}, { later: 1 });
    });
    assert.equal(decodeHandover(more).participants.length, 1);
  });

  const refused: [string, Uint8Array, RegExp][] = [
    ['that is no JSON', Buffer.from('{'), /not JSON/],
    ['that is no text', Buffer.from([0xff, 0xfe]), /not JSON/],
    ['that is null', Buffer.from('null'), /version undefined/],
    [
      'of another version',
      changed((json) => {
        json['version'] = 2;
      }),
      /version 2; this node takes version 1: run the same release/,
    ],
    [
      'without facts',
      changed((json) => {
        Object.assign(json, { facts: undefined });
      }),
      /malformed handover: facts/,
    ],
    [
      'with a time that is none',
      changed((json) => {
        json.facts['createdMs'] = 1.5;
      }),
      /facts\.createdMs/,
    ],
    [
      'with a number out of range',
      changed((json) => {
        json.facts['emptyTimeout'] = -1;
      }),
      /facts\.emptyTimeout/,
    ],
    [
      "with somebody else's grants",
      changed((json) => {
        Object.assign(json.participants[0]?.['grants'] ?? {}, { identity: 'bob' });
      }),
      /participants\.0: its info and its grants/,
    ],
    [
      'with a participant that is none',
      changed((json) => {
        Object.assign(json.participants[0]?.['info'] ?? {}, { attributes: 3 });
      }),
      /participants\.0: not as the protocol says/,
    ],
    [
      'with one participant twice',
      changed((json) => {
        json.participants.push(...json.participants);
      }),
      /two participants have the same identity/,
    ],
    ['that is too large', new Uint8Array(MAX_HANDOVER_BYTES + 1), /at most 67108864/],
  ];
  for (const [what, bytes, message] of refused) {
    test(`${what} is refused`, () => {
      assert.throws(
        () => decodeHandover(bytes),
        (error) => {
          assert.ok(error instanceof HandoverError);
          assert.match(error.message, message);
          return true;
        },
      );
    });
  }

  test('of too many is not sent', () => {
    const [one] = handover.participants;
    assert.ok(one);
    const participants = new Array(MAX_HANDOVER_PARTICIPANTS + 1).fill(one);
    assert.throws(() => encodeHandover({ ...handover, participants }), /at most 100000/);
  });
});

describe('the ownership of a node that shares with nobody', () => {
  test('gives facts back for a minute after they were told last', async () => {
    let nowMs = 0;
    const ownership = new SoleOwnership(() => nowMs);
    ownership.changed('a', facts);
    nowMs += 59_999;
    assert.equal((await ownership.claim('a')).facts, facts);
    nowMs += 1;
    assert.equal((await ownership.claim('a')).facts, undefined);
  });

  test('forgets a Room that has ended', async () => {
    const ownership = new SoleOwnership();
    ownership.changed('a', facts);
    ownership.released('a');
    assert.deepEqual(await ownership.claim('a'), { epoch: 1, facts: undefined, isMoving: false });
  });
});
