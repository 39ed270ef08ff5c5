/** Jobs of the shipped stacks, by the context. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { ElasticStack, SingleNodeStack } from '../../bin/cluster-stacks';
import { JOBS_CONTEXT, jobsOf } from '../../bin/stack-jobs';
import { NodeSettings } from '../../constructs';
import { Problems } from '../../constructs/private/validation';
import { bootFileIn } from './support/deployed';
import type { TemplateJson } from './support/golden';
import { broken } from './support/invariants';
import { jsonOf, scriptsOf } from './support/jobs';
import { errorsOf } from './support/stacks';

type Context = Readonly<Record<string, unknown>>;

const appWith = (context: Context) => new App({ analyticsReporting: false, context });
const jobsWith = (context: Context) => jobsOf(new Stack(appWith(context), 'Stack'));

describe('the shipped stacks', () => {
  test('have no jobs unless the context says so', () => {
    assert.equal(jobsWith({}), undefined);
    assert.equal(jobsWith({ mediaNodesJobs: 'none' }), undefined);
  });

  test('record where the context says so, and tell where to', () => {
    // As `-c` gives them: texts.
    const app = appWith({
      mediaNodesJobs: 'builtIn',
      jobsRtmp: 'true',
      jobsQueueMinutes: '3',
      recordingsRetentionDays: '30',
    });
    for (const stack of [new ElasticStack(app, 'Elastic'), new SingleNodeStack(app, 'Single')]) {
      const json = Template.fromStack(stack).toJSON() as TemplateJson;
      assert.deepEqual(broken(json), []);
      assert.ok(json.Outputs?.['RecordingsBucket']);
      const text = JSON.stringify(json);
      assert.match(text, /"ExpirationInDays":30/);
      assert.match(text, /install\.sh --jobs/);
      assert.match(text, /queue: 180s/);
      assert.match(text, /rtmps_port: 1936/);
    }
  });

  test('may be given a bucket of yours, in cdk.json too', () => {
    const stack = new Stack(
      appWith({ mediaNodesJobs: 'builtIn', recordingsBucketName: 'mine', jobsQueueMinutes: 2 }),
      'Stack',
    );
    const around = { entry: undefined, instanceTypes: [], hasRedis: false };
    const bound = jobsOf(stack)?._bind(stack, around, new Problems(stack));
    const settings = stack.resolve((bound?.settings('single') ?? NodeSettings.none())._values);
    assert.equal(settings.egress.storage.s3.bucket, 'mine');
    assert.equal(settings.sluice.jobs.queue, '120s');
  });

  const IMAGES = {
    egressImage: 'registry.example.com/media/egress:1.12',
    ingressImage: 'registry.example.com/media/ingress:1.4',
  };
  const SECRET = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:registry-AbCdEf';

  test("have LiveKit's own services do the jobs where the context names their images", () => {
    const stack = new ElasticStack(
      appWith({
        mediaNodesJobs: 'liveKit',
        ...IMAGES,
        jobsRtmpUrl: 'rtmp://rtmp.example.com/live',
        recordingsRetentionDays: 30,
        registrySecretArn: SECRET,
      }),
      'Elastic',
    );
    assert.deepEqual(errorsOf(stack), []);
    const json = jsonOf(stack);
    assert.deepEqual(broken(json), []);
    assert.ok(json.Outputs?.['RecordingsBucket']);
    const media = scriptsOf(json).get('media') ?? '';
    assert.match(media, /install\.sh --livekit-services$/m);
    assert.equal(JSON.parse(bootFileIn(media)).secrets.registry, SECRET);
    const text = JSON.stringify(json);
    for (const each of [...Object.values(IMAGES), 'rtmp_base_url: rtmp://rtmp.example.com/live']) {
      assert.ok(text.includes(each), each);
    }
  });

  test('have no bucket where nothing records', () => {
    const { ingressImage } = IMAGES;
    const stack = new ElasticStack(appWith({ mediaNodesJobs: 'liveKit', ingressImage }), 'Elastic');
    assert.equal(jsonOf(stack).Outputs?.['RecordingsBucket'], undefined);
  });

  const liveKit = { mediaNodesJobs: 'liveKit', ...IMAGES };
  const wrong: readonly [string, Context, RegExp][] = [
    ['of another kind', { mediaNodesJobs: 'yes' }, /mediaNodesJobs: got "yes", allowed is builtIn/],
    [
      'with choices and no jobs',
      { jobsRtmp: 'true' },
      /jobsRtmp and no jobs: add -c mediaNodesJobs=builtIn, or leave out jobsRtmp/,
    ],
    [
      'with a bucket and no jobs',
      { recordingsBucketName: 'mine' },
      /no jobs: add -c mediaNodesJobs=builtIn or -c mediaNodesJobs=liveKit, or leave out/,
    ],
    [
      'of LiveKit with what is built in',
      { ...liveKit, jobsQueueMinutes: 3 },
      /jobsQueueMinutes and liveKit jobs: add -c mediaNodesJobs=builtIn, or leave out/,
    ],
    [
      'that are built in with images',
      { mediaNodesJobs: 'builtIn', ...IMAGES },
      /egressImage, ingressImage and builtIn jobs: add -c mediaNodesJobs=liveKit, or/,
    ],
    [
      'with recordings that nobody makes',
      { ...liveKit, egressImage: '', recordingsBucketName: 'mine' },
      /recordingsBucketName and no egressImage, which records/,
    ],
    [
      'with a secret that is none',
      { ...liveKit, registrySecretArn: 'hush' },
      /registrySecretArn: got "hush", allowed is the whole ARN of a secret/,
    ],
    [
      'with a day that is none',
      { mediaNodesJobs: 'builtIn', recordingsRetentionDays: 'a week' },
      /recordingsRetentionDays: got "a week", allowed is a whole number/,
    ],
    [
      'with a flag that is none',
      { mediaNodesJobs: 'builtIn', jobsRtmp: 'on' },
      /jobsRtmp: got "on", allowed is true or false/,
    ],
    [
      'with days for a bucket of yours',
      { mediaNodesJobs: 'builtIn', recordingsBucketName: 'mine', recordingsRetentionDays: '3' },
      /leave out one of them/,
    ],
  ];
  for (const [what, context, message] of wrong) {
    test(`refuse jobs ${what}`, () => assert.throws(() => jobsWith(context), message));
  }

  test('are described with each key of the context', () => {
    const page = readFileSync(join(__dirname, '../../docs/aws.md'), 'utf8');
    for (const key of Object.keys(JOBS_CONTEXT)) assert.ok(page.includes(`| \`${key}\` |`), key);
  });
});
