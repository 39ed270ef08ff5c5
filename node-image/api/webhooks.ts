import {
  type EgressInfo,
  type IngressInfo,
  ParticipantInfo,
  Room,
  type TrackInfo,
  WebhookEvent,
} from '@livekit/protocol';
import type { Logger } from 'pino';
import { newId } from '../room/ids';
import type { RoomObserver } from '../room/room-observer';
import { AskedWebhooks } from './asked-webhooks';
import { type ApiKeys, keySourceOf } from './key-ring';
import { TokenMinter } from './token-minter';
import { type WebhookDelivery, type WebhookOutcome, WebhookQueue } from './webhook-queue';

const DRAIN_MS = 5000;

export interface WebhooksOptions {
  /** `webhook.urls` */
  readonly urls: readonly string[];
  /** `webhook.api_key`: one of `keys`. */
  readonly apiKey: string;
  readonly keys: ApiKeys;
  /** Only these events; wins over `excludeEvents`. @default - all */
  readonly includeEvents?: readonly string[];
  /** @default - none */
  readonly excludeEvents?: readonly string[];
  /** `room.enable_full_room_in_webhooks`: the whole Room with track events too. @default false */
  readonly fullRoom?: boolean;
  readonly delivery?: WebhookDelivery;
  readonly log: Pick<Logger, 'debug' | 'warn'>;
  /** Told of each event's end, for metrics. */
  readonly observe?: (outcome: WebhookOutcome, event: string) => void;
  /** @default Date.now */
  readonly now?: () => number;
}

/** The webhooks cannot be set up as they are configured. */
export class WebhookConfigError extends Error {
  override readonly name = 'WebhookConfigError';
}

type EventFields = Pick<WebhookEvent, 'event' | 'room'> &
  Partial<Pick<WebhookEvent, 'participant' | 'track' | 'ingressInfo' | 'egressInfo'>>;

/**
 * Tells every configured URL what happens in Rooms. The events of one Room arrive in order; a URL
 * that is slow or gone delays itself only.
 *
 * Source: livekit/protocol webhook/; the events, livekit_webhook.proto.
 */
export class Webhooks implements RoomObserver {
  readonly #options: WebhooksOptions;
  readonly #queues: readonly WebhookQueue[];
  /** Of single requests. */
  readonly #asked: AskedWebhooks;

  /** @throws WebhookConfigError when `apiKey` is not one of `keys`. */
  constructor(options: WebhooksOptions) {
    const { urls, apiKey, delivery, log, observe } = options;
    const keys = keySourceOf(options.keys);
    if (urls.length > 0 && keys.secretOf(apiKey) === undefined) {
      throw new WebhookConfigError(
        `api_key is required to use webhooks: set webhook.api_key to one of "keys" (it is "${apiKey}").`,
      );
    }
    const tokens = new TokenMinter({ keys });
    this.#options = options;
    this.#asked = new AskedWebhooks({ keys, apiKey, delivery, log, observe });
    this.#queues = urls.map(
      (url) =>
        new WebhookQueue({ ...delivery, url, apiKey, tokens, log, ...(observe && { observe }) }),
    );
  }

  roomStarted(room: Room): void {
    this.#tell({ event: 'room_started', room });
  }

  roomFinished(room: Room): void {
    this.#tell({ event: 'room_finished', room });
  }

  participantJoined(room: Room, participant: ParticipantInfo): void {
    this.#tell({ event: 'participant_joined', room, participant });
  }

  participantLeft(room: Room, participant: ParticipantInfo): void {
    this.#tell({ event: 'participant_left', room, participant });
  }

  participantConnectionAborted(room: Room, participant: ParticipantInfo): void {
    this.#tell({ event: 'participant_connection_aborted', room, participant });
  }

  trackPublished(room: Room, participant: ParticipantInfo, track: TrackInfo): void {
    this.#tellOfTrack('track_published', room, participant, track);
  }

  trackUnpublished(room: Room, participant: ParticipantInfo, track: TrackInfo): void {
    this.#tellOfTrack('track_unpublished', room, participant, track);
  }

  ingressStarted(info: IngressInfo): void {
    this.#tell({ event: 'ingress_started', ingressInfo: info });
  }

  ingressEnded(info: IngressInfo): void {
    this.#tell({ event: 'ingress_ended', ingressInfo: info });
  }

  egressStarted(info: EgressInfo): void {
    this.#tell({ event: 'egress_started', egressInfo: info });
  }

  egressUpdated(info: EgressInfo): void {
    this.#tell({ event: 'egress_updated', egressInfo: info });
  }

  egressEnded(info: EgressInfo): void {
    this.#tell({ event: 'egress_ended', egressInfo: info });
  }

  /** Delivers what waits, for at most so long. Idempotent. */
  async close(drainMs = DRAIN_MS): Promise<void> {
    const queues = [...this.#queues, this.#asked];
    await Promise.all(queues.map((queue) => queue.close(drainMs)));
  }

  // As LiveKit: with tracks, only what identifies the Room and the participant.
  #tellOfTrack(event: string, room: Room, participant: ParticipantInfo, track: TrackInfo): void {
    const { sid, identity } = participant;
    this.#tell({
      event,
      room: this.#options.fullRoom ? room : new Room({ sid: room.sid, name: room.name }),
      participant: new ParticipantInfo({ sid, identity }),
      track,
    });
  }

  #tell(fields: EventFields): void {
    const { room, ingressInfo, egressInfo } = fields;
    const isAsked = (egressInfo?.request.value?.webhooks.length ?? 0) > 0;
    const isWanted = this.#queues.length > 0 && this.#wants(fields.event);
    if (!isWanted && !isAsked) return;
    const { now = Date.now } = this.#options;
    const createdAt = BigInt(Math.floor(now() / 1000));
    const event = new WebhookEvent({ id: newId('EV_'), createdAt });
    Object.assign(event, fields);
    if (egressInfo !== undefined) this.#asked.tell(egressInfo, event);
    if (!isWanted) return;
    const of = room?.name ?? ingressInfo?.ingressId ?? egressInfo?.egressId ?? '';
    for (const queue of this.#queues) queue.push(of, event);
  }

  #wants(event: string): boolean {
    const { includeEvents = [], excludeEvents = [] } = this.#options;
    return includeEvents.length > 0
      ? includeEvents.includes(event)
      : !excludeEvents.includes(event);
  }
}
