import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { EgressStatus, StreamOutput, WebEgressRequest } from '@livekit/protocol';
import pino from 'pino';
import { configSchema } from '../../../node-image/contract';
import { infoOfText, newEgressInfo } from '../../../node-image/jobs/egress/egress-info';
import { EgressRules } from '../../../node-image/jobs/egress/egress-rules';
import { EgressRunner } from '../../../node-image/jobs/egress/egress-runner';
import { specOf } from '../../../node-image/jobs/egress/from-request';
import { missingPrograms } from '../../../node-image/jobs/egress/programs';
import { SpecSealer } from '../../../node-image/jobs/egress/sealed-spec';
import { sweepWorkFolders, workFolderFor } from '../../../node-image/jobs/egress/work-folders';
import type { Job } from '../../../node-image/jobs/job';
import { JobRefusedError, type RunningJob } from '../../../node-image/jobs/job-runner';
import { until } from '../../support/wait';
import { SMALL_ENCODING, TestSource } from './support/runs';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-runner-'));
});
after(() => rm(folder, { recursive: true, force: true }));

const sealer = new SpecSealer(new Uint8Array(32).fill(1));
const observer = { egressStarted: () => {}, egressUpdated: () => {}, egressEnded: () => {} };

const runnerWith = (missing: readonly string[]): EgressRunner =>
  new EgressRunner({
    rules: new EgressRules({ costs: configSchema.parse({}).egress.cpu_cost, observer }),
    sealer,
    observer,
    makeSource: () => new TestSource(),
    openStorage: () => {
      throw new Error('nothing is stored here');
    },
    missing: () => missing,
    limitsOf: () => ({ maxDurationMs: 0, maxBytes: 0 }),
    workFolder: folder,
    log: pino({ level: 'silent' }),
  });

function jobOf(urls: readonly string[]): Job {
  const value = new WebEgressRequest({
    url: 'http://127.0.0.1/',
    options: SMALL_ENCODING,
    streamOutputs: [new StreamOutput({ urls: [...urls] })],
  });
  const request = { case: 'web', value } as const;
  const spec = specOf(request, undefined);
  return {
    ...({
      id: 'EG_1',
      kind: 'egress',
      room: '',
      state: 'active',
      owner: 'ND_1',
      epoch: 1,
    } as const),
    ...{ retries: 0, losses: 0, createdAtMs: 0, endedAtMs: 0, leaseLeftMs: 8000 },
    spec: sealer.seal('EG_1', spec),
    info: newEgressInfo('EG_1', request, spec, 0n).toJsonString(),
  };
}

it('gives a job to the next node where programs are missing', async () => {
  const context = { update: async () => true, ended: () => {} };
  await assert.rejects(
    runnerWith(['Xvfb']).start(jobOf(['rtmp://127.0.0.1:9/a/b']), context),
    (error) => error instanceof JobRefusedError && /no Xvfb: install.sh --jobs/.test(error.message),
  );
  assert.deepEqual(missingPrograms({ kind: 'web' }, '/no/browser', folder), [
    ...['ffmpeg', 'setpriv', 'choom', 'Xvfb', 'pulseaudio', '/no/browser'],
  ]);
  assert.deepEqual(missingPrograms({ kind: 'track' }, '/no/browser', folder), [
    ...['ffmpeg', 'setpriv', 'choom'],
  ]);
});

it('lets the next node send to the addresses of now, not to those of the request', async () => {
  const said: string[] = [];
  const context = {
    update: async (info: string) => {
      said.push(info);
      return true;
    },
    ended: (info: string) => void said.push(info),
  };
  const runner = runnerWith([]);
  const asked = ['rtmp://127.0.0.1:9/app/asked-for-key'];
  const job = jobOf(asked);
  const active = (): boolean =>
    said.some((text) => infoOfText(text).status === EgressStatus.EGRESS_ACTIVE);
  const first = await runner.start(job, context);
  let second: RunningJob | undefined;
  try {
    await until('it to be active', active, { timeoutMs: 20_000 });
    const change = { add: ['rtmp://127.0.0.1:9/app/added-key'], remove: asked };
    await first.request('updateStream', JSON.stringify(change));
    const info = await first.handOver(10_000);
    assert.ok(info);
    assert.doesNotMatch(info, /added-key|asked-for-key/);
    said.length = 0;
    second = await runner.start({ ...job, retries: 1, epoch: 2, info }, context);
    await until('the second to be active', active, { timeoutMs: 20_000 });
    const { retryCount, streamResults } = infoOfText(said.at(-1) ?? '');
    assert.equal(retryCount, 1);
    assert.deepEqual(
      streamResults.map(({ url }) => url),
      ['rtmp://127.0.0.1:9/app/{ad...ey}'],
    );
  } finally {
    await first.abandon();
    await second?.abandon();
  }
});

it('takes away what killed processes have left, and nothing else', async () => {
  const own = await workFolderFor(folder, 'EG_own');
  // Higher than the kernel gives.
  await mkdir(join(folder, 'EG_dead-99999999-5-abcdef'));
  // Of the process that had this one's id before it, as in a container that starts anew.
  await mkdir(join(folder, `EG_before-${process.pid}-5-abcdef`));
  await mkdir(join(folder, 'somebodys'));
  await sweepWorkFolders(folder);
  const left = await readdir(folder);
  assert.ok(left.includes('somebodys') && left.some((name) => own.endsWith(name)));
  assert.deepEqual(
    left.filter((name) => /^EG_(dead|before)/.test(name)),
    [],
  );
});
