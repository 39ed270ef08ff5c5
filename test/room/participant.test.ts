import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  DisconnectReason,
  ParticipantInfo_Kind,
  ParticipantInfo_KindDetail,
  ParticipantInfo_State,
} from '@livekit/protocol';
import { Departures } from '../../node-image/room/departures';
import { isDependent } from '../../node-image/room/participant-kind';
import { FakeSink, fakeParticipant, grants } from './fakes';

describe('what a participant shows', () => {
  test('is what its token says', () => {
    const { participant } = fakeParticipant('ann', {
      grants: { name: 'Ann', metadata: 'm', attributes: { a: '1' }, kind: 'agent' },
    });
    const info = participant.info();
    assert.deepEqual([info.identity, info.name, info.metadata], ['ann', 'Ann', 'm']);
    assert.deepEqual(info.attributes, { a: '1' });
    assert.equal(info.kind, ParticipantInfo_Kind.AGENT);
    assert.match(info.sid, /^PA_\w{12}$/);
    assert.deepEqual([info.joinedAt, info.joinedAtMs], [1_700_000_000n, 1_700_000_000_123n]);
  });

  test('says what kind of its kind it is, as far as that is known', () => {
    const kindDetails = ['CLOUD_AGENT', 'forwarded', 'constructor', 'nonsense'];
    const { participant } = fakeParticipant('bot', { grants: { kindDetails } });
    assert.deepEqual(participant.info().kindDetails, [
      ParticipantInfo_KindDetail.CLOUD_AGENT,
      ParticipantInfo_KindDetail.FORWARDED,
    ]);
  });

  test('of a kind that nobody knows is a standard participant', () => {
    for (const kind of ['', 'constructor', '__proto__', 'nonsense']) {
      const { participant } = fakeParticipant('ann', { grants: { kind } });
      assert.equal(participant.kind, ParticipantInfo_Kind.STANDARD);
      assert.ok(participant.info().toBinary().length > 0);
    }
  });

  test('has a higher version with each change', () => {
    const { participant } = fakeParticipant('ann');
    const before = participant.info().version;
    participant.touch();
    participant.touch();
    assert.equal(participant.info().version, before + 2);
  });

  test('goes from joining to joined, active and disconnected', () => {
    const { participant } = fakeParticipant('ann', { joined: false });
    assert.deepEqual(
      [participant.state, participant.reachable],
      [ParticipantInfo_State.JOINING, false],
    );
    assert.throws(() => participant.parts, /has not joined/);
    const joined = fakeParticipant('bob').participant;
    assert.deepEqual([joined.state, joined.reachable], [ParticipantInfo_State.JOINED, true]);
    joined.setActive();
    assert.equal(joined.state, ParticipantInfo_State.ACTIVE);
    joined.close(DisconnectReason.CLIENT_INITIATED);
    joined.setActive();
    assert.deepEqual(
      [joined.state, joined.reachable, joined.closed],
      [ParticipantInfo_State.DISCONNECTED, false, true],
    );
  });
});

describe('who serves a Room rather than takes part', () => {
  test('is an agent or an egress, by kind or by grant, whatever the letters', () => {
    const of = (kind: string, video = {}) => isDependent({ ...grants('x', video), kind });
    assert.deepEqual(
      ['agent', 'AGENT', 'egress'].map((kind) => of(kind)),
      [true, true, true],
    );
    assert.deepEqual([of('', { agent: true }), of('', { recorder: true })], [true, true]);
    assert.deepEqual(
      ['', 'sip', 'ingress'].map((kind) => of(kind)),
      [false, false, false],
    );
    assert.equal(fakeParticipant('bot', { video: { agent: true } }).participant.dependent, true);
  });
});

describe('the signal connection of a participant', () => {
  test('is closed when another takes its place', () => {
    const { participant, sink } = fakeParticipant('ann');
    const next = new FakeSink();
    participant.attachSink(next);
    assert.deepEqual([sink.closed, next.closed], [true, false]);
    participant.send({ case: 'pong', value: 1n });
    assert.deepEqual([sink.kinds, next.kinds], [[], ['pong']]);
  });

  test('that is lost late does not take the new one away', () => {
    const { participant, sink } = fakeParticipant('ann');
    const next = new FakeSink();
    participant.attachSink(next);
    assert.equal(participant.dropSink(sink), false);
    participant.send({ case: 'pong', value: 1n });
    assert.deepEqual(next.kinds, ['pong']);
    assert.equal(participant.dropSink(next), true);
    participant.send({ case: 'pong', value: 2n });
    assert.equal(next.kinds.length, 1);
  });
});

describe('who has left', () => {
  test('is remembered for as long as others may be away', () => {
    let nowMs = 1_000_000;
    const departures = new Departures(() => nowMs);
    departures.add(fakeParticipant('ann').participant.info());
    nowMs += 50_000;
    departures.add(fakeParticipant('bob').participant.info());
    const names = (since: number) => departures.since(since).map((info) => info.identity);
    assert.deepEqual(names(0), ['ann', 'bob']);
    assert.deepEqual(names(nowMs), ['bob']);
    nowMs += 20_000;
    assert.deepEqual(names(0), ['bob']);
  });
});
