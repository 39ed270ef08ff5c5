import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startUdpRelay, type UdpRelay } from '../../network/support/udp-relay';
import { openBrowser, type TestBrowser } from '../../support/browser';
import { BrowserClient } from '../../support/client';
import { joinToken } from '../../support/tokens';
import { sleep } from '../../support/wait';
import { type NodeWithRooms, startNodeWithRooms } from './support/node-with-rooms';
import { publishFlashBeep } from './support/page-flash-beep';
import {
  beeps,
  decodeErrors,
  flashes,
  frameSizes,
  longestGap,
  median,
  offsets,
  probe,
} from './support/probe';
import { record } from './support/record';

const RELAY = '127.0.0.2';
const folder = mkdtempSync(join(tmpdir(), 'egress-chromium-'));
let node: NodeWithRooms;
let relay: UdpRelay;
let browser: TestBrowser;

before(async () => {
  node = await startNodeWithRooms(RELAY);
  const port = node.udpPort;
  relay = await startUdpRelay({
    listen: { address: RELAY, port },
    target: { address: '127.0.0.1', port },
  });
  browser = await openBrowser();
});

after(async () => {
  await browser?.close();
  await relay?.close();
  await node?.close();
  await rm(folder, { recursive: true, force: true });
});

test('Chromium behind 5 % loss is recorded without a hole, in step', {
  timeout: 120_000,
}, async (t) => {
  const page = await browser.openPage();
  const alice = await BrowserClient.make(page, 'alice', {});
  await alice.connect(node.url, await joinToken(node, 'lossy', 'alice'));
  await publishFlashBeep(alice, { codec: 'vp8', width: 640, height: 360 });
  await sleep(3000);
  const direction = { loss: 0.05, delayMs: 20 };
  relay.setLine('', { up: direction, down: direction });
  const file = join(folder, 'lossy.mkv');
  const recording = await record({
    openRoom: node.openRoom,
    room: 'lossy',
    request: { kind: 'participant', identity: 'alice', screenShare: false },
    file,
  });
  await sleep(20_000);
  const seconds = recording.seconds();
  const { lost } = recording.source;
  await recording.finish();
  const { up } = await relay.carried('');
  await alice.leave();

  const probed = await probe(file);
  const gap = longestGap(probed.videoTimes);
  const found = offsets(await flashes(file), await beeps(file));
  t.diagnostic(
    `${up.lost} of ${up.packets + up.lost} packets lost on the way up; for good ${lost.video} of the picture, ` +
      `${lost.audio} of the sound; longest gap between pictures ${gap.toFixed(3)} s; ` +
      `sound after picture ${found.join(', ')} ms`,
  );
  assert.ok(up.lost > 30, `${up.lost} packets were lost`);
  assert.equal(lost.video, 0, 'the publisher sends again what is lost of its picture');
  assert.ok(longestGap(probed.audioTimes) <= 0.0201, `${longestGap(probed.audioTimes)} s`);
  // A picture that is late is no hole: half a second is a publisher that has no time to draw.
  assert.ok(gap <= 1, `${gap} s`);
  const off = probed.durationSeconds - seconds;
  assert.ok(Math.abs(off) <= 0.2, `${probed.durationSeconds} s of ${seconds}`);
  assert.ok(found.length >= 12, `${found.length} flashes with their beep`);
  assert.ok(Math.abs(median(found)) < 80, `sound ${median(found)} ms after its picture`);
});

test('of the layers in one stream of VP9 the largest is seen, whoever decodes it', {
  timeout: 120_000,
}, async (t) => {
  relay.setLine('', {});
  const page = await browser.openPage();
  const alice = await BrowserClient.make(page, 'alice', {});
  await alice.connect(node.url, await joinToken(node, 'layers', 'alice'));
  await publishFlashBeep(alice, { codec: 'vp9', width: 1280, height: 720 });
  await sleep(5000);
  const file = join(folder, 'layers.mkv');
  const recording = await record({
    openRoom: node.openRoom,
    room: 'layers',
    request: { kind: 'participant', identity: 'alice', screenShare: false },
    file,
  });
  await sleep(8000);
  await recording.finish();
  const [producer] = [...(node.rooms.get('layers')?.participants.values() ?? [])]
    .flatMap(({ publishing }) => [...publishing.tracks.values()])
    .filter(({ isVideo }) => isVideo)
    .flatMap(({ producers }) => [...producers.values()]);
  const layers = JSON.stringify((await producer?.getStats())?.[0]?.bitrateByLayer);
  await alice.leave();
  const { streams, videoTimes } = await probe(file);
  const sizes = await frameSizes(file);
  t.diagnostic(`${layers}: ${streams}, ${videoTimes.length} packets, ${[...sizes].join(' ')}`);
  assert.ok(videoTimes.length > 40, `${videoTimes.length} pictures in 8 s`);
  assert.deepEqual([...sizes.keys()], ['1280x720']);
  assert.equal(sizes.get('1280x720'), videoTimes.length);
  assert.doesNotMatch(await decodeErrors(file), /rror|nvalid data/);
});
