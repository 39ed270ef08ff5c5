import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { promisify } from 'node:util';
import {
  EgressStatus,
  EncodedFileOutput,
  EncodedFileType,
  SegmentedFileOutput,
  StreamInfo_Status,
  StreamOutput,
} from '@livekit/protocol';
import { freeTcpPort } from '../../support/ports';
import { sleep, until, within } from '../../support/wait';
import { probe } from './support/media';
import { filesBelow, TestRuns } from './support/runs';

const run = promisify(execFile);
const { EGRESS_ACTIVE, EGRESS_COMPLETE, EGRESS_FAILED, EGRESS_LIMIT_REACHED } = EgressStatus;

describe('A run of an Egress', { concurrency: 2 }, () => {
  const runs = new TestRuns();
  after(() => runs.close());

  it('makes an MP4 that plays from its start, and leaves nothing behind', async () => {
    const {
      run: egress,
      root,
      work,
      told,
      reached,
      ended,
    } = await runs.start({
      request: { fileOutputs: [new EncodedFileOutput({ filepath: 'a/{time}' })] },
    });
    await reached(EGRESS_ACTIVE);
    await sleep(2000);
    egress.stop('StopEgress API');
    const info = await ended();
    assert.equal(info.status, EGRESS_COMPLETE, info.error);
    assert.equal(info.details, 'End reason: StopEgress API');
    assert.deepEqual(told, [EGRESS_ACTIVE, EgressStatus.EGRESS_ENDING, EGRESS_COMPLETE]);
    const [name = '', manifest, ...others] = await filesBelow(root);
    assert.match(name, /^a\/\d{4}-\d\d-\d\dT\d{6}\.mp4$/);
    assert.deepEqual([manifest, ...others], ['a/EG_test.json']);
    assert.equal(info.manifestLocation, join(root, 'a/EG_test.json'));
    const said = JSON.parse(await readFile(info.manifestLocation, 'utf8'));
    assert.deepEqual(said.files, [{ filename: name, location: join(root, name) }]);
    assert.deepEqual(await filesBelow(work), []);
    const made = await probe(join(root, name));
    assert.deepEqual(made.codecs, { video: 'h264', audio: 'aac' });
    const seconds = Number(info.fileResults[0]?.duration) / 1e9;
    assert.ok(Math.abs(made.duration - seconds) < 0.2, `${made.duration} s, not ${seconds} s`);
    const bytes = await readFile(join(root, name));
    assert.ok(bytes.indexOf('moov') < bytes.indexOf('mdat'), 'the index is at the end');
    assert.equal(BigInt(bytes.length), info.fileResults[0]?.size);
  });

  it('makes OGG and MP3 of sound alone', async () => {
    for (const [fileType, codec, extension] of [
      [EncodedFileType.OGG, 'opus', 'ogg'],
      [EncodedFileType.MP3, 'mp3', 'mp3'],
    ] as const) {
      const fileOutputs = [new EncodedFileOutput({ fileType, filepath: 'sound' })];
      const {
        run: egress,
        root,
        reached,
        ended,
      } = await runs.start({
        request: { audioOnly: true, fileOutputs },
      });
      await reached(EGRESS_ACTIVE);
      egress.stop('StopEgress API');
      assert.equal((await ended()).status, EGRESS_COMPLETE);
      const { codecs } = await probe(join(root, `sound.${extension}`));
      assert.deepEqual(codecs, { audio: codec });
    }
  });

  it('ends by itself at its limit', async () => {
    const { ended } = await runs.start({
      request: { fileOutputs: [new EncodedFileOutput({ filepath: 'limited' })] },
      limits: { maxDurationMs: 1000, maxBytes: 0 },
    });
    const info = await ended();
    assert.equal(info.status, EGRESS_LIMIT_REACHED);
    assert.equal(info.error, 'Session limit reached');
    assert.ok((info.fileResults[0]?.size ?? 0n) > 0n);
  });

  it('keeps what there is where its source breaks, and says why it failed', async () => {
    const { source, work, root, reached, ended } = await runs.start({
      request: { fileOutputs: [new EncodedFileOutput({ filepath: 'broken' })] },
    });
    await reached(EGRESS_ACTIVE);
    await sleep(1000);
    source.fail('the page crashed');
    const info = await ended();
    assert.equal(info.status, EGRESS_FAILED);
    assert.equal(info.error, 'the page crashed');
    assert.ok((await probe(join(root, 'broken.mp4'))).duration > 0.5);
    assert.deepEqual(await filesBelow(work), []);
  });

  it('goes on with HLS after another run, with a discontinuity', async () => {
    const segmentOutputs = [
      new SegmentedFileOutput({ filenamePrefix: 's', playlistName: 'p.m3u8', segmentDuration: 1 }),
    ];
    const request = { segmentOutputs };
    const first = await runs.start({ request });
    await until('3 segments', () => first.info.segmentResults[0]?.segmentCount === 3n, {
      timeoutMs: 20_000,
    });
    assert.equal(await first.run.handOver(), true);
    const playlist = await readFile(join(first.root, 'p.m3u8'), 'utf8');
    assert.doesNotMatch(playlist, /ENDLIST/);
    assert.equal(first.told.includes(EGRESS_COMPLETE), false);
    const before = first.info.clone();
    before.retryCount = 1;
    before.status = EgressStatus.EGRESS_STARTING;
    const second = await runs.start({ request, before, root: first.root });
    await second.reached(EGRESS_ACTIVE);
    await sleep(2500);
    second.run.stop('StopEgress API');
    assert.equal((await second.ended()).status, EGRESS_COMPLETE);
    const whole = await readFile(join(first.root, 'p.m3u8'), 'utf8');
    assert.match(
      whole,
      /MAP:URI="s_init.mp4"[\s\S]*#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI="s_init_1.mp4"/,
    );
    assert.match(whole, /#EXT-X-ENDLIST\n$/);
    const names = whole.split('\n').filter((line) => line.endsWith('.m4s'));
    assert.deepEqual(names, [...new Set(names)].sort());
    assert.ok((await probe(join(first.root, 'p.m3u8'))).duration > 4);
  });

  it('sends to RTMP, adds and removes an address, and shows no key in processes', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-rtmp-'));
    const ports = [await freeTcpPort(), await freeTcpPort()];
    const receivers = ports.map((port, index) => {
      const url = `rtmp://127.0.0.1:${port}/live/very-secret-key`;
      const input = ['-v', 'error', '-listen', '1', '-f', 'flv', '-i', url];
      const child = spawn('ffmpeg', [...input, '-c', 'copy', join(folder, `${index}.flv`)], {
        stdio: 'ignore',
      });
      return { url, child, exit: once(child, 'exit') };
    });
    try {
      const [one, two] = receivers;
      assert.ok(one && two);
      const {
        run: egress,
        info,
        reached,
        ended,
      } = await runs.start({
        request: { streamOutputs: [new StreamOutput({ urls: [one.url] })] },
      });
      await reached(EGRESS_ACTIVE);
      const { stdout } = await run('ps', ['-eo', 'args']);
      const own = stdout.split('\n').filter((line) => line.includes('-fpre'));
      assert.ok(own.length >= 1);
      assert.ok(!own.join('\n').includes('very-secret-key'));
      assert.equal(info.streamResults[0]?.url.includes('very-secret-key'), false);
      await egress.updateStreams([two.url], []);
      await assert.rejects(egress.updateStreams([two.url], []), /stream already exists/);
      await assert.rejects(egress.updateStreams([], ['rtmp://a.example/b/c']), /not found/);
      await sleep(4000);
      await egress.updateStreams([], [one.url]);
      assert.equal(info.streamResults[0]?.status, StreamInfo_Status.FINISHED);
      await within('the first receiver to end', one.exit);
      await sleep(1000);
      egress.stop('StopEgress API');
      assert.equal((await ended()).status, EGRESS_COMPLETE);
      await within('the second receiver to end', two.exit);
      for (const index of [0, 1]) {
        const made = await probe(join(folder, `${index}.flv`));
        assert.deepEqual(made.codecs, { video: 'h264', audio: 'aac' });
        assert.ok(made.duration > 2, `${index}: ${made.duration} s`);
      }
    } finally {
      for (const { child } of receivers) child.kill('SIGKILL');
      await rm(folder, { recursive: true, force: true });
    }
  });
});
