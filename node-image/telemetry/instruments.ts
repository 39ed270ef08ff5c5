import {
  Counter,
  type CounterConfiguration,
  Gauge,
  Histogram,
  type HistogramConfiguration,
  type Registry,
} from 'prom-client';
import { METRIC_NAMES } from '../contract';

const NAMES = METRIC_NAMES;
const STREAM = ['direction', 'source', 'type', 'country'] as const;
const PACKET = ['direction', 'transmission', 'country'] as const;
const RTCP = ['direction', 'country'] as const;
const PERCENT = [0, 0.1, 0.3, 0.5, 0.7, 1, 5, 10, 40, 100];
const HOURS = 3600;

/** `count` bounds from `first` to `last`, each the same multiple of the one before. */
export function exponentialBuckets(first: number, last: number, count: number): number[] {
  const factor = (last / first) ** (1 / (count - 1));
  return Array.from({ length: count }, (_, index) => first * factor ** index);
}

/**
 * Makes every instrument of a node in a registry.
 *
 * Names, labels and buckets: livekit-server, pkg/telemetry/prometheus.
 */
export function createInstruments(registry: Registry) {
  const registers = [registry];
  const counter = <const L extends string = never>(
    name: string,
    help: string,
    labelNames: readonly L[] = [],
  ) => new Counter<L>({ name, help, labelNames, registers } satisfies CounterConfiguration<L>);
  const gauge = <const L extends string = never>(
    name: string,
    help: string,
    labelNames: readonly L[] = [],
  ) => new Gauge<L>({ name, help, labelNames, registers });
  const histogram = <const L extends string = never>(
    name: string,
    help: string,
    buckets: number[],
    labelNames: readonly L[] = [],
  ) =>
    new Histogram<L>({
      name,
      help,
      buckets,
      labelNames,
      registers,
    } satisfies HistogramConfiguration<L>);

  return {
    rooms: gauge(NAMES.rooms, 'Rooms on this node now.'),
    roomDuration: histogram(NAMES.roomDuration, 'How long Rooms that ended had lasted, seconds.', [
      5,
      10,
      60,
      300,
      600,
      1800,
      HOURS,
      2 * HOURS,
      5 * HOURS,
      10 * HOURS,
    ]),
    participants: gauge(NAMES.participants, 'Participants on this node now.'),
    tracksPublished: gauge(NAMES.tracksPublished, 'Tracks published now.', ['kind']),
    tracksSubscribed: gauge(NAMES.tracksSubscribed, 'Tracks subscribed to now.', ['kind']),
    trackPublishes: counter(NAMES.trackPublishes, 'Tracks asked to be published, by outcome.', [
      'kind',
      'state',
    ]),
    trackSubscribes: counter(NAMES.trackSubscribes, 'Subscriptions, by outcome.', [
      'state',
      'error',
    ]),
    joinLatency: histogram(
      NAMES.joinLatency,
      'From the request to the JoinResponse, milliseconds.',
      exponentialBuckets(10, 10_000, 15),
      ['protocol_version'],
    ),
    sessionStartTime: histogram(
      NAMES.sessionStartTime,
      'From the request to the first media connection, milliseconds.',
      exponentialBuckets(100, 10_000, 15),
      ['protocol_version', 'warp'],
    ),
    sessionDuration: histogram(
      NAMES.sessionDuration,
      'How long participants stayed, milliseconds.',
      exponentialBuckets(100, 4 * HOURS * 1000, 15),
      ['protocol_version'],
    ),
    pubSubTime: histogram(
      NAMES.pubSubTime,
      'How long publishing and subscribing took, milliseconds.',
      [100, 200, 500, 700, 1000, 5000, 10_000],
      [...STREAM, 'sdk', 'kind', 'count'],
    ),
    peerConnections: counter(NAMES.peerConnections, 'States peer connections came to.', [
      'transport',
      'state',
    ]),
    packets: counter(NAMES.packets, 'RTP packets.', PACKET),
    packetBytes: counter(NAMES.packetBytes, 'Bytes of RTP packets.', PACKET),
    nacks: counter(NAMES.nacks, 'Packets asked for again.', RTCP),
    plis: counter(NAMES.plis, 'Key frames asked for (PLI).', RTCP),
    firs: counter(NAMES.firs, 'Key frames asked for (FIR).', RTCP),
    packetsLost: counter(NAMES.packetsLost, 'RTP packets lost.', STREAM),
    packetLoss: histogram(NAMES.packetLoss, 'RTP packets lost, percent.', PERCENT, STREAM),
    packetsOutOfOrder: counter(NAMES.packetsOutOfOrder, 'RTP packets out of order.', STREAM),
    packetOutOfOrder: histogram(
      NAMES.packetOutOfOrder,
      'RTP packets out of order, percent.',
      PERCENT,
      STREAM,
    ),
    jitter: histogram(
      NAMES.jitter,
      'Jitter, microseconds.',
      [1000, 10_000, 30_000, 50_000, 70_000, 100_000, 300_000, 600_000, 1_000_000],
      STREAM,
    ),
    roundTripTime: histogram(
      NAMES.roundTripTime,
      'Round trip time, milliseconds.',
      [50, 100, 150, 200, 250, 500, 750, 1000, 5000, 10_000],
      STREAM,
    ),
    participantJoins: counter(NAMES.participantJoins, 'How far joins came.', ['state', 'warp']),
    connections: gauge(NAMES.connections, 'Media connections now.', ['kind']),
    forwardLatency: gauge(NAMES.forwardLatency, 'Average time to forward a packet.'),
    forwardJitter: gauge(NAMES.forwardJitter, 'Average variation of the time to forward a packet.'),
    forwardLatencyHistogram: histogram(
      NAMES.forwardLatencyHistogram,
      'Time to forward a packet, nanoseconds.',
      [50_000, 100_000, 250_000, 500_000, 1e6, 2e6, 3e6, 5e6, 10e6, 20e6],
    ),
    nodeMessages: counter(NAMES.nodeMessages, 'Messages, by kind and outcome.', [
      'type',
      'status',
      'direction',
    ]),
    serviceOperations: counter(NAMES.serviceOperations, 'Operations, by outcome.', [
      'type',
      'status',
      'error_type',
    ]),
    twirpRequests: counter(NAMES.twirpRequests, 'Calls of the server API, by outcome.', [
      'service',
      'method',
      'status',
      'code',
    ]),
    twirpLatency: histogram(
      NAMES.twirpLatency,
      'How long calls of the server API took, milliseconds.',
      [5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000],
      ['service', 'method', 'status'],
    ),
    systemPackets: gauge(NAMES.systemPackets, 'Packets of the system since this node started.', [
      'type',
    ]),
    qualityRating: histogram(
      NAMES.qualityRating,
      'Connection quality: 0 poor, 2 excellent.',
      [0, 1, 2],
    ),
    qualityScore: histogram(
      NAMES.qualityScore,
      'Connection quality as a score, 1 to 5.',
      [1, 2, 2.5, 3, 3.25, 3.5, 3.75, 4, 4.25, 4.5],
    ),
    dataStreamDestinations: histogram(
      NAMES.dataStreamDestinations,
      'Participants a data stream goes to.',
      [1, 2, 3, 4, 5, 10, 15, 25, 50],
      ['type', 'mime_type'],
    ),
    dataStreamBytes: histogram(
      NAMES.dataStreamBytes,
      'Bytes of a data stream.',
      [128, 512, 2048, 8192, 32_768, 131_072, 524_288, 2_097_152, 8_388_608, 33_554_432],
      ['type', 'mime_type'],
    ),
  };
}

export type Instruments = ReturnType<typeof createInstruments>;
