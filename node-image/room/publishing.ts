import {
  type AddTrackRequest,
  type AudioTrackFeature,
  RequestResponse,
  RequestResponse_Reason,
  SessionDescription,
  type SimulcastCodecInfo,
  type TrackInfo,
  TrackPublishedResponse,
  TrackType,
  TrackUnpublishedResponse,
} from '@livekit/protocol';
import type { Producer } from 'mediasoup/types';
import type { ExpectedTrack, NewTrack, PublisherConnection } from '../media/publisher-connection';
import type { MediaSection } from '../media/sdp/offer-reader';
import { AnnouncedTracks, MAX_ANNOUNCED } from './announced-tracks';
import { PublishedTrack } from './published-track';
import type { SignalMessage } from './signal-sink';
import { excessOf } from './track-limits';
import { codecsOf, expectedTrack, newVersion, trackInfoOf } from './track-request';

/** As many as there may ever be; they are repeated to all others. */
const MAX_FEATURES = 32;

export interface PublishingOptions {
  readonly participantSid: string;
  /** Mime types that may be published. @default all */
  readonly enabledCodecs?: readonly string[] | undefined;
  readonly connection: () => PublisherConnection;
  readonly mayPublish: (request: AddTrackRequest) => boolean;
  readonly send: (message: SignalMessage) => void;
  readonly onPublished: (track: PublishedTrack) => void;
  /** Another codec of a published track has arrived. */
  readonly onCodecAdded: (track: PublishedTrack) => void;
  readonly onUnpublished: (track: PublishedTrack) => void;
}

/** The tracks that one participant publishes: announced, negotiated, sent, taken back. */
export class Publishing {
  readonly #options: PublishingOptions;
  readonly #announced = new AnnouncedTracks();
  readonly #tracks = new Map<string, PublishedTrack>();

  constructor(options: PublishingOptions) {
    this.#options = options;
  }

  get tracks(): ReadonlyMap<string, PublishedTrack> {
    return this.#tracks;
  }

  /** Whether a track is published, or announced and on its way. */
  knows(trackSid: string): boolean {
    return this.#tracks.has(trackSid) || this.#announced.bySid(trackSid) !== undefined;
  }

