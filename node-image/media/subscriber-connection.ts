import type {
  Consumer,
  ConsumerLayers,
  MediaKind,
  Producer,
  RtpParameters,
  WebRtcTransport,
} from 'mediasoup/types';
import type { Logger } from 'pino';
import { maxMessageBytes } from './data/data-kinds';
import { readDescription, SdpError } from './sdp/offer-reader';
import { type OfferedSlot, writeOffer } from './sdp/offer-writer';
import type { SubscriberPlace } from './subscriber-place';

/** One track that goes to a subscriber. */
export interface OutgoingTrack {
  /** The track's sid: what the client knows it by. */
  readonly trackSid: string;
  /** The stream's id: the publisher's sid, "|", and the track's sid or the name of a stream. */
  readonly streamId: string;
  readonly producer: Producer;
  readonly preferredLayers?: ConsumerLayers | undefined;
}

export interface SubscriberEvents {
  /** An offer for the client, with the place of each track in it. */
  offer(sdp: string, id: number, midToTrackId: Record<string, string>): void;
  /** The client has agreed to the track: what is sent from now on is understood. */
  negotiated(trackSid: string, consumer: Consumer): void;
  /** The client cannot take the track's codec. */
  refused(trackSid: string): void;
  /** The client has not answered an offer in time. */
  unanswered(): void;
}

interface Slot {
  readonly mid: string;
  readonly kind: MediaKind;
  rtpParameters: RtpParameters;
  /** What it carries now. */
  use: { readonly track: OutgoingTrack; readonly consumer: Consumer } | undefined;
  stopped: boolean;
  /** Promised to a track whose consumer is being made. */
  reserved: boolean;
}

const isFree = (slot: Slot): boolean => slot.use === undefined && !slot.stopped && !slot.reserved;

/** Several changes within this time, in ms, make one offer. */
const GATHER_MS = 20;

/**
 * The server-to-client half of a participant: this side offers, one offer at a time.
 *
 * Sections are never removed; one that falls free is given to the next track of its kind, so that
 * the description does not grow with each track that comes and goes.
 */
export class SubscriberConnection {
  readonly #place: SubscriberPlace;
  readonly #transport: WebRtcTransport;
  readonly #events: SubscriberEvents;
  readonly #log: Logger;
  readonly #answerTimeoutMs: number;
  readonly #reuseSections: boolean;
  readonly #slots: Slot[] = [];
  #nextMid = 1;
  #offerId = 0;
  #awaitingAnswer: NodeJS.Timeout | undefined;
  #offeredConsumers = new Set<string>();
  #dirty = false;
  #gathering: NodeJS.Timeout | undefined;
  #connected = false;
  #started = false;

  constructor(options: {
    readonly place: SubscriberPlace;
    readonly events: SubscriberEvents;
    readonly log: Logger;
    /** How long the client has to answer an offer, in ms. */
    readonly answerTimeoutMs: number;
    /** Give a free section to the next track. Some clients cannot take that. */
    readonly reuseSections: boolean;
  }) {
    this.#place = options.place;
    this.#transport = options.place.transport;
    this.#events = options.events;
    this.#log = options.log;
    this.#answerTimeoutMs = options.answerTimeoutMs;
    this.#reuseSections = options.reuseSections;
  }

  get transport(): WebRtcTransport {
    return this.#transport;
  }

