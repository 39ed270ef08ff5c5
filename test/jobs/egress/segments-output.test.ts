import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { EgressInfo, SegmentsInfo } from '@livekit/protocol';
import { SegmentsOutput } from '../../../node-image/jobs/egress/outputs/segments-output';
import { LocalStorage } from '../../../node-image/jobs/egress/upload/local-storage';

const PATHS = { prefix: 'room', playlist: 'room.m3u8', livePlaylist: '' };

/** What is stored of a run that made segments of these lengths, in s. */
async function stored(durations: readonly number[]) {
  const root = await mkdtemp(join(tmpdir(), 'segments-output-'));
  try {
    const folder = join(root, 'work');
    await mkdir(join(folder, 'segments'), { recursive: true });
    await writeFile(join(folder, 'segments/init.mp4'), 'header');
    const output = new SegmentsOutput(
      {
        spec: {
          ...{ kind: 'segments', ...PATHS, duration: 4, suffix: 'index', manifest: false },
          storage: { kind: 'local' },
        },
        paths: PATHS,
        discard: true,
        storage: new LocalStorage(join(root, 'kept')),
        context: {
          ...{ info: new EgressInfo(), folder, retry: 0, startedAtNs: () => 0n },
          ...{ changed: () => undefined, failed: (error: Error) => assert.fail(error) },
        },
      },
      new SegmentsInfo(),
    );
    await output.open();
    let startMs = Date.UTC(2026, 0, 1);
    for (const [index, duration] of durations.entries()) {
      const file = `${index}.m4s`;
      await writeFile(join(folder, 'segments', file), 'pictures');
      output.segment({ index, file, duration, startMs });
      startMs += duration * 1000;
    }
    await output.finish();
    output.close();
    return {
      names: (await readdir(join(root, 'kept'))).sort(),
      left: await readdir(join(folder, 'segments')),
      playlist: await readFile(join(root, 'kept/room.m3u8'), 'utf8'),
      count: Number(output.info.segmentCount),
      seconds: Number(output.info.duration) / 1e9,
    };
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

test('a last segment that is shorter than sound and picture may be apart is left out', async () => {
  const { names, left, playlist, count, seconds } = await stored([4, 4, 0.15]);
  assert.deepEqual(names, ['room.m3u8', 'room_00000.m4s', 'room_00001.m4s', 'room_init.mp4']);
  assert.deepEqual(left, ['init.mp4'], 'nothing is left on the disk');
  assert.equal(playlist.split('#EXTINF:').length - 1, 2, playlist);
  assert.match(playlist, /#EXT-X-ENDLIST/);
  assert.deepEqual([count, seconds], [2, 8]);
});

test('one that holds both is kept, and so is the only one of a very short recording', async () => {
  assert.equal((await stored([4, 0.25])).count, 2);
  const { names, count } = await stored([0.1]);
  assert.deepEqual(names, ['room.m3u8', 'room_00000.m4s', 'room_init.mp4']);
  assert.equal(count, 1);
});
