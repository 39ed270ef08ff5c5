import {
  type DisconnectReason,
  LeaveRequest_Action,
  ReconnectResponse,
  RoomUpdate,
  type SyncState,
} from '@livekit/protocol';
import type { Participant } from './participant';
import type { Room } from './room';
import type { SignalSink } from './signal-sink';

/**
 * Gives a participant whose signal connection broke a new one. Its media has gone on meanwhile.
 *
 * Source: livekit_rtc.proto ReconnectResponse. What it missed follows: everybody, itself included,
 * the Room, who speaks, and an offer with new ICE credentials.
 */
export async function resume(
  room: Room,
  participant: Participant,
  sink: SignalSink,
): Promise<void> {
  participant.attachSink(sink);
  participant.send({
    case: 'reconnect',
    value: new ReconnectResponse({
      iceServers: room.iceServers(participant),
      serverInfo: room.serverInfo,
      lastMessageSeq: room.data.lastSequence(participant),
    }),
  });
  room.sendParticipants(participant);
  participant.send({ case: 'roomUpdate', value: new RoomUpdate({ room: room.info() }) });
  room.speakers.sendAll(participant);
  room.tracks.repeatNeeds(participant);
  const { connections } = participant.parts;
  if (connections.hasSubscriber) {
    await (await connections.subscriber()).restartIce();
  }
}

/**
 * Takes what a resumed client believes: what it publishes, and what it has chosen to receive.
 *
 * A client that publishes what is unknown here has to join again. Source: SyncState.
 */
export async function applySyncState(
  room: Room,
  participant: Participant,
  state: SyncState,
  mismatch: DisconnectReason,
): Promise<void> {
  const { publishing } = participant;
  const unknown = state.publishTracks.find(
    ({ track }) => track === undefined || !publishing.knows(track.sid),
  );
  const unknownData = state.publishDataTracks.find(
    ({ info }) =>
      info === undefined || !participant.dataTracks().some((one) => one.sid === info.sid),
  );
  if (unknown !== undefined || unknownData !== undefined) {
    room.log.info({ participant: participant.identity }, 'resumed with tracks unknown here');
    room.remove(participant, mismatch, LeaveRequest_Action.RECONNECT);
    return;
  }
  for (const trackSid of state.trackSidsDisabled) {
    await participant.parts.subscribing.setDisabled(trackSid);
  }
  if (state.subscription !== undefined) {
    const { trackSids, participantTracks, subscribe } = state.subscription;
    const all = [...trackSids, ...participantTracks.flatMap((one) => one.trackSids)];
    room.tracks.choose(participant, all, subscribe, 'quietly');
  }
  room.data.replay(participant, state.datachannelReceiveStates);
}
