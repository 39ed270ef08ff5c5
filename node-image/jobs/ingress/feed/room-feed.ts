import { randomInt } from 'node:crypto';
import {
  type AddTrackRequest,
  DisconnectReason,
  type IngressInfo,
  type TrackInfo,
  VideoLayer,
} from '@livekit/protocol';
import { RtpInlet } from '../../../media/rtp-inlet';
import type { LocalRooms } from '../../../room/local-rooms';
import type { Participant } from '../../../room/participant';
import type { Room } from '../../../room/room';
import { IngressSink, ingressGrants, ingressJoin, ingressTrack } from '../ingress-participant';
import type { LayerEncoding, PictureSize, VideoEncoding } from './encoding';

/** ffmpeg takes no more. */
const MAX_SSRC = 0x7fff_ffff;

/** The participant of an Ingress whose media ffmpeg sends as RTP. */
export class RoomFeed {
  private constructor(
    readonly room: Room,
    readonly participant: Participant,
    readonly inlets: { readonly audio?: RtpInlet; readonly video?: RtpInlet },
    private readonly sink: IngressSink,
  ) {}

  /**
   * Joins the Room of an Ingress and publishes a track of each kind that is sent.
   *
   * @param onLeft - it is in the Room no more, and what it was told last; called once
   * @throws RoomError, RoomElsewhereError
   */
  static async open(options: {
    readonly info: IngressInfo;
    readonly rooms: Pick<LocalRooms, 'getOrCreate'>;
    readonly has: { readonly audio: boolean; readonly video: boolean };
    /** How the picture is encoded; `copy`: it goes on as it is. */
    readonly encoding: VideoEncoding | 'copy';
    /** Of the picture that comes, where it is known. */
    readonly size?: PictureSize | undefined;
    readonly onLeft: (reason: DisconnectReason | undefined) => void;
  }): Promise<RoomFeed> {
    const { info, rooms, has, encoding, size, onLeft } = options;
    const layers = encoding === 'copy' ? [] : encoding.layers;
    const room = await rooms.getOrCreate({ name: info.roomName });
    const inlets: { audio?: RtpInlet; video?: RtpInlet } = {};
    const sink = new IngressSink((reason) => {
      inlets.audio?.close();
      inlets.video?.close();
      onLeft(reason);
    });
    const participant = await room.join(ingressGrants(info), ingressJoin(), sink, () => {});
    try {
      for (const kind of ['video', 'audio'] as const) {
        if (!has[kind]) continue;
        const inlet = await RtpInlet.create(room.media.router, {
          kind,
          ssrcs: newSsrcs(kind === 'video' ? Math.max(1, layers.length) : 1),
          cname: participant.sid,
        });
        inlets[kind] = inlet;
        const request = ingressTrack(info, kind, { cid: kind, stereo: kind === 'audio' });
        if (kind === 'video') describePicture(request, inlet, layers, size);
        await participant.publishing.publish(request, inlet.mimeType, inlet.producer);
      }
      // Nothing more is to come up: its media is sent on this machine.
      room.activated(participant);
    } catch (error) {
      room.remove(participant, DisconnectReason.JOIN_FAILURE);
      throw error;
    }
    return new RoomFeed(room, participant, inlets, sink);
  }

  get tracks(): TrackInfo[] {
    return [...this.participant.publishing.tracks.values()].map((track) => track.snapshot());
  }

  /** Leaves the Room. Idempotent. */
  close(reason = DisconnectReason.CLIENT_INITIATED): void {
    // The Room closes the sink first: one that it takes out itself would be counted as gone twice.
    if (!this.sink.isClosed && !this.participant.closed) {
      this.room.remove(this.participant, reason);
    }
  }
}

/** Different ones. */
function newSsrcs(count: number): number[] {
  const ssrcs = new Set<number>();
  while (ssrcs.size < count) ssrcs.add(randomInt(1, MAX_SSRC));
  return [...ssrcs];
}

function describePicture(
  request: AddTrackRequest,
  { ssrcs }: RtpInlet,
  layers: readonly LayerEncoding[],
  size: PictureSize | undefined,
): void {
  const largest = layers.at(-1) ?? size;
  if (largest !== undefined) {
    request.width = largest.width;
    request.height = largest.height;
  }
  request.layers = layers.map(
    ({ quality, width, height, bitrate }, i) =>
      new VideoLayer({ quality, width, height, bitrate, ssrc: ssrcs[i] ?? 0, spatialLayer: i }),
  );
}
