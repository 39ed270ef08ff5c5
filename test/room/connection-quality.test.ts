import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { ConnectionQuality } from '@livekit/protocol';
import { ConnectionQualityReporter } from '../../node-image/room/connection-quality';
import type { Participant } from '../../node-image/room/participant';
import { FakeProducer, type FakeSink, fakeParticipant, fakeTrack } from './fakes';

const { EXCELLENT, GOOD, POOR, LOST } = ConnectionQuality;

let people: Participant[];
let rated: [ConnectionQuality, number][];
let reporter: ConnectionQualityReporter;

beforeEach(() => {
  people = [];
  rated = [];
  reporter = new ConnectionQualityReporter({
    participants: () => people,
    onRated: (quality, score) => rated.push([quality, score]),
  });
});

function person(identity: string, receives = new Set<string>()) {
  const made = fakeParticipant(identity, { receives });
  people.push(made.participant);
  return { ...made, receives };
}

/** Lets a participant send one stream with these scores of its layers, 0 to 10. */
function sends(participant: Participant, ...scores: number[]): FakeProducer {
  const producer = new FakeProducer(participant.sid);
  producer.score = scores.map((score) => ({ score }));
  const track = fakeTrack('TR_1');
  void track.addProducer('video/VP8', producer.producer);
  Object.defineProperty(participant.publishing, 'tracks', {
    configurable: true,
    value: new Map([['TR_1', track]]),
  });
  return producer;
}
const told = (sink: FakeSink): [string, ConnectionQuality][] =>
  sink
    .sent('connectionQuality')
    .flatMap(({ updates }) => updates)
    .map(({ participantSid, quality }) => [participantSid, quality]);

describe('a connection', () => {
  test('without media is excellent', () => {
    const ann = person('ann');
    reporter.report();
    assert.deepEqual(told(ann.sink), [[ann.participant.sid, EXCELLENT]]);
    assert.deepEqual(rated, [[EXCELLENT, 5]]);
  });

  const cases: [number, ConnectionQuality][] = [
    [10, EXCELLENT],
    [8, EXCELLENT],
    [7, GOOD],
    [4, GOOD],
    [3, POOR],
    [0, POOR],
  ];
  for (const [score, quality] of cases) {
    test(`of score ${score} is ${ConnectionQuality[quality]}`, () => {
      const { participant } = person('ann');
      sends(participant, score);
      reporter.report();
      assert.equal(reporter.rating(participant)?.quality, quality);
    });
  }

  test('is no worse for layers that nobody watches', () => {
    const { participant } = person('ann');
    sends(participant, 9, 0, 0);
    reporter.report();
    assert.equal(reporter.rating(participant)?.quality, EXCELLENT);
  });

  test('is no worse for a track that is muted', () => {
    const { participant } = person('ann');
    sends(participant, 0).paused = true;
    reporter.report();
    assert.equal(reporter.rating(participant)?.quality, EXCELLENT);
  });

  test('is lost while its transport is down', () => {
    const { participant } = person('ann');
    Object.assign(participant.parts.connections, { lost: true });
    reporter.report();
    assert.equal(reporter.rating(participant)?.quality, LOST);
  });
});

describe('a rating', () => {
  test('is told to whom it concerns and to those who receive it', () => {
    const [ann, bob, eve] = [person('ann'), person('bob'), person('eve')];
    bob.receives.add(ann.participant.sid);
    reporter.report();
    assert.deepEqual(told(bob.sink), [
      [ann.participant.sid, EXCELLENT],
      [bob.participant.sid, EXCELLENT],
    ]);
    assert.deepEqual(told(eve.sink), [[eve.participant.sid, EXCELLENT]]);
  });

  test('is told again when it has changed', () => {
    const ann = person('ann');
    const producer = sends(ann.participant, 10);
    reporter.report();
    reporter.report();
    producer.score = [{ score: 9.5 }];
    reporter.report();
    assert.equal(told(ann.sink).length, 1);
    producer.score = [{ score: 2 }];
    reporter.report();
    assert.deepEqual(told(ann.sink).at(-1), [ann.participant.sid, POOR]);
  });

  test('is told to a new subscriber, if there is one', () => {
    const [ann, bob] = [person('ann'), person('bob')];
    reporter.introduce(bob.participant, ann.participant);
    assert.deepEqual(told(bob.sink), []);
    reporter.report();
    bob.sink.forget();
    reporter.introduce(bob.participant, ann.participant);
    assert.deepEqual(told(bob.sink), [[ann.participant.sid, EXCELLENT]]);
  });

  test('is forgotten with the participant', () => {
    const ann = person('ann');
    reporter.report();
    reporter.forget(ann.participant);
    assert.equal(reporter.rating(ann.participant), undefined);
  });
});
