import { DisconnectReason, LeaveRequest_Action } from '@livekit/protocol';
import type { SubscriberEvents } from '../media/subscriber-connection';
import { RoomError } from './errors';
import type { JoinOptions, Participant } from './participant';
import { ParticipantConnections } from './participant-connections';
import type { Room } from './room';
import { Subscribing } from './subscribing';

/**
 * Gives a participant its connections, has its join answered, and starts what it receives.
 *
 * @throws RoomError where it was removed meanwhile.
 */
export async function connectParticipant(
  room: Room,
  participant: Participant,
  join: JoinOptions,
  admit: (subscriberPrimary: boolean) => void,
): Promise<void> {
  const subscriberPrimary = participant.permission.canSubscribe;
  const { settings, media, log } = room;
  const rejoin = (reason: DisconnectReason) => (): void =>
    room.remove(participant, reason, LeaveRequest_Action.RECONNECT);
  const connections = await ParticipantConnections.create({
    media,
    log,
    subscriberPrimary,
    candidates: join.candidates,
    expectedTracks: () => (join.autoSubscribe ? room.tracks.availableTo(participant).length : 0),
    answerTimeoutMs: settings.answerTimeoutMs,
    lostGraceMs: settings.lostGraceMs,
    // Safari does not take a new track on a section that has carried another.
    reuseSections: !/^safari$/i.test(join.client.browser) && !takesSyncedStreams(room, join),
    subscriberEvents: subscriberEvents(room, participant, rejoin(DisconnectReason.STATE_MISMATCH)),
    onData: (kind, payload) => room.receiveData(participant, kind, payload),
    onDataOverflow: rejoin(DisconnectReason.STATE_MISMATCH),
    onPrimaryConnected: () => room.activated(participant),
    onLost: rejoin(DisconnectReason.CONNECTION_TIMEOUT),
    onWorkerLost: () => {
      room.log.error(
        { participant: participant.identity },
        'the media worker it received from died',
      );
      // Where the Room is about to move, it is seen first whether it stays.
      room.settled().then(
        () => room.sendAway(participant),
        () => {},
      );
    },
  });
  if (participant.closed || room.closed) {
    connections.close();
    throw new RoomError('unavailable', 'the participant was removed while it joined');
  }
  const subscribing = new Subscribing({
    log,
    autoSubscribe: join.autoSubscribe,
    adaptiveStream: join.adaptiveStream,
    syncStreams: takesSyncedStreams(room, join),
    limits: settings.subscriptionLimits,
    allowed: () => participant.permission.canSubscribe,
    isPublished: ({ track }) =>
      room.tracks.get(track.sid)?.track === track && track.mimeTypes.length > 0,
    permittedBy: ({ publisher, track }) => publisher.permitsTrack(track.sid, participant),
    connection: () => connections.subscriber(),
    send: (message) => participant.send(message),
    onChanged: (available, subscribed) =>
      room.tracks.subscriptionChanged(participant, available, subscribed),
  });
  participant.attach({ connections, subscribing });
  admit(subscriberPrimary);
  await subscribing.start(room.tracks.availableTo(participant));
  if (subscriberPrimary && !participant.closed) {
    (await connections.subscriber()).start();
  }
}

/** Since protocol 10 clients find a track by its own id, and Firefox does not keep that id. */
function takesSyncedStreams(room: Room, { client }: JoinOptions): boolean {
  return room.syncStreams && client.protocol > 9 && !/firefox/i.test(client.browser);
}

function subscriberEvents(
  room: Room,
  participant: Participant,
  onUnanswered: () => void,
): SubscriberEvents {
  return {
    offer: (sdp, id, midToTrackId) => participant.sendOffer(sdp, id, midToTrackId),
    negotiated: (trackSid, consumer) => {
      const subscription = participant.parts.subscribing.subscriptions.get(trackSid);
      subscription?.negotiated(consumer).catch((error: unknown) => {
        room.log.debug({ err: error, track: trackSid }, 'a track ended while it started');
      });
    },
    refused: (trackSid) => {
      const available = room.tracks.get(trackSid);
      if (available !== undefined) {
        participant.parts.subscribing.refused(available);
      }
    },
    unanswered: onUnanswered,
  };
}
