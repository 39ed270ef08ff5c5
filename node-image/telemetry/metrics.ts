import {
  type ConnectionQuality,
  type ParticipantInfo,
  type Room,
  type TrackInfo,
  TrackSource,
  TrackType,
} from '@livekit/protocol';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { SLUICE_METRIC_NAMES } from '../contract';
import type { RoomObserver } from '../room/room-observer';
import { createInstruments, type Instruments } from './instruments';
import type {
  Direction,
  JoinState,
  PacketReport,
  StreamReport,
  TrackKind,
  TwirpReport,
} from './metric-reports';
import { NodeTotals } from './node-totals';

export interface MetricsOptions {
  readonly nodeId: string;
  /** As in livekit_internal.proto. @default SERVER */
  readonly nodeType?: string;
  /** Also count what this process uses: CPU, memory, event loop. @default true */
  readonly process?: boolean;
  /** Milliseconds since the epoch. @default Date.now */
  readonly now?: () => number;
}

/** Countries of participants are not looked up; LiveKit has the label, and leaves it empty too. */
const country = '';
/** Codes that Twirp answers with HTTP 5xx. Source: the Twirp specification, "Error Codes". */
const SERVER_ERRORS: ReadonlySet<string> = new Set([
  'internal',
  'unknown',
  'dataloss',
  'unimplemented',
  'unavailable',
]);
/** States after which LiveKit labels with whether WARP was used. It never is here. */
const WITH_WARP: ReadonlySet<JoinState> = new Set<JoinState>([
  'rtc_active',
  'rtc_canceled',
  'rtc_success',
  'rtc_failure',
]);

/** The metrics of this node, in a registry of their own. */
export class Metrics implements RoomObserver {
  readonly registry = new Registry();
  /** The same facts as plain numbers, for placement and drain. */
  readonly totals = new NodeTotals();
  readonly #instruments: Instruments;
  readonly #now: () => number;

  constructor(options: MetricsOptions) {
    const { nodeId, nodeType = 'SERVER', now = Date.now } = options;
    this.registry.setDefaultLabels({ node_id: nodeId, node_type: nodeType });
    this.#instruments = createInstruments(this.registry);
    this.#now = now;
    if (options.process ?? true) {
      collectDefaultMetrics({ register: this.registry });
    }
    // Metrics that only count from the first event on are gaps in a dashboard until then.
    for (const kind of ['AUDIO', 'VIDEO'] as const) {
      this.#instruments.tracksPublished.set({ kind }, 0);
      this.#instruments.tracksSubscribed.set({ kind }, 0);
    }
  }

  roomStarted(): void {
    this.#instruments.rooms.inc();
    this.totals.rooms += 1;
  }

  roomFinished(room: Room): void {
    const startedAt = Number(room.creationTimeMs) || Number(room.creationTime) * 1000;
    if (startedAt > 0) {
      this.#instruments.roomDuration.observe(Math.max(0, this.#now() - startedAt) / 1000);
    }
    this.#instruments.rooms.dec();
    this.totals.rooms -= 1;
  }

  // A move is no start and no end: only where things are has changed.
  roomArrived(): void {
    this.roomStarted();
  }

  roomDeparted(): void {
    this.#instruments.rooms.dec();
    this.totals.rooms -= 1;
  }

  participantArrived(room: Room, participant: ParticipantInfo): void {
    this.participantJoined(room, participant);
  }

  participantDeparted(room: Room, participant: ParticipantInfo): void {
    this.participantLeft(room, participant);
  }

  participantJoined(_room: Room, _participant: ParticipantInfo): void {
    this.#instruments.participants.inc();
    this.totals.participants += 1;
  }

  participantLeft(_room: Room, _participant: ParticipantInfo): void {
    this.#instruments.participants.dec();
    this.totals.participants -= 1;
  }

  participantConnectionAborted(): void {
    this.joined('rtc_canceled');
  }

  trackPublished(_room: Room, _participant: ParticipantInfo, track: TrackInfo): void {
    const kind = kindOf(track.type);
    this.#instruments.tracksPublished.inc({ kind });
    this.#instruments.trackPublishes.inc({ kind, state: 'success' });
    this.totals.tracksIn += 1;
  }

  trackUnpublished(_room: Room, _participant: ParticipantInfo, track: TrackInfo): void {
    this.#instruments.tracksPublished.dec({ kind: kindOf(track.type) });
    this.totals.tracksIn -= 1;
  }

  /** A participant asked to publish (`attempt`), or gave up before it worked (`cancel`). */
  trackPublishing(type: TrackType, state: 'attempt' | 'cancel'): void {
    this.#instruments.trackPublishes.inc({ kind: kindOf(type), state });
  }

  trackSubscribed(type: TrackType): void {
    this.#instruments.tracksSubscribed.inc({ kind: kindOf(type) });
    this.#instruments.trackSubscribes.inc({ state: 'success', error: '' });
    this.totals.tracksOut += 1;
  }

  trackUnsubscribed(type: TrackType): void {
    this.#instruments.tracksSubscribed.dec({ kind: kindOf(type) });
    this.totals.tracksOut -= 1;
  }

  /** @param error - a constant text, as it becomes a label; empty but for a failure. */
  trackSubscribing(state: 'attempt' | 'cancel' | 'failure', error = ''): void {
    this.#instruments.trackSubscribes.inc({ state, error });
  }

  /** How far a join came. */
  joined(state: JoinState): void {
    this.#instruments.participantJoins.inc({ state, warp: WITH_WARP.has(state) ? 'false' : '' });
  }

