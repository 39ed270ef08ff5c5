import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import {
  AddTrackRequest,
  DisconnectReason,
  LeaveRequest,
  LeaveRequest_Action,
  MuteTrackRequest,
  ParticipantInfo_State,
  Ping,
  SessionDescription,
  SignalRequest,
  SimulateScenario,
  TrackSource,
  TrackType,
  UpdateSubscription,
} from '@livekit/protocol';
import { MessageBudget } from '../../node-image/net/message-budget';
import type { VideoGrants } from '../../node-image/room/grants';
import type { Participant } from '../../node-image/room/participant';
import type { Room } from '../../node-image/room/room';
import type { SignalMessage } from '../../node-image/room/signal-sink';
import { Simulations } from '../../node-image/room/simulate';
import { Session } from '../../node-image/signaling/session';
import { description, sends } from '../media/support/descriptions';
import type { FakeSink } from '../room/fakes';
import { TestRooms } from '../room/rooms';
import { until } from '../support/wait';

let node: TestRooms;
let room: Room;
let participant: Participant;
let sink: FakeSink;
let session: Session;
let simulations: Simulations;
let number = 0;

before(async () => {
  node = await TestRooms.start();
});
after(() => node.close());
beforeEach(async () => {
  number += 1;
  room = await node.rooms.getOrCreate({ name: `room-${number}` });
  simulations = new Simulations(() => node.nowMs);
  await enter({});
});

async function enter(video: Partial<VideoGrants>): Promise<void> {
  ({ participant, sink } = await node.join(room, 'ann', { video }));
  session = new Session({
    room,
    participant,
    limits: { nameLength: 10, metadataBytes: 10, attributesBytes: 10 },
    simulations,
    budget: new MessageBudget({ perSecond: 0 }),
  });
  sink.forget();
}

const ask = (message: SignalRequest['message']): void =>
  session.handle(new SignalRequest({ message }));
/** The first message of a kind, now or soon. */
async function got<C extends SignalMessage['case']>(kind: C) {
  await until(kind, () => sink.kinds.includes(kind), {
    timeoutMs: 2000,
    intervalMs: 5,
  });
  return sink.sent(kind)[0];
}
const camera = (changes: Partial<AddTrackRequest> = {}) =>
  new AddTrackRequest({
    cid: 'cam',
    type: TrackType.VIDEO,
    source: TrackSource.CAMERA,
    ...changes,
  });
const subscribedBy = (one: Participant) => [...one.parts.subscribing.subscriptions.values()][0];
const offer = (id = 1, sdp = description({ mid: '0', lines: sends('video', '0', 'cam') })) =>
  ask({
    case: 'offer',
    value: new SessionDescription({ type: 'offer', sdp, id }),
  });

describe('pings', () => {
  test('are answered, with the time that the client said', async () => {
    ask({ case: 'ping', value: 1n });
    ask({ case: 'pingReq', value: new Ping({ timestamp: 7n }) });
    const pong = await got('pongResp');
    assert.equal(pong?.lastPingTimestamp, 7n);
    assert.equal(sink.sent('pong').length, 1);
  });
});

