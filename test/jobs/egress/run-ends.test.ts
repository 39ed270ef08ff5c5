import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { EgressStatus, EncodedFileOutput, S3Upload, SegmentedFileOutput } from '@livekit/protocol';
import { sleep, until, within } from '../../support/wait';
import { probe } from './support/media';
import { processesIn } from './support/processes';
import { TestRuns } from './support/runs';

const { EGRESS_ACTIVE, EGRESS_COMPLETE } = EgressStatus;
const hls = () =>
  new SegmentedFileOutput({ filenamePrefix: 's', playlistName: 'p.m3u8', segmentDuration: 1 });

describe('A run of an Egress that ends', { concurrency: 4 }, () => {
  const runs = new TestRuns();
  let mute: Server | undefined;
  after(async () => {
    await runs.close();
    mute?.close();
  });

  it('has each of two files whole', async () => {
    const fileOutputs = ['one', 'two'].map((filepath) => new EncodedFileOutput({ filepath }));
    const { run, root, reached, ended } = await runs.start({ request: { fileOutputs } });
    await reached(EGRESS_ACTIVE);
    await sleep(2000);
    run.stop('StopEgress API');
    const info = await ended();
    assert.equal(info.status, EGRESS_COMPLETE, info.error);
    for (const name of ['one.mp4', 'two.mp4']) {
      const { codecs, duration } = await probe(join(root, name));
      assert.deepEqual(codecs, { video: 'h264', audio: 'aac' });
      assert.ok(duration > 1, `${name}: ${duration} s`);
    }
  });

  it('keeps no segment of a stream on its disk that is stored', async () => {
    const { run, work, info, ended } = await runs.start({ request: { segmentOutputs: [hls()] } });
    const stored = () => Number(info.segmentResults[0]?.segmentCount ?? 0n);
    await until('4 segments', () => stored() >= 4, { timeoutMs: 20_000 });
    const there = (await readdir(work, { recursive: true })).filter((name) =>
      /\/\d+\.m4s$/.test(name),
    );
    assert.ok(there.length < 4, there.join(', '));
    run.stop('StopEgress API');
    assert.equal((await ended()).status, EGRESS_COMPLETE, info.error);
  });

  it('ends, rather than goes on elsewhere, where it is stopped while it is handed over', async () => {
    const { run, root, info, ended } = await runs.start({ request: { segmentOutputs: [hls()] } });
    const isStored = () => (info.segmentResults[0]?.segmentCount ?? 0n) > 0n;
    await until('a segment', isStored, { timeoutMs: 20_000 });
    const handedOver = run.handOver();
    run.stop('StopEgress API');
    assert.equal(await handedOver, false);
    await ended();
    assert.equal(info.status, EGRESS_COMPLETE, info.error);
    assert.equal(info.details, 'End reason: StopEgress API');
    assert.match(await readFile(join(root, 'p.m3u8'), 'utf8'), /#EXT-X-ENDLIST\n$/);
  });

  it('is given up at once where its storage takes all and answers nothing', async () => {
    mute = createServer(() => {});
    await new Promise<void>((resolve) => mute?.listen(0, '127.0.0.1', resolve));
    const address = mute.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const value = new S3Upload({
      ...{ accessKey: 'a', secret: 'b', bucket: 'c', endpoint: `http://127.0.0.1:${port}` },
    });
    const fileOutputs = [new EncodedFileOutput({ filepath: 'x', output: { case: 's3', value } })];
    const { run, work } = await runs.start({ request: { fileOutputs }, checkMs: 2000 });
    await within('it to be given up', run.abandon(), 15_000);
    assert.deepEqual(await processesIn(work), []);
    assert.deepEqual(await readdir(work), []);
  });
});