  /** Answers a client that wants to publish. Source: AddTrackRequest, TrackPublishedResponse. */
  addTrack(request: AddTrackRequest): void {
    if (!this.#options.mayPublish(request)) {
      this.#refuse(
        request,
        RequestResponse_Reason.NOT_ALLOWED,
        'does not have permission to publish this source',
      );
      return;
    }
    if (request.type !== TrackType.AUDIO && request.type !== TrackType.VIDEO) {
      this.#refuse(
        request,
        RequestResponse_Reason.UNSUPPORTED_TYPE,
        'only audio and video tracks can be added',
      );
      return;
    }
    const excess = excessOf(request);
    if (excess !== undefined) {
      this.#refuse(request, RequestResponse_Reason.LIMIT_EXCEEDED, excess);
      return;
    }
    if (request.sid !== '') {
      this.#addCodec(request);
      return;
    }
    const known = this.#announced.get(request.cid);
    if (known !== undefined && known.track === undefined) {
      // Asked again for a track that is on its way: the same sid.
      this.#announce(request.cid, known.info);
      return;
    }
    if (this.#refusesMore(request, 1)) {
      return;
    }
    const info = trackInfoOf(request, this.#options.enabledCodecs);
    const [first] = info.codecs;
    if (first !== undefined) {
      const cid = first.cid || request.cid;
      this.#announced.set(request.cid, {
        info,
        expected: expectedTrack(info, first, cid, this.#options.enabledCodecs),
        track: undefined,
      });
    }
    this.#announce(request.cid, info);
  }

  /** Takes the client's offer and sends the answer. */
  async offer(description: SessionDescription): Promise<void> {
    const matched = new Set<string>();
    const outcome = await this.#options
      .connection()
      .answer(
        description.sdp,
        (section, isInUse) => this.#expect(section, isInUse, matched),
        this.#options.participantSid,
      );
    this.#options.send({
      case: 'answer',
      value: new SessionDescription({ type: 'answer', sdp: outcome.sdp, id: description.id }),
    });
    for (const producer of outcome.removed) {
      const track = [...this.#tracks.values()].find((one) => one.removeProducer(producer));
      if (track !== undefined && track.producers.size === 0) {
        this.#remove(track);
      }
    }
    this.#announced.forget(({ expected }) => outcome.unsupported.includes(expected));
    for (const added of outcome.added) {
      await this.#added(added);
    }
  }

  /** Publishes what was made on the Room's Router without an offer: by a program of this node. */
  async publish(
    request: AddTrackRequest,
    mimeType: string,
    producer: Producer,
  ): Promise<PublishedTrack | undefined> {
    if (!this.#options.mayPublish(request)) {
      return undefined;
    }
    const info = trackInfoOf(request);
    info.mimeType = mimeType;
    for (const codec of info.codecs) {
      codec.mimeType = mimeType;
    }
    const track = new PublishedTrack(info, request.cid);
    return (await this.#start(track, mimeType, producer)) ? track : undefined;
  }

  /** @returns the track as it is now, published or only announced; undefined where it is unknown. */
  async setMuted(trackSid: string, muted: boolean): Promise<TrackInfo | undefined> {
    const track = this.#tracks.get(trackSid);
    if (track !== undefined) {
      await track.setMuted(muted);
      return track.info;
    }
    const announced = this.#announced.bySid(trackSid);
    if (announced !== undefined) {
      announced.muted = muted;
    }
    return announced;
  }

  /** Forgets announced tracks that may not be published any more. */
  forgetAnnounced(isAllowed: (info: TrackInfo) => boolean): void {
    this.#announced.forget(({ info }) => !isAllowed(info));
  }

  /** @returns whether the track is known. Source: UpdateLocalAudioTrack. */
  setAudioFeatures(trackSid: string, features: readonly AudioTrackFeature[]): boolean {
    const info = this.#tracks.get(trackSid)?.info;
    if (info === undefined) {
      return false;
    }
    info.audioFeatures = [...new Set(features)].slice(0, MAX_FEATURES);
    return true;
  }

  /** @returns whether the track is known. Source: UpdateLocalVideoTrack. */
  setDimensions(trackSid: string, width: number, height: number): boolean {
    const info = this.#tracks.get(trackSid)?.info;
    if (info === undefined) {
      return false;
    }
    info.width = width;
    info.height = height;
    return true;
  }

  /** Ends a track from this side, as when the permission to publish it is withdrawn. */
  unpublish(track: PublishedTrack): void {
    this.#remove(track);
    this.#options.send({
      case: 'trackUnpublished',
      value: new TrackUnpublishedResponse({ trackSid: track.sid }),
    });
  }

  close(): void {
    for (const track of this.#tracks.values()) {
      track.close();
    }
    this.#tracks.clear();
    this.#announced.clear();
  }

  #remove(track: PublishedTrack): void {
    this.#tracks.delete(track.sid);
    this.#announced.forget((codec) => codec.track === track);
    track.close();
    this.#options.onUnpublished(track);
  }

  #addCodec(request: AddTrackRequest): void {
    const track = this.#tracks.get(request.sid);
    if (track === undefined) {
      this.#refuse(
        request,
        RequestResponse_Reason.NOT_FOUND,
        `no track ${request.sid} is published`,
      );
      return;
    }
    const codecs = codecsOf(request, this.#options.enabledCodecs);
    if (this.#refusesMore(request, codecs.length)) {
      return;
    }
    for (const codec of codecs) {
      const info = mergeCodec(track.info, codec);
      const cid = codec.cid || request.cid;
      this.#announced.set(cid, {
        info: track.info,
        expected: expectedTrack(track.info, info, cid, this.#options.enabledCodecs),
        track,
      });
    }
    this.#announce(request.cid, track.info);
  }

  #expect(
    section: MediaSection,
    isInUse: boolean,
    matched: Set<string>,
  ): ExpectedTrack | undefined {
    const { trackId } = section;
    const isKnown = [...this.#tracks.values()].some(
      (track) => trackId !== undefined && track.ownsCid(trackId),
    );
    return this.#announced.match(section, isKnown || isInUse, matched);
  }

  async #added(added: NewTrack): Promise<void> {
    const taken = this.#announced.take(added.expected);
    if (taken === undefined) {
      added.producer.close();
      return;
    }
    const { cid, codec: pending } = taken;
    const { info } = pending;
    const codec = claimCodec(info, added);
    codec.mid = added.mid;
    codec.sdpCid = added.sdpTrackId === added.expected.cid ? '' : added.sdpTrackId;
    info.version = newVersion();
    if (pending.track !== undefined) {
      await pending.track.addProducer(added.mimeType, added.producer);
      this.#options.onCodecAdded(pending.track);
      return;
    }
    info.mid = added.mid;
    info.mimeType = added.mimeType;
    await this.#start(new PublishedTrack(info, cid), added.mimeType, added.producer);
  }

  /** @returns whether it is published: it may have ended meanwhile. */
  async #start(track: PublishedTrack, mimeType: string, producer: Producer): Promise<boolean> {
    // Known from here on, so that a mute on its way finds it.
    this.#tracks.set(track.sid, track);
    await track.addProducer(mimeType, producer);
    if (producer.closed || this.#tracks.get(track.sid) !== track) {
      this.#tracks.delete(track.sid);
      return false;
    }
    this.#options.onPublished(track);
    return true;
  }

  #announce(cid: string, info: TrackInfo): void {
    this.#options.send({
      case: 'trackPublished',
      value: new TrackPublishedResponse({ cid, track: info.clone() }),
    });
  }

  #refusesMore(request: AddTrackRequest, count: number): boolean {
    const refused = !this.#announced.hasRoomFor(count);
    if (refused) {
      this.#refuse(
        request,
        RequestResponse_Reason.LIMIT_EXCEEDED,
        `too many pending tracks, at most ${MAX_ANNOUNCED} may be announced without being sent`,
      );
    }
    return refused;
  }

  #refuse(request: AddTrackRequest, reason: RequestResponse_Reason, message: string): void {
    this.#options.send({
      case: 'requestResponse',
      value: new RequestResponse({
        reason,
        message,
        request: { case: 'addTrack', value: request },
      }),
    });
  }
}

/** The entry of TrackInfo.codecs that a new producer fills, or a new one where it was not named. */
function claimCodec(info: TrackInfo, added: NewTrack): SimulcastCodecInfo {
  const byName = info.codecs.find(
    (one) => one.mimeType.toLowerCase() === added.mimeType.toLowerCase(),
  );
  const codec = byName ?? info.codecs.find((one) => one.mimeType === '') ?? info.codecs[0];
  if (codec === undefined) {
    throw new Error(`track ${info.sid} has no codec entry for ${added.mimeType}`);
  }
  codec.mimeType = added.mimeType;
  return codec;
}

function mergeCodec(info: TrackInfo, codec: SimulcastCodecInfo): SimulcastCodecInfo {
  const known = info.codecs.find((one) => one.mimeType === codec.mimeType);
  if (known === undefined) {
    info.codecs.push(codec);
    return codec;
  }
  known.cid = codec.cid;
  if (codec.layers.length > 0) {
    known.layers = codec.layers;
  }
  return known;
}
