import assert from 'node:assert/strict';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import {
  type EgressInfo,
  EgressStatus,
  EncodedFileOutput,
  S3Upload,
  type WebEgressRequest,
} from '@livekit/protocol';
import { type OpenSource, SourceError } from '../../../node-image/jobs/egress/source';
import { sleep, until } from '../../support/wait';
import { probe } from './support/media';
import { filesBelow, TestRuns, TestSource } from './support/runs';

const { EGRESS_ABORTED, EGRESS_ACTIVE, EGRESS_COMPLETE, EGRESS_FAILED, EGRESS_STARTING } =
  EgressStatus;

class NoSource extends TestSource {
  readonly #code: number;

  constructor(code: number) {
    super();
    this.#code = code;
  }

  override async open(): Promise<OpenSource> {
    throw new SourceError('Room r has no participant ada', this.#code);
  }
}

/** Such as a page that loads. */
class SlowSource extends TestSource {
  override async open(signal?: AbortSignal): Promise<OpenSource> {
    if (signal?.aborted === false) await once(signal, 'abort');
    throw new SourceError('it was closed before it began', 499);
  }
}

const bucket = { case: 's3' as const, value: new S3Upload({ bucket: 'b', region: 'eu-west-1' }) };
type Kind = 'mp4' | 'ogg' | 'mp3' | 'webm';
const fileOf = (kind: Kind): Partial<WebEgressRequest> => ({
  fileOutputs: [new EncodedFileOutput({ filepath: `f.${kind}`, output: bucket })],
  audioOnly: kind === 'mp3' || kind === 'ogg',
});

/** As its next node has it. */
function asLeft(info: EgressInfo): EgressInfo {
  const next = info.clone();
  next.retryCount += 1;
  next.status = EGRESS_STARTING;
  return next;
}

describe('An Egress that another node goes on with', { concurrency: 4 }, () => {
  const runs = new TestRuns();
  after(() => runs.close());

  for (const type of ['mp4', 'ogg', 'mp3', 'webm'] as const) {
    it(`has all of a file of the kind ${type} that its first node, which is killed, has recorded`, async () => {
      const request = fileOf(type);
      const first = await runs.start({ request, inFolder: true });
      const stored = async () =>
        (await filesBelow(first.root)).filter((name) => name.includes('.parts/0/')).length;
      await until('pieces of it', async () => (await stored()) >= 3, { timeoutMs: 30_000 });
      const left = asLeft(first.info);
      // Its ffmpeg is killed, and nothing is finished.
      await first.run.abandon();
      const second = await runs.start({
        ...{ request, inFolder: true, root: first.root, before: left },
      });
      await second.reached(EGRESS_ACTIVE);
      await sleep(2000);
      second.run.stop('StopEgress API');
      const { status, error } = await second.ended();
      assert.equal(status, EGRESS_COMPLETE, error);
      const name = `f.${type}`;
      const files = (await filesBelow(first.root)).filter((file) => !file.endsWith('.json'));
      assert.deepEqual(files, [name]);
      const { duration, codecs } = await probe(join(first.root, name));
      // At least two pieces of the first, and the second.
      assert.ok(duration > 5, `${duration} s`);
      assert.ok(codecs['audio']);
    });
  }

  it('is finished where nothing more is to be had, and by what ends it meanwhile', async () => {
    const request = fileOf('ogg');
    const first = await runs.start({ request, inFolder: true });
    await first.reached(EGRESS_ACTIVE);
    await sleep(2500);
    assert.equal(await first.run.handOver(), true);
    const left = asLeft(first.info);
    const where = { request, inFolder: true, root: first.root };
    const broken = await runs.start({ ...where, before: left.clone(), source: new NoSource(500) });
    const failed = await broken.ended();
    assert.equal(failed.status, EGRESS_FAILED);
    assert.ok((await probe(join(first.root, 'f.ogg'))).duration > 1.5);

    const again = await runs.start({ request, inFolder: true });
    await again.reached(EGRESS_ACTIVE);
    await sleep(2500);
    assert.equal(await again.run.handOver(), true);
    const next = { ...where, root: again.root, before: asLeft(again.info) };
    const gone = await runs.start({ ...next, source: new NoSource(404) });
    const info = await gone.ended();
    assert.equal(info.status, EGRESS_COMPLETE, info.error);
    assert.match(info.details, /Room r has no participant ada/);
    assert.ok((await probe(join(again.root, 'f.ogg'))).duration > 1.5);
  });

  it('is given away while it starts, and says nothing of it', async () => {
    const request = fileOf('mp4');
    const { run, told, info } = await runs.start({
      ...{ request, inFolder: true, source: new SlowSource() },
    });
    await sleep(300);
    assert.equal(await run.handOver(), true);
    assert.deepEqual([info.status, told], [EGRESS_STARTING, []]);
    // Not so one that was stopped before.
    const stopped = await runs.start({ request, inFolder: true, source: new SlowSource() });
    stopped.run.stop('StopEgress API');
    assert.equal(await stopped.run.handOver(), false);
    assert.equal((await stopped.ended()).status, EGRESS_ABORTED);
  });
});
