import type { SubscriptionPermission, UpdateTrackSettings, VideoQuality } from '@livekit/protocol';
import { TrackSubscribed } from '@livekit/protocol';
import type { Logger } from 'pino';
import type { RoomMedia } from '../media/room-media';
import { Dynacast } from './dynacast';
import type { Participant } from './participant';
import type { PublishedTrack } from './published-track';
import type { AvailableTrack } from './subscribing';

export interface RoomTracksOptions {
  readonly media: RoomMedia;
  readonly participants: () => Iterable<Participant>;
  /** How long a layer that nobody watches goes on, in ms. */
  readonly pauseDelayMs: number;
  /** Participants may receive a limited number of tracks only. */
  readonly limited: boolean;
  readonly log: Logger;
  /** A subscriber begins or ceases to receive from a publisher. */
  readonly onSubscribed: (
    subscriber: Participant,
    available: AvailableTrack,
    subscribed: boolean,
  ) => void;
}

/** What somebody needs of a track. */
export interface TrackNeed {
  readonly mimeType: string;
  readonly quality: VideoQuality;
}

interface TrackEntry extends AvailableTrack {
  readonly dynacast: Dynacast | undefined;
  told: boolean;
}

/** The published tracks of a Room, and who receives which. */
export class RoomTracks {
  readonly #options: RoomTracksOptions;
  readonly #entries = new Map<string, TrackEntry>();
  /** Of those who take tracks without being in the Room, by the track's sid. */
  readonly #needsOfOthers = new Map<string, readonly TrackNeed[]>();

  constructor(options: RoomTracksOptions) {
    this.#options = options;
  }

  get(trackSid: string): AvailableTrack | undefined {
    return this.#entries.get(trackSid);
  }

  /** What others publish. */
  availableTo(participant: Participant): AvailableTrack[] {
    return [...this.#entries.values()].filter(({ publisher }) => publisher !== participant);
  }

  add(publisher: Participant, track: PublishedTrack): void {
    const dynacast = track.isVideo
      ? new Dynacast({
          track,
          pauseDelayMs: this.#options.pauseDelayMs,
          needs: () => this.#needs(track),
          send: (value) => publisher.send({ case: 'subscribedQualityUpdate', value }),
        })
      : undefined;
    const entry = { publisher, track, dynacast, told: false };
    this.#entries.set(track.sid, entry);
    this.#listen(track);
    this.reconcileTrack(entry);
    dynacast?.update();
  }

  codecAdded(track: PublishedTrack): void {
    const entry = this.#entries.get(track.sid);
    if (entry !== undefined) {
      this.reconcileTrack(entry);
    }
  }

  remove(track: PublishedTrack): void {
    const entry = this.#entries.get(track.sid);
    if (entry === undefined) {
      return;
    }
    this.#entries.delete(track.sid);
    entry.dynacast?.close();
    for (const participant of this.#others(entry.publisher)) {
      participant.parts.subscribing.forget(entry);
    }
  }

  reconcileTrack(available: AvailableTrack): void {
    for (const participant of this.#others(available.publisher)) {
      participant.parts.subscribing.reconcile(available);
    }
  }

  reconcileSubscriber(participant: Participant): void {
    for (const available of this.availableTo(participant)) {
      participant.parts.subscribing.reconcile(available);
    }
  }

  /** A client's, or the server API's, choice of tracks. Source: UpdateSubscription. */
  choose(
    participant: Participant,
    trackSids: Iterable<string>,
    subscribe: boolean,
    unknown: 'report' | 'quietly' = 'report',
  ): void {
    const { subscribing } = participant.parts;
    for (const trackSid of trackSids) {
      subscribing.choose(trackSid, subscribe);
      const available = this.#entries.get(trackSid);
      if (available !== undefined && available.publisher !== participant) {
        subscribing.reconcile(available);
      } else if (subscribe && unknown === 'report') {
        subscribing.reportMissing(trackSid);
      }
    }
  }

  async updateSettings(participant: Participant, request: UpdateTrackSettings): Promise<void> {
    for (const trackSid of new Set(request.trackSids)) {
      if (this.#entries.has(trackSid)) {
        await participant.parts.subscribing.updateSettings(request, trackSid);
        this.#entries.get(trackSid)?.dynacast?.update();
      }
    }
  }

  /** A publisher's word on who may have its tracks. Source: SubscriptionPermission. */
  setPermissions(publisher: Participant, request: SubscriptionPermission): void {
    publisher.trackPermissions = request.allParticipants
      ? undefined
      : new Map(
          request.trackPermissions.flatMap((one) => {
            const value = one.allTracks ? ('all' as const) : new Set(one.trackSids);
            return [one.participantIdentity, one.participantSid]
              .filter((key) => key !== '')
              .map((key) => [key, value] as const);
          }),
        );
    for (const entry of this.#entries.values()) {
      if (entry.publisher === publisher) {
        this.reconcileTrack(entry);
      }
    }
  }

  /** Says again to a publisher that was away what is needed of it. */
  repeatNeeds(publisher: Participant): void {
    for (const entry of this.#entries.values()) {
      if (entry.publisher === publisher) {
        entry.dynacast?.repeat();
      }
    }
  }

  /** Somebody takes a track who is no participant: its publisher has to send so much of it. */
  addNeed(trackSid: string, need: TrackNeed): void {
    this.#setNeeds(trackSid, [...(this.#needsOfOthers.get(trackSid) ?? []), need]);
  }

  /** Takes back what `addNeed` said, by the same object. */
  removeNeed(trackSid: string, need: TrackNeed): void {
    const others = this.#needsOfOthers.get(trackSid) ?? [];
    this.#setNeeds(
      trackSid,
      others.filter((one) => one !== need),
    );
  }

