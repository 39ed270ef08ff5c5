import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ConnectionQuality,
  ParticipantInfo,
  Room,
  TrackInfo,
  TrackSource,
  TrackType,
} from '@livekit/protocol';
import { METRIC_NAMES } from '../../node-image/contract';
import { Metrics } from '../../node-image/telemetry';
import { exponentialBuckets } from '../../node-image/telemetry/instruments';

const NODE = 'node_id="ND_1",node_type="SERVER"';
const room = new Room({ creationTimeMs: 1_000_000n });
const participant = new ParticipantInfo();
const video = new TrackInfo({ type: TrackType.VIDEO, source: TrackSource.CAMERA });

function create() {
  const metrics = new Metrics({ nodeId: 'ND_1', process: false, now: () => 1_042_000 });
  /** The value of a line that names a metric and labels of it. */
  const value = async (name: string, labels = ''): Promise<number | undefined> => {
    const sorted = (text: string): string => text.split(',').sort().join();
    const wanted = sorted(labels === '' ? NODE : `${labels},${NODE}`);
    for (const line of (await metrics.registry.metrics()).split('\n')) {
      const [, lineName, lineLabels = '', number] = /^(\w+)\{(.*)\} (\S+)$/.exec(line) ?? [];
      if (lineName === name && sorted(lineLabels) === wanted) {
        return Number(number);
      }
    }
    return undefined;
  };
  return { metrics, value };
}

