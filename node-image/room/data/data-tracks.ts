import {
  DataTrackInfo,
  DataTrackSubscriberHandles,
  type PublishDataTrackRequest,
  PublishDataTrackResponse,
  DataTrackSubscriberHandles_PublishedDataTrack as PublishedDataTrack,
  type RequestResponse,
  type UnpublishDataTrackRequest,
  UnpublishDataTrackResponse,
  type UpdateDataSubscription,
} from '@livekit/protocol';
import type { DataSink } from './data-peer';
import { readHandle, withHandle } from './data-track-packet';
import { type DataTrackLimits, refusePublish, refuseUnpublish } from './data-track-requests';

const maxHandle = 65_535;

/** What data tracks must know of a participant. */
export interface DataTrackPeer {
  readonly sid: string;
  readonly identity: string;
  readonly canPublishData: boolean;
  readonly canSubscribe: boolean;
  /** The `auto_subscribe_data_track` of the join. @default true */
  readonly autoSubscribeDataTracks: boolean;
}

export interface DataTracksOptions<Peer> {
  readonly limits?: DataTrackLimits;
  readonly sink: DataSink<Peer>;
  /** Makes the sid of a track, `DTR_...`. */
  readonly newSid: () => string;
  /** The publisher's subscription permissions. */
  readonly mayReceive: (subscriber: Peer, publisher: Peer, trackSid: string) => boolean;
  /**
   * What `infos` returns for this participant has changed. To be told to the others at once: they
   * are sent handles next, and must know the tracks by then.
   */
  readonly onTracksChanged: (publisher: Peer) => void;
  readonly sendHandles: (subscriber: Peer, handles: DataTrackSubscriberHandles) => void;
}

interface DataTrack<Peer> {
  readonly publisher: Peer;
  readonly info: DataTrackInfo;
  /** Stands in the packets that subscribers receive. */
  readonly handle: number;
  readonly wantedBy: Set<Peer>;
  /** Those of `wantedBy` that may have it. */
  readonly subscribers: Set<Peer>;
}

/**
 * The data tracks of one Room.
 *
 * Subscribers know tracks by handles of the server's choice. A track has the same one for all of
 * them, so that each packet is rewritten once and goes to the worker once.
 */
export class DataTracks<Peer extends DataTrackPeer> {
  readonly #options: DataTracksOptions<Peer>;
  readonly #tracks = new Map<string, DataTrack<Peer>>();
  readonly #byPublisher = new Map<Peer, Map<number, DataTrack<Peer>>>();
  readonly #joined = new Set<Peer>();
  readonly #handles = new Set<number>();
  #lastHandle = 0;

  constructor(options: DataTracksOptions<Peer>) {
    this.#options = options;
  }

  /** For `ParticipantInfo.data_tracks`. */
  infos(publisher: Peer): DataTrackInfo[] {
    return this.#published(publisher).map((track) => track.info.clone());
  }

  /** @returns what to answer to the publisher. */
  publish(
    publisher: Peer,
    request: PublishDataTrackRequest,
  ): PublishDataTrackResponse | RequestResponse {
    const { limits = {}, newSid } = this.#options;
    const refusal = refusePublish({
      request,
      canPublishData: publisher.canPublishData,
      published: this.#published(publisher).map((track) => track.info),
      handlesLeft: maxHandle - this.#handles.size,
      limits,
    });
    if (refusal !== undefined) {
      return refusal;
    }
    const { pubHandle, name, encryption, frameEncoding, schema } = request;
    const info = new DataTrackInfo({ sid: newSid(), pubHandle, name, encryption });
    if (frameEncoding !== undefined) {
      info.frameEncoding = frameEncoding;
    }
    if (schema !== undefined) {
      info.schema = schema;
    }
    const track: DataTrack<Peer> = {
      publisher,
      info,
      handle: this.#reserveHandle(),
      wantedBy: new Set(),
      subscribers: new Set(),
    };
    this.#tracks.set(info.sid, track);
    const own = this.#byPublisher.get(publisher) ?? new Map<number, DataTrack<Peer>>();
    this.#byPublisher.set(publisher, own.set(pubHandle, track));
    this.#options.onTracksChanged(publisher);
    for (const peer of this.#joined) {
      if (peer !== publisher && peer.autoSubscribeDataTracks) {
        track.wantedBy.add(peer);
      }
    }
    this.#refresh([track]);
    return new PublishDataTrackResponse({ info: info.clone() });
  }

  /** @returns what to answer to the publisher. */
  unpublish(
    publisher: Peer,
    request: UnpublishDataTrackRequest,
  ): UnpublishDataTrackResponse | RequestResponse {
    const track = this.#byPublisher.get(publisher)?.get(request.pubHandle);
    if (track === undefined) {
      return refuseUnpublish(request);
    }
    this.#remove([track]);
    this.#options.onTracksChanged(publisher);
    return new UnpublishDataTrackResponse({ info: track.info.clone() });
  }