  close(): void {
    clearTimeout(this.#awaitingAnswer);
    clearTimeout(this.#gathering);
    this.#transport.close();
  }

  /** Starts to send a track, paused; the client hears of it by the next offer. */
  async add(track: OutgoingTrack): Promise<Consumer> {
    const { producer } = track;
    const free = this.#reuseSections
      ? this.#slots.find((slot) => isFree(slot) && slot.kind === producer.kind)
      : undefined;
    if (free !== undefined) {
      free.reserved = true;
    }
    const mid = free?.mid ?? String(this.#nextMid++);
    let consumer: Consumer;
    try {
      consumer = await this.#place.consume(producer, {
        paused: true,
        mid,
        enableRtx: true,
        ...(track.preferredLayers === undefined ? {} : { preferredLayers: track.preferredLayers }),
      });
    } finally {
      if (free !== undefined) {
        free.reserved = false;
      }
    }
    const { rtpParameters, kind } = consumer;
    if (free?.stopped) {
      // The client gave the section up meanwhile.
      consumer.close();
      return this.add(track);
    }
    // Only now: an offer made meanwhile must not name a section without parameters.
    const slot = free ?? {
      mid,
      kind,
      rtpParameters,
      use: undefined,
      stopped: false,
      reserved: false,
    };
    slot.rtpParameters = rtpParameters;
    slot.use = { track, consumer };
    if (free === undefined) {
      this.#slots.push(slot);
    }
    consumer.observer.once('close', () => this.#free(consumer));
    this.negotiate();
    return consumer;
  }

  /** Asks for an offer soon; several requests make one, and none is made before start(). */
  negotiate(): void {
    this.#dirty = true;
    const busy = this.#gathering !== undefined || this.#awaitingAnswer !== undefined;
    if (this.#started && !busy && !this.#transport.closed) {
      this.#gathering = setTimeout(() => this.#offer(), GATHER_MS);
    }
  }

  /** Makes the first offer, tracks or not: a client's primary connection begins with it. */
  start(): void {
    if (!this.#started) {
      this.#started = true;
      this.#place.settle();
      this.#offerNow();
    }
  }

  /** Changes the ICE credentials and offers them: after the client's network may have changed. */
  async restartIce(): Promise<void> {
    await this.#transport.restartIce();
    // The answer to an earlier offer may be lost with the old connection.
    clearTimeout(this.#awaitingAnswer);
    this.#awaitingAnswer = undefined;
    this.#offerNow();
  }

  /**
   * Takes the client's answer.
   *
   * @param id - of the offer it answers; 0 where the client does not say.
   *
   * @throws SdpError for an answer that cannot be read or that nobody waits for.
   */
  async answer(sdp: string, id = 0): Promise<void> {
    // Some clients always say 0.
    const isStale = id !== 0 && id !== this.#offerId;
    if (this.#awaitingAnswer === undefined || isStale) {
      this.#log.debug('an answer without an offer is left alone');
      return;
    }
    const answer = readDescription(sdp);
    if (!this.#connected) {
      if (answer.fingerprints.length === 0) {
        throw new SdpError('the answer has no DTLS fingerprint');
      }
      this.#connected = true;
      // "passive" makes the client the DTLS server: pion does so towards ice-lite.
      const role = answer.setup === 'passive' ? 'server' : 'client';
      await this.#transport.connect({
        dtlsParameters: { role, fingerprints: answer.fingerprints },
      });
    }
    clearTimeout(this.#awaitingAnswer);
    this.#awaitingAnswer = undefined;
    const refused = new Set(
      answer.sections
        .filter(
          (section) =>
            section.rejected || (section.kind !== 'application' && section.codecs.length === 0),
        )
        .map((section) => section.mid),
    );
    const offered = this.#offeredConsumers;
    this.#offeredConsumers = new Set();
    for (const slot of [...this.#slots]) {
      const use = slot.use;
      if (refused.has(slot.mid) && !slot.stopped) {
        slot.stopped = true;
        if (use !== undefined) {
          use.consumer.close();
          this.#events.refused(use.track.trackSid);
        }
      } else if (use !== undefined && offered.has(use.consumer.id)) {
        this.#events.negotiated(use.track.trackSid, use.consumer);
      }
    }
    if (this.#dirty) {
      this.negotiate();
    }
  }

  #free(consumer: Consumer): void {
    const slot = this.#slots.find((one) => one.use?.consumer === consumer);
    if (slot !== undefined) {
      slot.use = undefined;
      this.negotiate();
    }
  }

  #offerNow(): void {
    this.#dirty = true;
    if (this.#awaitingAnswer === undefined) {
      clearTimeout(this.#gathering);
      this.#offer();
    }
  }

  #offer(): void {
    this.#gathering = undefined;
    if (this.#transport.closed || !this.#dirty) {
      return;
    }
    this.#dirty = false;
    this.#offerId += 1;
    const used = this.#slots.filter((slot) => slot.use !== undefined);
    this.#offeredConsumers = new Set(used.map((slot) => slot.use?.consumer.id ?? ''));
    const sdp = writeOffer({
      slots: this.#slots.map(toOfferedSlot),
      transport: this.#transport,
      version: this.#offerId,
      maxMessageSize: maxMessageBytes,
    });
    this.#awaitingAnswer = setTimeout(() => {
      this.#awaitingAnswer = undefined;
      this.#events.unanswered();
    }, this.#answerTimeoutMs);
    const midToTrackId = Object.fromEntries(
      used.map((slot) => [slot.mid, slot.use?.track.trackSid ?? '']),
    );
    this.#events.offer(sdp, this.#offerId, midToTrackId);
  }
}

function toOfferedSlot({ mid, kind, rtpParameters, use, stopped }: Slot): OfferedSlot {
  const msid =
    use === undefined ? undefined : { stream: use.track.streamId, track: use.track.trackSid };
  return { mid, kind, rtpParameters, msid, stopped };
}
