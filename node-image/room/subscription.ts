import { StreamState, type VideoQuality } from '@livekit/protocol';
import type { Consumer } from 'mediasoup/types';
import type { PublishedTrack } from './published-track';
import { DEFAULT_SETTINGS, layersFor, type TrackSettings, wantedQuality } from './quality-layers';

/** One track on its way to one subscriber, in one codec. */
export class Subscription {
  #consumer: Consumer | undefined;
  #settings: TrackSettings;
  #negotiated = false;
  #streamState = StreamState.ACTIVE;
  #closed = false;

  constructor(
    readonly track: PublishedTrack,
    /** Who publishes the track. */
    readonly publisherSid: string,
    /** The codec that goes to this subscriber. */
    readonly mimeType: string,
    settings: TrackSettings = DEFAULT_SETTINGS,
    private readonly onStreamState: (state: StreamState) => void = () => {},
    /** The publisher has ended this codec, and perhaps the track. */
    private readonly onProducerClosed: () => void = () => {},
  ) {
    this.#settings = settings;
  }

  get settings(): TrackSettings {
    return this.#settings;
  }

  get consumer(): Consumer | undefined {
    return this.#consumer;
  }

  /** The highest quality that this subscriber needs from the publisher. */
  get quality(): VideoQuality {
    return wantedQuality(this.track.info, this.#settings);
  }

  /** @returns false where the subscription ended while the consumer was made, which is then closed. */
  attach(consumer: Consumer): boolean {
    if (this.#closed) {
      consumer.close();
      return false;
    }
    this.#consumer = consumer;
    consumer.on('layerschange', () => this.#reportStreamState());
    consumer.on('producerclose', () => this.onProducerClosed());
    return true;
  }

  /** The client understands the stream from now on. */
  async negotiated(consumer: Consumer): Promise<void> {
    if (this.#consumer === consumer && !this.#negotiated) {
      this.#negotiated = true;
      await this.apply(this.#settings);
    }
  }

  async apply(settings: TrackSettings): Promise<void> {
    this.#settings = settings;
    const consumer = this.#consumer;
    if (consumer === undefined || consumer.closed || !this.#negotiated) {
      return;
    }
    if (settings.disabled) {
      await consumer.pause();
      return;
    }
    if (consumer.type === 'simulcast' || consumer.type === 'svc') {
      await consumer.setPreferredLayers(
        layersFor(this.track.info, this.quality, spatialLayersOf(consumer), settings.fps),
      );
    }
    // Other settings may have come meanwhile, and what they asked for stands.
    if (this.#settings === settings && !consumer.closed) {
      await consumer.resume();
    }
  }

  close(): void {
    this.end();
    this.#consumer?.close();
  }

  /** Ends where the consumer goes by itself, with its producer or its transport. */
  end(): void {
    this.#closed = true;
  }

  /** No layer although one is wanted and sent: the path to the subscriber is too narrow. */
  #reportStreamState(): void {
    const consumer = this.#consumer;
    if (consumer === undefined || consumer.paused || consumer.producerPaused) {
      return;
    }
    const isSent = consumer.score.producerScores.some((score) => score > 0);
    const starved = consumer.currentLayers === undefined && isSent;
    const state = starved ? StreamState.PAUSED : StreamState.ACTIVE;
    if (state !== this.#streamState) {
      this.#streamState = state;
      this.onStreamState(state);
    }
  }
}

/** How many spatial layers a consumer can choose from. */
function spatialLayersOf(consumer: Consumer): number {
  const mode = consumer.rtpParameters.encodings?.[0]?.scalabilityMode ?? 'L1T1';
  return Number(/^[LS](\d)/.exec(mode)?.[1] ?? 1);
}
