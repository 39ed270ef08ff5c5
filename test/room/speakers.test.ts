import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, mock, test } from 'node:test';
import type { Participant } from '../../node-image/room/participant';
import { Speakers } from '../../node-image/room/speakers';
import { FakeProducer, type FakeSink, fakeParticipant, fakeTrack } from './fakes';

const INTERVAL_MS = 400;

interface Person {
  readonly participant: Participant;
  readonly sink: FakeSink;
  readonly microphone: FakeProducer;
  readonly hears: Set<string>;
}

let people: Person[];
let speakers: Speakers;

beforeEach(() => {
  mock.timers.enable({ apis: ['setTimeout'] });
  people = [];
  speakers = make(0);
});
afterEach(() => {
  speakers.close();
  mock.timers.reset();
});

const make = (smoothIntervals: number): Speakers =>
  new Speakers({
    participants: () => people.map(({ participant }) => participant),
    activeLevel: 35,
    smoothIntervals,
    intervalMs: INTERVAL_MS,
  });

function person(identity: string): Person {
  const hears = new Set<string>();
  const made = fakeParticipant(identity, { receives: hears });
  const microphone = new FakeProducer(`producer of ${identity}`);
  const track = fakeTrack(`TR_${identity}`, ['audio/opus']);
  void track.addProducer('audio/opus', microphone.producer);
  Object.defineProperty(made.participant.publishing, 'tracks', {
    value: new Map([[track.sid, track]]),
  });
  const one = { ...made, microphone, hears };
  people.push(one);
  return one;
}

/** One interval in which these are this loud, in dBov. */
const interval = (...levels: [Person, number][]): void =>
  speakers.report(
    levels.map(([{ microphone }, dBov]) => ({ producer: microphone.producer, dBov })),
  );
const heard = ({ sink }: Person): [string, number, boolean][] =>
  sink
    .sent('speakersChanged')
    .flatMap((change) => change.speakers)
    .map(({ sid, level, active }) => [sid, level, active]);

describe('who speaks', () => {
  test('is told to itself and to those who receive it, and to nobody else', () => {
    const [ann, bob, eve] = [person('ann'), person('bob'), person('eve')];
    bob.hears.add(ann.participant.sid);
    interval([ann, -12]);
    const expected = [[ann.participant.sid, 0.375, true]];
    assert.deepEqual([heard(ann), heard(bob), heard(eve)], [expected, expected, []]);
  });

  test('is told again only when the level has changed by a step', () => {
    const ann = person('ann');
    interval([ann, -11]);
    interval([ann, -11.5]);
    assert.equal(heard(ann).length, 1);
    interval([ann, -3]);
    assert.equal(heard(ann).length, 2);
  });

  test('is nobody who is quieter than speech', () => {
    const ann = person('ann');
    interval([ann, -36]);
    assert.deepEqual(heard(ann), []);
    interval([ann, -34]);
    assert.deepEqual(heard(ann), [[ann.participant.sid, 0.125, true]]);
  });

  test('falls silent with the next interval without it', () => {
    const ann = person('ann');
    interval([ann, -12]);
    interval();
    assert.deepEqual(heard(ann).at(-1), [ann.participant.sid, 0, false]);
  });

  test('falls silent though silence is reported no more', () => {
    speakers.close();
    speakers = make(2);
    const ann = person('ann');
    for (let i = 0; i < 5; i++) interval([ann, -6]);
    interval();
    for (let i = 0; i < 20; i++) mock.timers.tick(INTERVAL_MS * 1.5);
    assert.deepEqual(heard(ann).at(-1), [ann.participant.sid, 0, false]);
    const told = heard(ann).length;
    mock.timers.tick(INTERVAL_MS * 100);
    assert.equal(heard(ann).length, told);
  });

  test('rises and falls smoothly', () => {
    speakers.close();
    speakers = make(3);
    const ann = person('ann');
    interval([ann, 0]);
    interval([ann, 0]);
    interval();
    assert.deepEqual(
      heard(ann).map(([, level]) => level),
      [0.5, 0.75, 0.375],
    );
  });

  test('is as loud as its loudest track', () => {
    const ann = person('ann');
    speakers.report([
      { producer: ann.microphone.producer, dBov: -6 },
      { producer: ann.microphone.producer, dBov: -30 },
    ]);
    assert.equal(heard(ann)[0]?.[1], 0.625);
  });

  test('is nobody whose track has just gone', () => {
    speakers.report([{ producer: new FakeProducer('gone').producer, dBov: 0 }]);
  });
});

describe('a new subscriber', () => {
  test('learns that its publisher is speaking already', () => {
    const [ann, bob] = [person('ann'), person('bob')];
    interval([ann, -12]);
    bob.hears.add(ann.participant.sid);
    speakers.introduce(bob.participant, ann.participant, true);
    assert.deepEqual(heard(bob), [[ann.participant.sid, 0.375, true]]);
  });

  test('hears nothing of a publisher who is silent', () => {
    const [ann, bob] = [person('ann'), person('bob')];
    speakers.introduce(bob.participant, ann.participant, true);
    assert.deepEqual(heard(bob), []);
  });
});

describe('one that receives a speaker no more', () => {
  test('is told that it is silent', () => {
    const [ann, bob] = [person('ann'), person('bob')];
    interval([ann, -12]);
    speakers.introduce(bob.participant, ann.participant, false);
    assert.deepEqual(heard(bob), [[ann.participant.sid, 0, false]]);
  });

  test('is told nothing while another of its tracks still comes', () => {
    const [ann, bob] = [person('ann'), person('bob')];
    bob.hears.add(ann.participant.sid);
    interval([ann, -12]);
    bob.sink.forget();
    speakers.introduce(bob.participant, ann.participant, false);
    assert.deepEqual(heard(bob), []);
  });
});

test('a resumed client learns who speaks now', () => {
  const [ann, bob, eve] = [person('ann'), person('bob'), person('eve')];
  interval([ann, -12], [bob, -80]);
  speakers.sendAll(eve.participant);
  assert.deepEqual(heard(eve), [[ann.participant.sid, 0.375, true]]);
});

test('nothing is kept of one that has left', () => {
  const [ann, bob] = [person('ann'), person('bob')];
  interval([ann, -12]);
  speakers.forget(ann.participant);
  people = [bob];
  speakers.sendAll(bob.participant);
  assert.deepEqual(heard(bob), []);
});
