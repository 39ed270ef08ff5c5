import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { dispose, VideoCodec } from '@livekit/rtc-node';
import {
  AutoParticipantEgress,
  AutoTrackEgress,
  type EgressInfo,
  EgressStatus,
  EncodedFileOutput,
  EncodingOptions,
  RoomCompositeEgressRequest,
  RoomEgress,
  RoomServiceClient,
  SegmentedFileOutput,
} from 'livekit-server-sdk';
import { NodeClient } from '../../support/rtc-node';
import { joinToken } from '../../support/tokens';
import { sleep, until } from '../../support/wait';
import { probe } from './support/media';
import { Player } from './support/player';
import { RecordingCluster } from './support/recording-cluster';

const ROOM = 'studio';
const SMALL = {
  case: 'advanced' as const,
  value: new EncodingOptions({ width: 320, height: 180, framerate: 15, videoBitrate: 300 }),
};
const { EGRESS_ACTIVE, EGRESS_COMPLETE } = EgressStatus;

let recording: RecordingCluster;
const ada = new NodeClient();

before(async () => {
  recording = await RecordingCluster.start();
});
after(async () => {
  await ada.leave().catch(() => {});
  await recording?.close();
  await dispose();
});

/** By what they record. */
async function byKind(): Promise<Map<string, EgressInfo[]>> {
  const kinds = new Map<string, EgressInfo[]>();
  for (const info of await recording.list()) {
    const kind = info.request.case ?? '';
    kinds.set(kind, [...(kinds.get(kind) ?? []), info]);
  }
  return kinds;
}

it('a Room, who is in it and what they publish are recorded by themselves, through drains to the last node', {
  timeout: 240_000,
}, async (t) => {
  const { cluster } = recording;
  const rooms = new RoomServiceClient(cluster.httpUrl, cluster.apiKey, cluster.apiSecret);
  await rooms.createRoom({
    name: ROOM,
    egress: new RoomEgress({
      room: new RoomCompositeEgressRequest({
        segmentOutputs: [
          new SegmentedFileOutput({
            filenamePrefix: 'hls',
            playlistName: 'p.m3u8',
            segmentDuration: 1,
          }),
        ],
        options: SMALL,
      }),
      participant: new AutoParticipantEgress({
        fileOutputs: [new EncodedFileOutput({ filepath: 'ada.mp4' })],
        options: SMALL,
      }),
      tracks: new AutoTrackEgress({ filepath: 'track-{track_type}-{track_id}' }),
    }),
  });
  await ada.connect(cluster.url, await joinToken(cluster, ROOM, 'ada'));
  await ada.publishVideo({ codec: VideoCodec.VP8, width: 320, height: 180, simulcast: false });
  await ada.publishTone();
  await until(
    'all four to be recorded',
    async () => {
      const infos = await recording.list({ active: true });
      return infos.filter(({ status }) => status === EGRESS_ACTIVE).length === 4;
    },
    { timeoutMs: 60_000, explain: () => cluster.log().slice(-6000) },
  );
  const kinds = await byKind();
  const counts = [...kinds].map(([kind, infos]) => `${kind} ${infos.length}`).sort();
  assert.deepEqual(counts, ['participant 1', 'roomComposite 1', 'track 2']);
  const composite = kinds.get('roomComposite')?.[0]?.egressId ?? '';
  const participant = kinds.get('participant')?.[0]?.egressId ?? '';
  await sleep(4000);

  const first = await recording.nodeOf(composite);
  const isFar = (await recording.nodeOf(participant)) !== first;
  const others = cluster.mediaNodes.filter((node) => node !== first);
  await cluster.admin().drain(first.nodeId, { patience: 0, deadline: '60s' });
  let most = 0;
  await until(
    'the first node to be empty',
    async () => {
      const node = await cluster.admin().node(first.nodeId);
      most = Math.max(most, node.record.drain?.jobsLeftByKind?.egress ?? 0);
      return node.state === 'drained';
    },
    { timeoutMs: 60_000, explain: () => first.log.slice(-4000) },
  );
  assert.ok(most > 0, 'its drain counted no jobs');
  for (const [id, times] of [
    [composite, 1],
    [participant, isFar ? 0 : 1],
  ] as const) {
    const goesOn = ({ status, retryCount }: EgressInfo): boolean =>
      status === EGRESS_ACTIVE && retryCount === times;
    await recording.seen(id, 'going on', goesOn);
    assert.ok(others.includes(await recording.nodeOf(id)));
  }
  await sleep(4000);

  // Nobody is left to go on with them.
  const [last] = others;
  assert.ok(last);
  const drainedAtMs = Date.now();
  await cluster.admin().drain(last.nodeId, { patience: 0, deadline: '24s' });
  const ends = await Promise.all([composite, participant].map((id) => recording.ended(id)));
  t.diagnostic(`ended ${Date.now() - drainedAtMs} ms after the drain of the last node`);
  for (const info of ends) {
    assert.equal(info.status, EGRESS_COMPLETE, info.error);
    assert.match(info.details, /its node is drained/);
  }
  await until('all to have ended', async () => {
    const infos = await recording.list({ active: true });
    return infos.length === 0;
  });
  const all = await byKind();
  assert.deepEqual([all.get('participant')?.length, all.get('roomComposite')?.length], [1, 1]);
  for (const info of all.get('track') ?? []) {
    assert.equal(info.status, EGRESS_COMPLETE, info.error);
    const { duration } = await probe(await recording.fetched(info.fileResults[0]?.filename ?? ''));
    t.diagnostic(`${info.fileResults[0]?.filename}: ${duration} s`);
    assert.ok(duration > 2, `${duration} s`);
  }
  const stored = await recording.stored();
  assert.deepEqual(
    stored.filter((name) => name.includes('.parts/')),
    [],
  );
  const file = await probe(await recording.fetched('ada.mp4'));
  assert.deepEqual(file.codecs, { video: 'h264', audio: 'aac' });
  assert.ok(file.duration > 7, `${file.duration} s`);
  const playlist = await recording.text('p.m3u8');
  assert.equal(playlist.match(/#EXT-X-DISCONTINUITY\n/g)?.length, 1);
  assert.match(playlist, /#EXT-X-ENDLIST\n$/);
  const { duration } = await probe(await recording.fetchedPlaylist('p.m3u8'));
  assert.ok(duration > 7, `${duration} s`);
  const player = await Player.open(recording.folder);
  try {
    const played = await player.hls('p.m3u8');
    const what = `${JSON.stringify(played)} of ${duration} s`;
    assert.ok(Math.abs(played.seconds - duration) < 0.5, what);
    assert.ok(played.covered > duration - 1.5, what);
  } finally {
    await player.close();
  }
});
