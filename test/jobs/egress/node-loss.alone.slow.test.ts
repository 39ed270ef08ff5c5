import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import {
  EgressClient,
  type EgressInfo,
  EgressStatus,
  EncodingOptions,
  SegmentedFileOutput,
  StreamOutput,
} from 'livekit-server-sdk';
import {
  type ListedSegment,
  listedSegments,
} from '../../../node-image/jobs/egress/outputs/playlist';
import { TestCluster } from '../../support/cluster';
import { sleep, until } from '../../support/wait';
import { listenForWebhooks, type WebhookListener } from '../../support/webhooks';
import { flashAndBeepPage, probe } from './support/media';
import { Player } from './support/player';
import { channelOf, receiveSound, toneOf } from './support/sound-receiver';

let root: string;
let pages: Server;
let url: string;
let webhooks: WebhookListener;
let cluster: TestCluster;
let egress: EgressClient;

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'sluice-node-loss-'));
  pages = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html');
    response.end(flashAndBeepPage);
  });
  await new Promise<void>((resolve) => pages.listen(0, '127.0.0.1', resolve));
  const address = pages.address();
  url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/`;
  webhooks = await listenForWebhooks();
  cluster = await TestCluster.start({
    config: {
      webhook: { urls: [webhooks.url], api_key: 'devkey' },
      // Both nodes keep files in the same place, as they would in a bucket.
      egress: { local_directory: root, cpu_cost: { web_cpu_cost: 0 } },
    },
  });
  webhooks.trust(cluster);
  egress = new EgressClient(cluster.httpUrl, cluster.apiKey, cluster.apiSecret);
});

after(async () => {
  await cluster?.close();
  await webhooks?.close();
  pages?.close();
  await rm(root, { recursive: true, force: true });
});

it('goes on elsewhere where its node is killed, and loses less than 6 s', async (t) => {
  const receiver = await receiveSound('/?token=s3cret-of-app');
  t.after(() => receiver.close());
  const encodingOptions = new EncodingOptions({
    ...{ width: 320, height: 240, framerate: 15, videoBitrate: 300 },
  });
  const segments = new SegmentedFileOutput({
    ...{ filenamePrefix: 's', playlistName: 'p.m3u8', segmentDuration: 1 },
  });
  const { egressId } = await egress.startWebEgress(
    url,
    { segments, stream: new StreamOutput({ urls: [receiver.url] }) },
    { encodingOptions, awaitStartSignal: true },
  );
  let info: EgressInfo | undefined;
  const seen = (what: string, is: (info: EgressInfo) => boolean): Promise<unknown> =>
    until(
      what,
      async () => {
        [info] = await egress.listEgress({ egressId });
        return info !== undefined && is(info);
      },
      { timeoutMs: 60_000, explain: () => JSON.stringify(info?.toJson()) },
    );
  await seen('3 segments', ({ segmentResults }) => segmentResults[0]?.segmentCount === 3n);
  const recording = recorders();
  const [process] = recording;
  const node = cluster.mediaNodes.find(({ pid }) => pid === process?.parent);
  assert.ok(process && node, JSON.stringify(recording));
  const killedAtMs = Date.now();
  await node.kill();
  await seen(
    'another node to record',
    ({ status, retryCount }) => retryCount === 1 && status === EgressStatus.EGRESS_ACTIVE,
  );
  assert.ok(!recorders().some(({ pid }) => pid === process.pid), 'the first ffmpeg still runs');
  await sleep(3000);
  for (const index of [0, 1]) {
    await until(`a beep of run ${index}`, () => beeps(receiver.connections[index]?.sound ?? []), {
      timeoutMs: 20_000,
    });
  }
  await egress.stopEgress(egressId);
  await seen('its end', ({ status }) => status >= EgressStatus.EGRESS_COMPLETE);
  assert.equal(info?.status, EgressStatus.EGRESS_COMPLETE, info?.error);

  // Its address was sealed in the job: another node knows it too, and what it says does not show it.
  const [first, goneOn] = receiver.connections;
  assert.deepEqual([first?.closedWith, goneOn?.closedWith], [1006, 1000]);
  for (const one of [first, goneOn]) {
    assert.equal(one?.request.url, '/?token=s3cret-of-app');
  }
  assert.doesNotMatch(JSON.stringify(info.toJson()), /s3cret-of-app/);

  const playlist = await readFile(join(root, 'p.m3u8'), 'utf8');
  assert.equal(playlist.match(/#EXT-X-DISCONTINUITY\n/g)?.length, 1);
  assert.match(playlist, /#EXT-X-ENDLIST\n$/);
  const listed = listedSegments(playlist);
  const second = listed.findIndex(({ map }) => map === 's_init_1.mp4');
  const [last, next] = [listed[second - 1], listed[second]];
  assert.ok(last && next);
  const endMs = last.startMs + last.duration * 1000;
  const lostMs = next.startMs - endMs;
  const table = { 'killed after last segment': killedAtMs - endMs, 'not recorded': lostMs };
  console.table({ 'web, HLS (ms)': table });
  // What was recorded and not yet complete is gone: at most a segment, and what it takes to write it.
  assert.ok(killedAtMs - endMs < 6000, `${killedAtMs - endMs} ms of media are lost`);
  assert.ok((await probe(join(root, 'p.m3u8'))).duration > 5);
  for (const begun of [listed[0], next]) await beginsTogether(begun);
  await playsOn(listed);
  const ended = await webhooks.event('egress_ended');
  assert.equal(ended.egressInfo?.retryCount, 1);
});

/** Whether the page is heard, which sounds at 1000 Hz for 0.15 s of each second. */
const beeps = (sound: readonly Buffer[]): boolean =>
  sound.some((_, at) => at % 5 === 0 && toneOf(channelOf(sound.slice(at, at + 5), 0), 1000) > 0.1);

/** Players by MSE know of no empty edits: what is delayed by one is too early there. */
async function beginsTogether(segment: ListedSegment | undefined): Promise<void> {
  assert.ok(segment);
  const parts = [segment.map, segment.name].map((name) => readFile(join(root, name)));
  const input = Buffer.concat(await Promise.all(parts));
  const starts = ['0', '1'].map((ignored) => {
    const entries = ['-show_entries', 'stream=start_time', '-of', 'csv=p=0'];
    const args = ['-v', 'error', '-ignore_editlist', ignored, ...entries, '-f', 'mp4', '-'];
    const lines = execFileSync('ffprobe', args, { input, encoding: 'utf8' });
    return lines.trim().split('\n').map(Number);
  });
  const [told = [], held = []] = starts;
  assert.equal(told.length, 2);
  const shifts = told.map((at, index) => Math.abs(at - (held[index] ?? Number.NaN)));
  assert.ok(Math.max(...shifts) < 0.06, JSON.stringify({ segment, told, held }));
}

/** Through the discontinuity, to the end. */
async function playsOn(listed: readonly ListedSegment[]): Promise<void> {
  const lengthS = listed.reduce((sum, { duration }) => sum + duration, 0);
  const player = await Player.open(root);
  try {
    const played = await player.hls('p.m3u8');
    const what = `${JSON.stringify(played)} of ${lengthS} s`;
    assert.ok(Math.abs(played.seconds - lengthS) < 0.5, what);
    // A player leaps over what is missing where the second run begins, and over no more.
    assert.ok(played.covered > lengthS - 1.5, what);
  } finally {
    await player.close();
  }
}

/** Those that grab displays. */
function recorders(): { pid: number; parent: number }[] {
  const lines = execFileSync('ps', ['-eo', 'pid,ppid,args'], { encoding: 'utf8' }).split('\n');
  return lines
    .filter((line) => line.includes('ffmpeg') && line.includes('x11grab'))
    .map((line) => {
      const [pid = 0, parent = 0] = line.trim().split(/\s+/).map(Number);
      return { pid, parent };
    });
}
