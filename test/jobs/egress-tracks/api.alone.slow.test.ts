import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { dispose, VideoCodec } from '@livekit/rtc-node';
import {
  DirectFileOutput,
  EgressClient,
  type EgressInfo,
  EgressStatus,
  EncodedFileOutput,
  EncodedFileType,
  EncodingOptions,
} from 'livekit-server-sdk';
import { startServer, type TestServer } from '../../support/server';
import { joinToken } from '../../support/tokens';
import { sleep, until } from '../../support/wait';
import { FlashBeep } from './support/flash-beep';
import { beeps, decodeErrors, flashes, longestGap, median, offsets, probe } from './support/probe';

const options = { timeout: 120_000 };
const encodingOptions = new EncodingOptions({ width: 640, height: 360, framerate: 25 });
let folder: string;
let server: TestServer;
let egress: EgressClient;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'egress-api-'));
  server = await startServer({
    alwaysOwn: true,
    config: {
      sluice: { load_scope: 'processes', workers: 1 },
      egress: {
        local_directory: folder,
        // A machine that tests has other work too.
        cpu_cost: { participant_cpu_cost: 0, track_composite_cpu_cost: 0, track_cpu_cost: 0 },
      },
    },
  });
  egress = new EgressClient(server.httpUrl, server.apiKey, server.apiSecret);
});

after(async () => {
  await server?.close();
  await dispose();
  await rm(folder, { recursive: true, force: true });
});

const seen = async (id: string): Promise<EgressInfo> => {
  const [info] = await egress.listEgress({ egressId: id });
  assert.ok(info);
  return info;
};

const reached = async (info: EgressInfo, status: EgressStatus): Promise<EgressInfo> => {
  const found = await until(
    `${info.egressId} to be ${EgressStatus[status]}`,
    async () => {
      const now = await seen(info.egressId);
      assert.notEqual(now.status, EgressStatus.EGRESS_FAILED, now.error);
      return now.status === status ? now : undefined;
    },
    { timeoutMs: 30_000, explain: () => server.takeLog() },
  );
  assert.ok(found);
  return found;
};

/** By the file that an Egress says it has made. */
const fileOf = (info: EgressInfo): string => {
  const [file] = info.fileResults;
  assert.ok(file, JSON.stringify(info.toJson()));
  return join(folder, file.filename.replace(folder, ''));
};

test(
  'tracks, two of them and a participant are recorded by LiveKit’s client',
  options,
  async (t) => {
    const room = 'recorded';
    const alice = new FlashBeep();
    t.after(() => alice.leave());
    const token = await joinToken(server, room, 'alice');
    await alice.start({ url: server.url, token, codec: VideoCodec.VP8, simulcast: true });
    const direct = (filepath: string): DirectFileOutput => new DirectFileOutput({ filepath });
    const mp4 = (filepath: string) => ({
      file: new EncodedFileOutput({ filepath, fileType: EncodedFileType.MP4 }),
    });
    const started = {
      video: await egress.startTrackEgress(room, direct('video'), alice.videoSid),
      sound: await egress.startTrackEgress(room, direct('sound'), alice.audioSid),
      both: await egress.startTrackCompositeEgress(room, mp4('both.mp4'), {
        audioTrackId: alice.audioSid,
        videoTrackId: alice.videoSid,
        encodingOptions,
      }),
      alice: await egress.startParticipantEgress(room, 'alice', mp4('alice.mp4'), {
        encodingOptions,
      }),
    };
    const all = Object.values(started);
    await Promise.all(all.map((info) => reached(info, EgressStatus.EGRESS_ACTIVE)));
    await sleep(8000);
    await egress.stopEgress(started.both.egressId);
    // The others end with what they record.
    await sleep(1000);
    await alice.leave();
    const ended = await Promise.all(all.map((info) => reached(info, EgressStatus.EGRESS_COMPLETE)));
    t.diagnostic((await readdir(folder)).join(' '));

    for (const [name, info] of Object.entries(started)) {
      const last = ended.find(({ egressId }) => egressId === info.egressId);
      assert.ok(last);
      const probed = await probe(fileOf(last));
      const told = Number(last.fileResults[0]?.duration ?? 0n) / 1e9;
      t.diagnostic(`${name}: ${probed.streams}, ${probed.durationSeconds} s, told ${told} s`);
      assert.ok(probed.durationSeconds > 7, `${name}: ${probed.durationSeconds} s`);
      assert.ok(Math.abs(probed.durationSeconds - told) <= 0.2, `${name}: told ${told} s`);
      assert.ok(
        longestGap(probed.audioTimes) <= 0.03,
        `${name}: ${longestGap(probed.audioTimes)} s`,
      );
      assert.doesNotMatch(await decodeErrors(fileOf(last)), /rror while|nvalid data/);
      if (name === 'both' || name === 'alice') {
        assert.deepEqual([...probed.streams].sort(), ['aac', 'h264:640x360']);
        const found = offsets(await flashes(fileOf(last)), await beeps(fileOf(last)));
        t.diagnostic(`${name}: sound after picture ${found.join(', ')} ms`);
        assert.ok(found.length >= 5, `${name}: ${found.length} flashes with their beep`);
        assert.ok(Math.abs(median(found)) < 80, `${name}: ${median(found)} ms`);
      } else {
        assert.deepEqual(probed.streams, name === 'video' ? ['vp8:640x360'] : ['opus']);
      }
    }
  },
);
