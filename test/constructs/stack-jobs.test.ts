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
import type { TemplateJson } from './support/golden';
import { broken } from './support/invariants';
import './support/stacks';

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

  const wrong: readonly [string, Context, RegExp][] = [
    ['of another kind', { mediaNodesJobs: 'yes' }, /mediaNodesJobs: got "yes", allowed is builtIn/],
    [
      'with choices and no jobs',
      { jobsRtmp: 'true' },
      /jobsRtmp and no jobs: add -c mediaNodesJobs/,
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
