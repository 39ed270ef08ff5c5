import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { dispose, VideoCodec } from '@livekit/rtc-node';
import {
  EgressClient,
  EgressStatus,
  EncodedFileOutput,
  EncodedFileType,
  EncodingOptions,
} from 'livekit-server-sdk';
import { TestCluster } from '../../support/cluster';
import type { ClusterNode } from '../../support/cluster-node';
import { joinToken } from '../../support/tokens';
import { sleep, until } from '../../support/wait';
import { FlashBeep } from './support/flash-beep';
import { beeps, flashes, longestGap, median, offsets, probe } from './support/probe';

let folder: string;
let cluster: TestCluster;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'egress-other-node-'));
  const egress = {
    local_directory: folder,
    // A machine that tests has other work too.
    cpu_cost: { participant_cpu_cost: 0 },
  };
  cluster = await TestCluster.start({ config: { egress } });
});

after(async () => {
  await cluster?.close();
  await dispose();
  await rm(folder, { recursive: true, force: true });
});

/** Two publishers whose Rooms are on different nodes. */
async function publishers(): Promise<{ room: string; node: ClusterNode; client: FlashBeep }[]> {
  const found: { room: string; node: ClusterNode; client: FlashBeep }[] = [];
  for (let index = 0; found.length < 2; index += 1) {
    const room = `room-${index}`;
    const client = new FlashBeep();
    const token = await joinToken(cluster, room, 'alice');
    await client.start({ url: cluster.url, token, codec: VideoCodec.VP8 });
    const node = await cluster.roomNode(room);
    if (found.some((one) => one.node === node)) {
      await client.leave();
    } else {
      found.push({ room, node, client });
    }
  }
  return found;
}

test('a Room of another node is recorded, also after it has moved', {
  timeout: 180_000,
}, async (t) => {
  const egress = new EgressClient(cluster.httpUrl, cluster.apiKey, cluster.apiSecret);
  const all = await publishers();
  const started: { room: string; id: string }[] = [];
  for (const { room } of all) {
    // Both go where the first one is: what records is packed.
    const file = new EncodedFileOutput({ filepath: `${room}.mp4`, fileType: EncodedFileType.MP4 });
    const encodingOptions = new EncodingOptions({ width: 640, height: 360, framerate: 25 });
    const info = await egress.startParticipantEgress(room, 'alice', { file }, { encodingOptions });
    started.push({ room, id: info.egressId });
  }
  const reached = (id: string, status: EgressStatus) =>
    until(
      `${id} to be ${EgressStatus[status]}`,
      async () => {
        const [info] = await egress.listEgress({ egressId: id });
        assert.notEqual(info?.status, EgressStatus.EGRESS_FAILED, info?.error);
        return info?.status === status;
      },
      { timeoutMs: 40_000, explain: () => cluster.log().slice(-4000) },
    );
  for (const { id } of started) await reached(id, EgressStatus.EGRESS_ACTIVE);
  await sleep(6000);
  const far = all.find(({ node }) => !started.every(({ id }) => node.log.includes(id)));
  assert.ok(far, 'one node records both');
  const [other] = all.filter((one) => one !== far);
  t.diagnostic(`${other?.node.name} records ${far.room} of ${far.node.name}`);
  await cluster.admin().drain(far.node.nodeId, { patience: 0, deadline: '30s' });
  await until(
    'the Room to have moved',
    async () => (await cluster.roomNode(far.room)) === other?.node,
    {
      timeoutMs: 20_000,
    },
  );
  await sleep(10_000);
  for (const { id } of started) await egress.stopEgress(id);
  for (const { id } of started) await reached(id, EgressStatus.EGRESS_COMPLETE);
  for (const { client } of all) await client.leave();

  for (const { room } of all) {
    const file = join(folder, `${room}.mp4`);
    const probed = await probe(file);
    const [white, heard] = [await flashes(file), await beeps(file)];
    const found = offsets(white, heard);
    t.diagnostic(
      `${room}: ${probed.streams}, ${probed.durationSeconds} s, ${white.length} flashes`,
    );
    t.diagnostic(`${room}: sound after picture ${found.join(', ')} ms`);
    assert.ok(longestGap(probed.audioTimes) <= 0.03, `${longestGap(probed.audioTimes)} s`);
    assert.ok(Math.abs(median(found)) < 80, `${median(found)} ms`);
    assert.ok(found.length >= 8, `${found.length} flashes with their beep`);
    // Before and after the move.
    assert.ok(Math.min(...white) < 5, `${white}`);
    assert.ok(Math.max(...white) > probed.durationSeconds - 3, `${white}`);
  }
});