  /** Takes over the subscriptions that a client asks for; unknown tracks are passed over. */
  updateSubscription(subscriber: Peer, update: UpdateDataSubscription): void {
    for (const { trackSid, subscribe } of update.updates) {
      const track = this.#tracks.get(trackSid);
      if (track === undefined || track.publisher === subscriber) {
        continue;
      }
      if (subscribe) {
        track.wantedBy.add(subscriber);
      } else {
        track.wantedBy.delete(subscriber);
      }
      this.#admit(track, subscriber);
    }
    // Also when nothing changed: a client that has resumed asks again because it lost them.
    this.#sendHandles(subscriber);
  }

  /** The participant is ACTIVE: subscribes it to what there is, unless it joined without that. */
  peerJoined(peer: Peer): void {
    this.#joined.add(peer);
    if (!peer.autoSubscribeDataTracks) {
      return;
    }
    const tracks = [...this.#tracks.values()].filter((track) => track.publisher !== peer);
    for (const track of tracks) {
      track.wantedBy.add(peer);
    }
    this.#refresh(tracks);
  }

  /** Ends the tracks and subscriptions of a participant that has left. */
  peerLeft(peer: Peer): void {
    this.#joined.delete(peer);
    for (const track of this.#tracks.values()) {
      track.wantedBy.delete(peer);
      track.subscribers.delete(peer);
    }
    this.#remove(this.#published(peer));
    this.#byPublisher.delete(peer);
  }

  /** To be called when permissions have changed, of participants or to tracks. */
  permissionsChanged(): void {
    this.#refresh(this.#tracks.values());
  }

  /** @returns whether the participant publishes all these tracks; `SyncState` asks. */
  publishes(publisher: Peer, trackSids: readonly string[]): boolean {
    return trackSids.every((sid) => this.#tracks.get(sid)?.publisher === publisher);
  }

  /** Hands on a packet that came in on `_data_track`. Never throws. */
  receive(publisher: Peer, packet: Buffer): void {
    const handle = publisher.canPublishData ? readHandle(packet) : undefined;
    const track = handle === undefined ? undefined : this.#byPublisher.get(publisher)?.get(handle);
    if (track !== undefined && track.subscribers.size > 0) {
      const rewritten = withHandle(packet, track.handle);
      this.#options.sink.sendTo('data_track', rewritten, [...track.subscribers]);
    }
  }

  #published(publisher: Peer): DataTrack<Peer>[] {
    return [...(this.#byPublisher.get(publisher)?.values() ?? [])];
  }

  #remove(tracks: readonly DataTrack<Peer>[]): void {
    const affected = new Set<Peer>();
    for (const track of tracks) {
      this.#tracks.delete(track.info.sid);
      this.#byPublisher.get(track.publisher)?.delete(track.info.pubHandle);
      this.#handles.delete(track.handle);
      for (const subscriber of track.subscribers) {
        affected.add(subscriber);
      }
    }
    for (const subscriber of affected) {
      this.#sendHandles(subscriber);
    }
  }

  /** Lets in and out whoever the permissions of now say, and tells those affected. */
  #refresh(tracks: Iterable<DataTrack<Peer>>): void {
    const affected = new Set<Peer>();
    for (const track of tracks) {
      for (const peer of track.wantedBy) {
        if (this.#admit(track, peer)) {
          affected.add(peer);
        }
      }
    }
    for (const peer of affected) {
      this.#sendHandles(peer);
    }
  }

  /** @returns whether the participant is now a subscriber and was not, or the other way round. */
  #admit(track: DataTrack<Peer>, peer: Peer): boolean {
    const admitted =
      track.wantedBy.has(peer) &&
      peer.canSubscribe &&
      this.#options.mayReceive(peer, track.publisher, track.info.sid);
    if (admitted === track.subscribers.has(peer)) {
      return false;
    }
    if (admitted) {
      track.subscribers.add(peer);
    } else {
      track.subscribers.delete(peer);
    }
    return true;
  }

  #sendHandles(subscriber: Peer): void {
    const subHandles: Record<number, PublishedDataTrack> = {};
    for (const track of this.#tracks.values()) {
      if (track.subscribers.has(subscriber)) {
        subHandles[track.handle] = new PublishedDataTrack({
          publisherIdentity: track.publisher.identity,
          publisherSid: track.publisher.sid,
          trackSid: track.info.sid,
        });
      }
    }
    this.#options.sendHandles(subscriber, new DataTrackSubscriberHandles({ subHandles }));
  }

  /** Counts up, so that a handle of a track that has just ended is not soon another's. */
  #reserveHandle(): number {
    do {
      this.#lastHandle = (this.#lastHandle % maxHandle) + 1;
    } while (this.#handles.has(this.#lastHandle));
    this.#handles.add(this.#lastHandle);
    return this.#lastHandle;
  }
}
