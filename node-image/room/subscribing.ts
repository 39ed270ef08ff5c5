import {
  StreamStateInfo,
  StreamStateUpdate,
  SubscriptionError,
  SubscriptionPermissionUpdate,
  SubscriptionResponse,
  type UpdateTrackSettings,
} from '@livekit/protocol';
import type { Logger } from 'pino';
import type { SubscriberConnection } from '../media/subscriber-connection';
import type { Participant } from './participant';
import type { PublishedTrack } from './published-track';
import { layersFor, wantedQuality } from './quality-layers';
import type { SignalMessage } from './signal-sink';
import { Subscription } from './subscription';
import { TrackWishes, type TrackWishesOptions } from './track-wishes';

/** A track that somebody else publishes. */
export interface AvailableTrack {
  readonly publisher: Participant;
  readonly track: PublishedTrack;
}

export interface SubscribingOptions extends TrackWishesOptions {
  readonly log: Logger;
  /** Name streams by what belongs together, where the client can take that. */
  readonly syncStreams: boolean;
  /** How many tracks of each kind it may receive at a time; 0 or less sets no limit. */
  readonly limits: { readonly video: number; readonly audio: number };
  /** May this participant subscribe at all? */
  readonly allowed: () => boolean;
  /** Whether the track is there still. */
  readonly isPublished: (available: AvailableTrack) => boolean;
  /** Does the publisher let it have this track? */
  readonly permittedBy: (available: AvailableTrack) => boolean;
  readonly connection: () => Promise<SubscriberConnection>;
  readonly send: (message: SignalMessage) => void;
  /** The first media of a track is about to flow, or has ended. */
  readonly onChanged: (available: AvailableTrack, subscribed: boolean) => void;
}

/** What one participant receives: what it wants, what it may have, and what it gets. */
export class Subscribing {
  readonly #options: SubscribingOptions;
  readonly #wishes: TrackWishes;
  readonly #subscriptions = new Map<string, Subscription>();
  /** How many tracks come from each publisher, by its sid. */
  readonly #perPublisher = new Map<string, number>();
  /** Subscriptions in a codec that the publisher has yet to send. */
  readonly #waiting = new WeakSet<Subscription>();
  /** Codecs that the client has refused. */
  readonly #refusedCodecs = new Set<string>();
  /** Producers that could not be subscribed to, and are not tried again. */
  readonly #failed = new WeakSet<object>();
  /** Tracks whose refusal by the publisher the client was told of. */
  readonly #notPermitted = new Set<string>();
  readonly #consuming = new Set<Promise<void>>();
  #started = false;
  #closed = false;

  constructor(options: SubscribingOptions) {
    this.#options = options;
    this.#wishes = new TrackWishes(options);
  }

  get subscriptions(): ReadonlyMap<string, Subscription> {
    return this.#subscriptions;
  }

  /** Whether anything of the publisher with this sid goes to the participant. */
  receivesFrom(publisherSid: string): boolean {
    return this.#perPublisher.has(publisherSid);
  }