  /** Shows what lives in the media workers, read anew at each scrape. */
  watchMediaObjects(read: () => Readonly<Record<string, number>>): void {
    const gauge: Gauge<'kind'> = new Gauge({
      name: SLUICE_METRIC_NAMES.mediaObjects,
      help: 'Objects in the media workers now.',
      labelNames: ['kind'],
      registers: [this.registry],
      collect: () => {
        for (const [kind, count] of Object.entries(read())) {
          gauge.set({ kind }, count);
        }
      },
    });
  }

  /** From the request to the JoinResponse. */
  joinLatency(protocolVersion: number, milliseconds: number): void {
    const labels = { protocol_version: String(protocolVersion) };
    this.#instruments.joinLatency.observe(labels, milliseconds);
  }

  /** From the request to the first media connection. */
  sessionStarted(protocolVersion: number, milliseconds: number): void {
    const labels = { protocol_version: String(protocolVersion), warp: 'false' };
    this.#instruments.sessionStartTime.observe(labels, milliseconds);
  }

  sessionEnded(protocolVersion: number, milliseconds: number): void {
    const labels = { protocol_version: String(protocolVersion) };
    this.#instruments.sessionDuration.observe(labels, milliseconds);
  }

  peerConnectionState(transport: 'PUBLISHER' | 'SUBSCRIBER', state: string): void {
    this.#instruments.peerConnections.inc({ transport, state });
  }

  connectionOpened(direction: Direction): void {
    this.#instruments.connections.inc({ kind: direction });
  }

  connectionClosed(direction: Direction): void {
    this.#instruments.connections.dec({ kind: direction });
  }

  packets({ direction, packets, bytes, retransmitted = false }: PacketReport): void {
    const transmission = retransmitted ? 'retransmit' : 'initial';
    const labels = { direction, transmission, country };
    // A worker that was replaced counts from zero again; counters never go down.
    this.#instruments.packets.inc(labels, Math.max(0, packets));
    this.#instruments.packetBytes.inc(labels, Math.max(0, bytes));
    this.totals.addTraffic(direction, Math.max(0, packets), Math.max(0, bytes));
  }

  /** RTCP feedback since the last report. */
  feedback(direction: Direction, counts: { nack?: number; pli?: number; fir?: number }): void {
    const { nack = 0, pli = 0, fir = 0 } = counts;
    const labels = { direction, country };
    this.#instruments.nacks.inc(labels, Math.max(0, nack));
    this.#instruments.plis.inc(labels, Math.max(0, pli));
    this.#instruments.firs.inc(labels, Math.max(0, fir));
    this.totals.nacks += Math.max(0, nack);
  }

  stream(report: StreamReport): void {
    const { direction, lost = 0, outOfOrder = 0, total = 0 } = report;
    const labels = {
      direction,
      source: TrackSource[report.source] ?? 'UNKNOWN',
      type: kindOf(report.type),
      country,
    };
    if (total > 0) {
      this.#instruments.packetLoss.observe(labels, percent(lost, total));
      this.#instruments.packetOutOfOrder.observe(labels, percent(outOfOrder, total));
    }
    if (lost > 0) {
      this.#instruments.packetsLost.inc(labels, lost);
    }
    if (outOfOrder > 0) {
      this.#instruments.packetsOutOfOrder.inc(labels, outOfOrder);
    }
    const { jitterMicroseconds = 0, roundTripMilliseconds = 0 } = report;
    if (jitterMicroseconds > 0) {
      this.#instruments.jitter.observe(labels, jitterMicroseconds);
    }
    if (roundTripMilliseconds > 0) {
      this.#instruments.roundTripTime.observe(labels, roundTripMilliseconds);
    }
  }

  /** @param score - 1 to 5, as a mean opinion score. */
  quality(rating: ConnectionQuality, score: number): void {
    this.#instruments.qualityRating.observe(rating);
    this.#instruments.qualityScore.observe(score);
  }

  /** A signal message was taken from, or sent to, a client. */
  signalMessage(direction: 'request' | 'response', succeeded: boolean): void {
    const status = succeeded ? 'success' : 'failure';
    this.#instruments.nodeMessages.inc({ type: 'signal', status, direction });
  }

  /** @param error - a constant text, as it becomes a label; left out on success. */
  operation(type: string, error?: string): void {
    const status = error === undefined ? 'success' : 'error';
    this.#instruments.serviceOperations.inc({ type, status, error_type: error ?? '' });
  }

  twirpRequest({ service: fullName, method, code, durationMs }: TwirpReport): void {
    const service = fullName.slice(fullName.lastIndexOf('.') + 1);
    const status = code === '' ? '200' : SERVER_ERRORS.has(code) ? '5xx' : '4xx';
    this.#instruments.twirpRequests.inc({ service, method, status, code });
    this.#instruments.twirpLatency.observe({ service, method, status }, durationMs);
  }

  /** A data stream began. @param bytes - left out where its length is not known. */
  dataStream(type: 'text' | 'bytes', mimeType: string, destinations: number, bytes?: number): void {
    const labels = { type, mime_type: mimeFamily(mimeType) };
    this.#instruments.dataStreamDestinations.observe(labels, destinations);
    if (bytes !== undefined) {
      this.#instruments.dataStreamBytes.observe(labels, bytes);
    }
  }
}

/** Text that clients choose must not become labels without end. */
const MIME_FAMILIES: ReadonlySet<string> = new Set([
  'text',
  'image',
  'application',
  'audio',
  'video',
]);

function mimeFamily(mimeType: string): string {
  const [family = ''] = mimeType.toLowerCase().split('/');
  return MIME_FAMILIES.has(family) ? family : 'unknown';
}

const kindOf = (type: TrackType): TrackKind => {
  switch (type) {
    case TrackType.VIDEO:
      return 'VIDEO';
    case TrackType.DATA:
      return 'DATA';
    default:
      return 'AUDIO';
  }
};

const percent = (part: number, whole: number): number => Math.max(0, (part / whole) * 100);