  /** Somebody who received these tracks is gone: less may be needed of their publishers. */
  subscriberLeft(received: Iterable<PublishedTrack>): void {
    for (const track of received) {
      this.#entries.get(track.sid)?.dynacast?.update();
    }
  }

  /** To be called when what goes to a subscriber has changed. */
  subscriptionChanged(
    subscriber: Participant,
    available: AvailableTrack,
    subscribed: boolean,
  ): void {
    const entry = this.#entries.get(available.track.sid);
    entry?.dynacast?.update();
    if (entry !== undefined && subscribed && !entry.told && !subscriber.hidden) {
      entry.told = true;
      entry.publisher.send({
        case: 'trackSubscribed',
        value: new TrackSubscribed({ trackSid: entry.track.sid }),
      });
    }
    this.#options.onSubscribed(subscriber, available, subscribed);
    if (!subscribed && this.#options.limited) {
      // A place has fallen free for another track that is wanted.
      setImmediate(() => subscriber.reachable && this.reconcileSubscriber(subscriber));
    }
  }

  close(): void {
    for (const { dynacast } of this.#entries.values()) {
      dynacast?.close();
    }
    this.#entries.clear();
  }

  *#others(publisher: Participant): Iterable<Participant> {
    for (const participant of this.#options.participants()) {
      if (participant !== publisher && participant.reachable) {
        yield participant;
      }
    }
  }

  #setNeeds(trackSid: string, needs: readonly TrackNeed[]): void {
    if (needs.length > 0) {
      this.#needsOfOthers.set(trackSid, needs);
    } else {
      this.#needsOfOthers.delete(trackSid);
    }
    this.#entries.get(trackSid)?.dynacast?.update();
  }

  *#needs(track: PublishedTrack): Iterable<TrackNeed> {
    yield* this.#needsOfOthers.get(track.sid) ?? [];
    for (const participant of this.#options.participants()) {
      if (participant.reachable) {
        const subscription = participant.parts.subscribing.subscriptions.get(track.sid);
        if (subscription !== undefined) {
          yield { mimeType: subscription.mimeType, quality: subscription.quality };
        }
      }
    }
  }

  #listen(track: PublishedTrack): void {
    for (const producer of track.producers.values()) {
      this.#options.media.listenTo(producer).catch((error: unknown) => {
        if (!producer.closed) {
          this.#options.log.warn({ err: error, track: track.sid }, 'cannot measure loudness');
        }
      });
    }
  }
}