describe('metrics', () => {
  it("have LiveKit's names, all of them and no other", async () => {
    const { metrics } = create();
    const names = metrics.registry.getMetricsAsArray().map(({ name }) => name);
    assert.deepEqual(names.sort(), Object.values(METRIC_NAMES).sort());
  });

  it('count Rooms, participants and tracks as they come and go', async () => {
    const { metrics, value } = create();
    metrics.roomStarted();
    metrics.participantJoined(room, participant);
    metrics.participantJoined(room, participant);
    metrics.participantLeft(room, participant);
    metrics.trackPublished(room, participant, video);
    metrics.trackSubscribed(TrackType.VIDEO);
    metrics.trackSubscribed(TrackType.AUDIO);
    metrics.trackUnsubscribed(TrackType.AUDIO);
    assert.equal(await value(METRIC_NAMES.rooms), 1);
    assert.equal(await value(METRIC_NAMES.participants), 1);
    assert.equal(await value(METRIC_NAMES.tracksPublished, 'kind="VIDEO"'), 1);
    assert.equal(await value(METRIC_NAMES.tracksSubscribed, 'kind="AUDIO"'), 0);
    assert.equal(await value(METRIC_NAMES.trackPublishes, 'kind="VIDEO",state="success"'), 1);
    assert.equal(await value(METRIC_NAMES.trackSubscribes, 'state="success",error=""'), 2);
    const { rooms, participants, tracksIn, tracksOut } = metrics.totals;
    assert.deepEqual([rooms, participants, tracksIn, tracksOut], [1, 1, 1, 1]);
    metrics.trackUnpublished(room, participant, video);
    metrics.roomFinished(room);
    assert.equal(await value(METRIC_NAMES.rooms), 0);
    assert.equal(await value(`${METRIC_NAMES.roomDuration}_sum`), 42);
    assert.equal(metrics.totals.tracksIn, 0);
  });

  it('count packets, bytes and feedback by direction, and never down', async () => {
    const { metrics, value } = create();
    const outgoing = { direction: 'outgoing', packets: 10, bytes: 1000 } as const;
    metrics.packets(outgoing);
    metrics.packets({ ...outgoing, packets: -5, bytes: -5 });
    metrics.packets({ ...outgoing, retransmitted: true });
    metrics.packets({ direction: 'incoming', packets: 1, bytes: 99 });
    metrics.feedback('outgoing', { nack: 3, pli: 2, fir: 1 });
    const labels = 'direction="outgoing",transmission="initial",country=""';
    assert.equal(await value(METRIC_NAMES.packets, labels), 10);
    assert.equal(await value(METRIC_NAMES.packetBytes, labels), 1000);
    assert.equal(await value(METRIC_NAMES.packets, labels.replace('initial', 'retransmit')), 10);
    const rtcp = 'direction="outgoing",country=""';
    assert.equal(await value(METRIC_NAMES.nacks, rtcp), 3);
    assert.equal(await value(METRIC_NAMES.plis, rtcp), 2);
    assert.equal(await value(METRIC_NAMES.firs, rtcp), 1);
    const { bytesIn, bytesOut, packetsIn, packetsOut, nacks } = metrics.totals;
    assert.deepEqual([bytesIn, bytesOut, packetsIn, packetsOut, nacks], [99, 2000, 1, 20, 3]);
  });

  it('measure what tracks go through', async () => {
    const { metrics, value } = create();
    metrics.stream({
      direction: 'incoming',
      source: TrackSource.CAMERA,
      type: TrackType.VIDEO,
      lost: 5,
      total: 100,
      jitterMicroseconds: 20_000,
      roundTripMilliseconds: 80,
    });
    const labels = 'direction="incoming",source="CAMERA",type="VIDEO",country=""';
    assert.equal(await value(METRIC_NAMES.packetsLost, labels), 5);
    assert.equal(await value(`${METRIC_NAMES.packetLoss}_sum`, labels), 5);
    assert.equal(await value(`${METRIC_NAMES.jitter}_sum`, labels), 20_000);
    assert.equal(await value(`${METRIC_NAMES.roundTripTime}_sum`, labels), 80);
    metrics.quality(ConnectionQuality.EXCELLENT, 4.4);
    assert.equal(await value(`${METRIC_NAMES.qualityScore}_sum`), 4.4);
  });

  it('count calls of the server API by outcome', async () => {
    const { metrics, value } = create();
    const call = { service: 'livekit.RoomService', method: 'CreateRoom', durationMs: 7 };
    metrics.twirpRequest({ ...call, code: '' });
    metrics.twirpRequest({ ...call, code: 'not_found' });
    metrics.twirpRequest({ ...call, code: 'unavailable' });
    const outcome = (status: string, code: string) =>
      value(
        METRIC_NAMES.twirpRequests,
        `service="RoomService",method="CreateRoom",status="${status}",code="${code}"`,
      );
    assert.equal(await outcome('200', ''), 1);
    assert.equal(await outcome('4xx', 'not_found'), 1);
    assert.equal(await outcome('5xx', 'unavailable'), 1);
    const latency = 'service="RoomService",method="CreateRoom",status="200"';
    assert.equal(await value(`${METRIC_NAMES.twirpLatency}_sum`, latency), 7);
  });

  it('count how far joins came, and messages', async () => {
    const { metrics, value } = create();
    metrics.joined('signal_connected');
    metrics.participantConnectionAborted();
    metrics.joinLatency(16, 12);
    metrics.sessionStarted(16, 120);
    metrics.signalMessage('request', true);
    assert.equal(await value(METRIC_NAMES.participantJoins, 'state="signal_connected",warp=""'), 1);
    assert.equal(
      await value(METRIC_NAMES.participantJoins, 'state="rtc_canceled",warp="false"'),
      1,
    );
    assert.equal(await value(`${METRIC_NAMES.joinLatency}_sum`, 'protocol_version="16"'), 12);
    assert.equal(
      await value(METRIC_NAMES.nodeMessages, 'type="signal",status="success",direction="request"'),
      1,
    );
  });

  it('do not make labels of what clients say', async () => {
    const { metrics, value } = create();
    metrics.dataStream('text', 'evil/one', 1);
    metrics.dataStream('bytes', 'IMAGE/png', 2, 300);
    const count = `${METRIC_NAMES.dataStreamDestinations}_count`;
    assert.equal(await value(count, 'type="text",mime_type="unknown"'), 1);
    assert.equal(await value(count, 'type="bytes",mime_type="image"'), 1);
  });

  it('have buckets that grow by the same multiple', () => {
    const buckets = exponentialBuckets(10, 10_000, 15);
    assert.equal(buckets.length, 15);
    assert.equal(buckets[0], 10);
    assert.ok(Math.abs((buckets[14] ?? 0) - 10_000) < 0.001);
  });

  it('of two nodes in one process are apart', async () => {
    const one = create();
    one.metrics.roomStarted();
    assert.equal(await create().value(METRIC_NAMES.rooms), 0);
  });

  it('of the process are there unless left out', () => {
    const metrics = new Metrics({ nodeId: 'ND_1' });
    assert.ok(metrics.registry.getSingleMetric('process_cpu_seconds_total'));
  });
});
