import type { Logger } from 'pino';
import type { RoomMedia } from '../media/room-media';
import { ConnectionQualityReporter } from './connection-quality';
import type { DataSink } from './data/data-peer';
import { DataTracks } from './data/data-tracks';
import { RoomData } from './data/room-data';
import { newId } from './ids';
import type { Participant } from './participant';
import { RoomTracks } from './room-tracks';
import type { RoomDependencies } from './room-types';
import { Speakers } from './speakers';

/** What a Room does beside knowing who is in it. */
export interface RoomParts {
  readonly speakers: Speakers;
  readonly quality: ConnectionQualityReporter;
  readonly tracks: RoomTracks;
  readonly data: RoomData<Participant>;
  readonly dataTracks: DataTracks<Participant>;
}

export function createRoomParts(
  { media, settings, observer }: RoomDependencies,
  log: Logger,
  participants: () => Iterable<Participant>,
): RoomParts {
  const speakers = new Speakers({
    participants,
    activeLevel: settings.audioActiveLevel,
    smoothIntervals: settings.audioSmoothIntervals,
    intervalMs: settings.audioIntervalMs,
  });
  const quality = new ConnectionQualityReporter({
    participants,
    onRated: (rating, score) => observer.quality?.(rating, score),
  });
  const tracks = new RoomTracks({
    media,
    participants,
    pauseDelayMs: settings.dynacastPauseDelayMs,
    limited: Object.values(settings.subscriptionLimits).some((limit) => limit > 0),
    log,
    onSubscribed: (subscriber, { publisher, track }, subscribed) => {
      observer[subscribed ? 'trackSubscribed' : 'trackUnsubscribed']?.(track.info.type);
      speakers.introduce(subscriber, publisher, subscribed);
      if (subscribed) {
        quality.introduce(subscriber, publisher);
      }
    },
  });
  const sink = dataSink(media);
  const data = new RoomData<Participant>({
    peers: () => [...participants()].filter((one) => one.reachable),
    sink,
  });
  const dataTracks = new DataTracks<Participant>({
    limits: { enabled: settings.enableDataTracks },
    sink,
    newSid: () => newId('DTR_'),
    mayReceive: (subscriber, publisher, trackSid) => publisher.permitsTrack(trackSid, subscriber),
    onTracksChanged: (publisher) => publisher.touch(true),
    sendHandles: (subscriber, value) =>
      subscriber.send({ case: 'dataTrackSubscriberHandles', value }),
  });
  return { speakers, quality, tracks, data, dataTracks };
}

function dataSink(media: RoomMedia): DataSink<Participant> {
  const outlet = (participant: Participant) => participant.parts.connections.outlet;
  return {
    broadcast: (kind, bytes, except) =>
      media.broadcast(kind, bytes, except === undefined ? undefined : outlet(except)),
    sendTo: (kind, bytes, peers) => media.sendTo(kind, bytes, peers.map(outlet)),
  };
}