  /**
   * Begins with the tracks there are; nothing is subscribed before.
   *
   * @returns when they are ready to be offered, so that one negotiation brings all of them.
   */
  async start(available: Iterable<AvailableTrack>): Promise<void> {
    this.#started = true;
    for (const one of available) {
      this.reconcile(one);
    }
    await Promise.allSettled(this.#consuming);
  }

  /** The client's own choice, which outlives the track's absence. Source: UpdateSubscription. */
  choose(trackSid: string, subscribe: boolean): void {
    this.#wishes.choose(trackSid, subscribe);
  }

  reportMissing(trackSid: string): void {
    this.#options.send({
      case: 'subscriptionResponse',
      value: new SubscriptionResponse({ trackSid, err: SubscriptionError.SE_TRACK_NOTFOUND }),
    });
  }

  /** Makes what is sent of one track agree with what is wanted and allowed. */
  reconcile(available: AvailableTrack): void {
    if (!this.#started || this.#closed) {
      return;
    }
    const { track } = available;
    const wanted = this.#wishes.wants(track.sid);
    const permitted = this.#options.permittedBy(available);
    if (wanted) {
      this.#tellPermission(available, permitted);
    }
    const current = this.#subscriptions.get(track.sid);
    if (!wanted || !permitted || !this.#options.allowed()) {
      this.#end(available, current);
      return;
    }
    const mimeType = track.mimeTypes.find(
      (one) => !this.#refusedCodecs.has(one) && !this.#hasFailed(track, one),
    );
    const isNew = current === undefined && !this.#isFull(track);
    const hasArrived =
      current !== undefined && this.#waiting.has(current) && mimeType !== undefined;
    if (isNew || hasArrived) {
      this.#begin(available, mimeType);
    }
  }

  /** Ends what was sent of a track that is gone. */
  forget(available: AvailableTrack): void {
    const subscription = this.#subscriptions.get(available.track.sid);
    if (subscription !== undefined) {
      subscription.end();
      this.#subscriptions.delete(available.track.sid);
      this.#count(available.publisher.sid, -1);
      this.#options.onChanged(available, false);
    }
    this.#wishes.forget(available.track.sid);
    this.#notPermitted.delete(available.track.sid);
  }

  async updateSettings(
    request: UpdateTrackSettings,
    trackSid: string,
  ): Promise<Subscription | undefined> {
    const settings = {
      disabled: request.disabled,
      quality: request.quality,
      width: request.width,
      height: request.height,
      fps: request.fps,
    };
    this.#wishes.set(trackSid, settings);
    const subscription = this.#subscriptions.get(trackSid);
    await subscription?.apply(settings);
    return subscription;
  }

  /** A client that resumes says which of its tracks it has switched off. */
  async setDisabled(trackSid: string): Promise<void> {
    const settings = { ...this.#wishes.settings(trackSid), disabled: true };
    this.#wishes.set(trackSid, settings);
    await this.#subscriptions.get(trackSid)?.apply(settings);
  }

  /** The client cannot take the codec: another one is tried, if the publisher can send one. */
  refused(available: AvailableTrack): void {
    const { track } = available;
    const current = this.#subscriptions.get(track.sid);
    if (current === undefined) {
      return;
    }
    this.#refusedCodecs.add(current.mimeType);
    this.#end(available, current);
    const other = track.info.codecs.find((one) => !this.#refusedCodecs.has(one.mimeType));
    if (track.isVideo && other !== undefined) {
      this.#begin(available, track.mimeTypes.find((one) => one === other.mimeType) ?? undefined);
      return;
    }
    this.#options.send({
      case: 'subscriptionResponse',
      value: new SubscriptionResponse({
        trackSid: track.sid,
        err: SubscriptionError.SE_CODEC_UNSUPPORTED,
      }),
    });
  }

  close(): void {
    this.#closed = true;
    for (const subscription of this.#subscriptions.values()) {
      subscription.end();
    }
    this.#subscriptions.clear();
    this.#perPublisher.clear();
  }

  /** As many tracks of the kind as it may have; what is wanted beyond waits for a place. */
  #isFull(track: PublishedTrack): boolean {
    const { video, audio } = this.#options.limits;
    const limit = track.isVideo ? video : audio;
    if (limit <= 0) {
      return false;
    }
    const same = [...this.#subscriptions.values()].filter(
      (one) => one.track.isVideo === track.isVideo,
    );
    return same.length >= limit;
  }

  /** @param mimeType - undefined waits for a codec that the publisher has yet to start. */
  #begin(available: AvailableTrack, mimeType: string | undefined): void {
    const { track, publisher } = available;
    const codec = mimeType ?? this.#awaitedCodec(track);
    if (codec === undefined) {
      return;
    }
    const isNew = !this.#subscriptions.has(track.sid);
    const subscription = new Subscription(
      track,
      publisher.sid,
      codec,
      this.#wishes.settings(track.sid),
      (state) =>
        this.#options.send({
          case: 'streamStateUpdate',
          value: new StreamStateUpdate({
            streamStates: [
              new StreamStateInfo({ participantSid: publisher.sid, trackSid: track.sid, state }),
            ],
          }),
        }),
      () => this.#codecEnded(available, subscription),
    );
    this.#subscriptions.set(track.sid, subscription);
    const producer = mimeType === undefined ? undefined : track.producers.get(mimeType);
    if (isNew) {
      this.#count(publisher.sid, 1);
      this.#options.onChanged(available, true);
    }
    if (producer === undefined) {
      this.#waiting.add(subscription);
      return;
    }
    const consuming = this.#consume(subscription, available, producer)
      .catch((error: unknown) => {
        if (!this.#closed && !producer.closed) {
          this.#options.log.warn({ err: error, track: track.sid }, 'cannot subscribe');
        }
        this.#failed.add(producer);
        if (this.#subscriptions.get(track.sid) === subscription) {
          this.#end(available, subscription);
        }
      })
      .finally(() => this.#consuming.delete(consuming));
    this.#consuming.add(consuming);
  }

  async #consume(
    subscription: Subscription,
    available: AvailableTrack,
    producer: NonNullable<ReturnType<PublishedTrack['producers']['get']>>,
  ): Promise<void> {
    const { track, publisher } = available;
    const connection = await this.#options.connection();
    const { settings } = subscription;
    const layered = producer.type === 'simulcast' || producer.type === 'svc';
    const consumer = await connection.add({
      trackSid: track.sid,
      streamId: `${publisher.sid}|${this.#options.syncStreams ? track.info.stream : track.sid}`,
      producer,
      preferredLayers: layered
        ? layersFor(
            track.info,
            wantedQuality(track.info, { ...settings, disabled: false }),
            3,
            settings.fps,
          )
        : undefined,
    });
    subscription.attach(consumer);
  }

  #end(available: AvailableTrack, current: Subscription | undefined): void {
    if (current !== undefined) {
      this.#subscriptions.delete(available.track.sid);
      this.#count(available.publisher.sid, -1);
      current.close();
      this.#options.onChanged(available, false);
    }
  }

  #hasFailed(track: PublishedTrack, mimeType: string): boolean {
    const producer = track.producers.get(mimeType);
    return producer !== undefined && this.#failed.has(producer);
  }

  /** A codec of the publisher's that the client can take, sent or yet to be sent. */
  #awaitedCodec(track: PublishedTrack): string | undefined {
    return track.info.codecs.find((one) => !this.#refusedCodecs.has(one.mimeType))?.mimeType;
  }

  /** What carried a subscription is gone; another codec of the track takes over, if there is one. */
  #codecEnded(available: AvailableTrack, subscription: Subscription): void {
    if (!this.#closed && this.#subscriptions.get(available.track.sid) === subscription) {
      this.#end(available, subscription);
      if (this.#options.isPublished(available)) {
        this.reconcile(available);
      }
    }
  }

  #count(publisherSid: string, change: 1 | -1): void {
    const count = (this.#perPublisher.get(publisherSid) ?? 0) + change;
    if (count > 0) {
      this.#perPublisher.set(publisherSid, count);
    } else {
      this.#perPublisher.delete(publisherSid);
    }
  }

  #tellPermission({ track, publisher }: AvailableTrack, allowed: boolean): void {
    if (allowed === !this.#notPermitted.has(track.sid)) {
      return;
    }
    if (allowed) {
      this.#notPermitted.delete(track.sid);
    } else {
      this.#notPermitted.add(track.sid);
    }
    this.#options.send({
      case: 'subscriptionPermissionUpdate',
      value: new SubscriptionPermissionUpdate({
        participantSid: publisher.sid,
        trackSid: track.sid,
        allowed,
      }),
    });
  }
}