describe('publishing', () => {
  test('is announced, offered, answered, and told to others with its sid', async () => {
    const bob = await node.join(room, 'bob');
    ask({ case: 'addTrack', value: camera() });
    offer(5);
    const published = await got('trackPublished');
    assert.deepEqual([published?.cid, published?.track?.source], ['cam', TrackSource.CAMERA]);
    const answer = await got('answer');
    assert.deepEqual([answer?.id, answer?.type], [5, 'answer']);
    const seen = await until(
      'the track',
      () =>
        bob.sink
          .sent('update')
          .flatMap(({ participants }) => participants.flatMap((one) => one.tracks))[0],
      { timeoutMs: 2000 },
    );
    assert.deepEqual(
      [seen?.sid, seen?.mimeType, seen?.mid],
      [published?.track?.sid, 'video/VP8', '0'],
    );
    assert.equal(participant.info().isPublisher, true);
  });

  test('goes to who wants it, of which the publisher is told', async () => {
    const bob = await node.join(room, 'bob');
    ask({ case: 'addTrack', value: camera() });
    offer();
    const published = await got('trackPublished');
    await until('the subscription', () => bob.participant.isSubscribedTo(participant.sid), {
      timeoutMs: 2000,
    });
    assert.equal((await got('trackSubscribed'))?.trackSid, published?.track?.sid);
  });

  test('asked for twice is one track', async () => {
    ask({ case: 'addTrack', value: camera() });
    ask({ case: 'addTrack', value: camera() });
    await until('both answers', () => sink.sent('trackPublished').length === 2, {
      timeoutMs: 1000,
    });
    const [first, second] = sink.sent('trackPublished');
    assert.equal(first?.track?.sid, second?.track?.sid);
  });

  test('of what is not allowed is refused', async () => {
    room.remove(participant, DisconnectReason.CLIENT_INITIATED);
    await enter({ canPublishSources: [TrackSource.MICROPHONE] });
    ask({ case: 'addTrack', value: camera() });
    assert.match((await got('requestResponse'))?.message ?? '', /permission to publish/);
    assert.equal(sink.sent('trackPublished').length, 0);
  });

  test('of more than a client may announce is refused', async () => {
    for (let i = 0; i < 21; i++) ask({ case: 'addTrack', value: camera({ cid: `cam-${i}` }) });
    assert.match((await got('requestResponse'))?.message ?? '', /too many pending tracks/);
    assert.equal(sink.sent('trackPublished').length, 20);
  });

  test('muted before it is sent starts muted', async () => {
    ask({ case: 'addTrack', value: camera() });
    const sid = (await got('trackPublished'))?.track?.sid ?? '';
    ask({ case: 'mute', value: new MuteTrackRequest({ sid, muted: true }) });
    offer();
    await got('answer');
    const track = await until('the track', () => participant.publishing.tracks.get(sid), {
      timeoutMs: 1000,
    });
    assert.equal(track?.muted, true);
    await until('the producer to pause', () => [...(track?.producers.values() ?? [])][0]?.paused, {
      timeoutMs: 1000,
    });
  });

  test('of a second track without ids in its sections does not take the place of the first', async () => {
    const lines = sends('video', '0', '');
    ask({ case: 'addTrack', value: camera({ cid: 'one' }) });
    offer(1, description({ mid: '0', lines }));
    await until('the first', () => participant.publishing.tracks.size === 1, {
      timeoutMs: 1000,
    });
    ask({ case: 'addTrack', value: camera({ cid: 'two' }) });
    offer(2, description({ mid: '0', lines }, { mid: '1', lines }));
    await until('both', () => participant.publishing.tracks.size === 2, {
      timeoutMs: 1000,
    });
    const mids = [...participant.publishing.tracks.values()].map(({ info }) => info.mid);
    assert.deepEqual(mids, ['0', '1']);
  });

  test('of another track on the section of one that is watched replaces it', async () => {
    const bob = await node.join(room, 'bob');
    ask({ case: 'addTrack', value: camera() });
    offer();
    await until('the first', () => bob.participant.received().length === 1, {
      timeoutMs: 1000,
    });
    await until('its consumer', () => subscribedBy(bob.participant)?.consumer, {
      timeoutMs: 1000,
    });
    ask({
      case: 'addTrack',
      value: camera({ cid: 'screen', source: TrackSource.SCREEN_SHARE }),
    });
    offer(2, description({ mid: '0', lines: sends('video', '0', 'screen') }));
    const { SCREEN_SHARE } = TrackSource;
    await until(
      'the second',
      () => subscribedBy(bob.participant)?.track.info.source === SCREEN_SHARE,
      { timeoutMs: 2000 },
    );
    assert.equal(bob.participant.received().length, 1);
    assert.equal(participant.publishing.tracks.size, 1);
  });
});

describe('a leave', () => {
  for (const [said, kept] of [
    [DisconnectReason.USER_REJECTED, DisconnectReason.USER_REJECTED],
    [DisconnectReason.SERVER_SHUTDOWN, DisconnectReason.CLIENT_INITIATED],
  ] as const) {
    test(`for ${DisconnectReason[said]} is one for ${DisconnectReason[kept]}`, async () => {
      ask({ case: 'leave', value: new LeaveRequest({ reason: said }) });
      await until('the end', () => participant.closed, { timeoutMs: 1000 });
      assert.equal(participant.disconnectReason, kept);
      assert.equal(sink.sent('leave').length, 0);
    });
  }
});

