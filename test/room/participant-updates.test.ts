import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, mock, test } from 'node:test';
import { DisconnectReason, type ParticipantInfo } from '@livekit/protocol';
import type { Participant } from '../../node-image/room/participant';
import { ParticipantUpdates } from '../../node-image/room/participant-updates';
import { type FakeSink, fakeParticipant, fakeTrack } from './fakes';

const BATCH_MS = 3000;

let people: Participant[];
let updates: ParticipantUpdates;
let nowMs: number;

beforeEach(() => {
  mock.timers.enable({ apis: ['setTimeout'] });
  nowMs = 1_000_000;
  people = [];
  updates = make();
});
afterEach(() => {
  updates.close();
  mock.timers.reset();
});

const make = (batchBytes = 100_000): ParticipantUpdates =>
  new ParticipantUpdates({ recipients: () => people, batchBytes, now: () => nowMs });

function person(identity: string, video = {}): { participant: Participant; sink: FakeSink } {
  const made = fakeParticipant(identity, { video });
  people.push(made.participant);
  return made;
}

const told = (sink: FakeSink): ParticipantInfo[] =>
  sink.sent('update').flatMap(({ participants }) => participants);
const names = (sink: FakeSink): string[] => told(sink).map(({ identity }) => identity);

/** Makes the Room one in which listeners' news are gathered. */
function makeBusy(): void {
  for (let i = 0; i < 10; i++) updates.push(fakeParticipant(`crowd-${i}`).participant, false);
}

test('a small Room hears of everything at once, and so does whom it concerns', () => {
  const ann = person('ann');
  const bob = person('bob');
  updates.push(ann.participant, false);
  assert.deepEqual([names(ann.sink), names(bob.sink)], [['ann'], ['ann']]);
});

test('who has no join response yet is told nothing', () => {
  const ann = person('ann');
  const early = fakeParticipant('early', { joined: false });
  people.push(early.participant);
  updates.push(ann.participant, true);
  assert.deepEqual(names(early.sink), []);
});

describe('in a busy Room', () => {
  test("listeners' news are gathered, and only the last of each is told", () => {
    const ann = person('ann');
    const bob = person('bob');
    makeBusy();
    ann.sink.forget();
    updates.push(bob.participant, false);
    bob.participant.name = 'Bob';
    updates.push(bob.participant, false);
    assert.deepEqual(names(ann.sink), []);
    mock.timers.tick(BATCH_MS);
    assert.deepEqual(
      told(ann.sink).map(({ name }) => name),
      ['Bob'],
    );
  });

  test("publishers' news are told at once", () => {
    const ann = person('ann');
    const bob = person('bob');
    makeBusy();
    ann.sink.forget();
    Object.defineProperty(bob.participant.publishing, 'tracks', {
      value: new Map([['TR_1', fakeTrack('TR_1')]]),
    });
    updates.push(bob.participant, false);
    assert.deepEqual(names(ann.sink), ['bob']);
  });

  test('what is told at once is not told again, older, with the rest', () => {
    const ann = person('ann');
    const bob = person('bob');
    makeBusy();
    ann.sink.forget();
    updates.push(bob.participant, false);
    updates.push(bob.participant, true);
    mock.timers.tick(BATCH_MS);
    assert.deepEqual(names(ann.sink), ['bob']);
  });

  test('is calm again after a while', () => {
    const ann = person('ann');
    makeBusy();
    ann.sink.forget();
    nowMs += BATCH_MS;
    updates.push(ann.participant, false);
    assert.deepEqual(names(ann.sink), ['ann']);
  });
});

describe('a hidden participant', () => {
  test('hears of itself, and nobody else does', () => {
    const ann = person('ann');
    const ghost = person('ghost', { hidden: true });
    updates.push(ghost.participant, true);
    assert.deepEqual([names(ghost.sink), names(ann.sink)], [['ghost'], []]);
  });
});

test('one that has left is told of to all but itself', () => {
  const ann = person('ann');
  const bob = person('bob');
  bob.participant.close(DisconnectReason.CLIENT_INITIATED);
  updates.push(bob.participant, true);
  assert.deepEqual(names(bob.sink), []);
  assert.equal(told(ann.sink)[0]?.disconnectReason, DisconnectReason.CLIENT_INITIATED);
});

describe('an update', () => {
  test('is no larger than it may be, unless one participant is', () => {
    updates = make(400);
    const ann = person('ann');
    const infos = ['a', 'b', 'c', 'd'].map((identity) => {
      const { participant } = fakeParticipant(identity);
      participant.metadata = identity === 'c' ? 'x'.repeat(1000) : 'x'.repeat(100);
      return participant.info();
    });
    updates.sendAll(ann.participant, infos);
    const sizes = ann.sink.sent('update').map((update) => update.participants.length);
    assert.deepEqual(sizes, [2, 1, 1]);
    assert.deepEqual(names(ann.sink), ['a', 'b', 'c', 'd']);
  });
});

test('after close nothing is told', () => {
  const ann = person('ann');
  makeBusy();
  updates.push(ann.participant, false);
  updates.close();
  ann.sink.forget();
  mock.timers.tick(BATCH_MS);
  updates.push(ann.participant, true);
  assert.deepEqual(ann.sink.kinds, []);
});