describe('a client that goes wrong', () => {
  test('with an offer that cannot be read joins again', async () => {
    offer(1, 'nonsense');
    const leave = await got('leave');
    assert.deepEqual(
      [leave?.action, leave?.reason],
      [LeaveRequest_Action.RECONNECT, DisconnectReason.STATE_MISMATCH],
    );
  });

  test('with a wish for a track that is not there is told so, and stays', async () => {
    const value = new UpdateSubscription({
      trackSids: ['TR_x'],
      subscribe: true,
    });
    ask({ case: 'subscription', value });
    assert.equal((await got('subscriptionResponse'))?.trackSid, 'TR_x');
    assert.equal(participant.closed, false);
  });

  test('after its end is not listened to', async () => {
    room.remove(participant, DisconnectReason.CLIENT_INITIATED);
    ask({ case: 'addTrack', value: camera() });
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(sink.kinds, []);
  });
});

describe('a signal connection that is lost', () => {
  test('ends one whose media never came up', () => {
    session.connectionLost(sink);
    assert.equal(participant.closed, true);
    assert.equal(participant.disconnectReason, DisconnectReason.SIGNAL_CLOSE);
  });

  test('leaves one with media be, as it will come back', () => {
    participant.setActive();
    session.connectionLost(sink);
    assert.equal(participant.state, ParticipantInfo_State.ACTIVE);
  });
});

describe('faults that a client asks for', () => {
  const simulate = (scenario: SimulateScenario['scenario']) =>
    ask({ case: 'simulate', value: new SimulateScenario({ scenario }) });

  test('a server that leaves', async () => {
    simulate({ case: 'serverLeave', value: true });
    assert.equal((await got('leave'))?.action, LeaveRequest_Action.DISCONNECT);
  });

  test('a node that fails says nothing', async () => {
    simulate({ case: 'nodeFailure', value: true });
    await until('the end', () => participant.closed, { timeoutMs: 1000 });
    assert.deepEqual([sink.sent('leave').length, sink.closed], [0, true]);
  });

  test('a wish for a full reconnect', async () => {
    simulate({ case: 'leaveRequestFullReconnect', value: true });
    const leave = await got('leave');
    assert.deepEqual([leave?.action, participant.closed], [LeaveRequest_Action.RECONNECT, false]);
  });

  test('TCP, which it is offered once, when it comes back in time', async () => {
    simulate({ case: 'switchCandidateProtocol', value: 1 });
    await until('the end', () => participant.closed, { timeoutMs: 1000 });
    assert.equal(simulations.takesTcp(room.name, 'ann'), true);
    assert.equal(simulations.takesTcp(room.name, 'ann'), false);
    assert.equal(simulations.takesTcp(room.name, 'bob'), false);
  });

  test('a resume that is cut, once or without a word for a while', async () => {
    simulate({ case: 'disconnectSignalOnResume', value: true });
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(simulations.takeCut(participant), 'after');
    assert.equal(simulations.takeCut(participant), undefined);
    simulate({ case: 'disconnectSignalOnResumeNoMessages', value: true });
    await new Promise((resolve) => setImmediate(resolve));
    const cuts = [1, 2, 3, 4].map(() => simulations.takeCut(participant));
    assert.deepEqual(cuts, ['before', 'before', 'before', undefined]);
  });

  test('a cut that is too late', async () => {
    simulate({ case: 'disconnectSignalOnResume', value: true });
    await new Promise((resolve) => setImmediate(resolve));
    node.nowMs += 5001;
    assert.equal(simulations.takeCut(participant), undefined);
  });

  test('speech, which it hears of itself', async () => {
    simulate({ case: 'speakerUpdate', value: 0 });
    const changed = await got('speakersChanged');
    assert.deepEqual(
      [changed?.speakers[0]?.sid, changed?.speakers[0]?.active],
      [participant.sid, true],
    );
  });
});
