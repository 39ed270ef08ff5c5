/** Jobs of the shipped stacks, by the context of the CDK: what they need is decided at synthesis. */
import { Duration, type Stack } from 'aws-cdk-lib';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Jobs, Recordings } from '../constructs/index';

/** By key of the context, as in `-c mediaNodesJobs=builtIn` or `context` of cdk.json: what it is; its default. */
export const JOBS_CONTEXT: Readonly<Record<string, string>> = {
  mediaNodesJobs: 'builtIn records, streams out and takes streams in; none',
  jobsRtmp: 'true takes encoders by RTMP; false',
  jobsQueueMinutes: 'how long a job waits for a machine with room; it is refused at once',
  recordingsRetentionDays: 'days after which recordings are deleted; never',
  recordingsBucketName: 'a bucket of yours for recordings; a new one',
};

/**
 * The jobs that the context asks for; undefined: none.
 *
 * @throws Error where it says what cannot be
 */
export function jobsOf(stack: Stack): Jobs | undefined {
  const asked = (key: string): string | undefined => {
    const value: unknown = stack.node.tryGetContext(key);
    return value === undefined || value === '' ? undefined : String(value);
  };
  const kind = asked('mediaNodesJobs') ?? 'none';
  if (!['builtIn', 'none'].includes(kind)) throw wrong('mediaNodesJobs', kind, 'builtIn or none');
  if (kind === 'none') {
    const others = Object.keys(JOBS_CONTEXT).filter(
      (key) => key !== 'mediaNodesJobs' && asked(key) !== undefined,
    );
    if (others.length === 0) return undefined;
    throw new Error(
      `the context has ${others.join(', ')} and no jobs: add -c mediaNodesJobs=builtIn, or leave out ${others.join(', ')}`,
    );
  }
  const queue = whole('jobsQueueMinutes', asked('jobsQueueMinutes'));
  return Jobs.builtIn({
    recordings: recordingsOf(stack, asked),
    rtmp: flag('jobsRtmp', asked('jobsRtmp')),
    ...(queue !== undefined && { queue: Duration.minutes(queue) }),
  });
}

function recordingsOf(stack: Stack, asked: (key: string) => string | undefined): Recordings {
  const retention = whole('recordingsRetentionDays', asked('recordingsRetentionDays'));
  const bucketName = asked('recordingsBucketName');
  if (bucketName === undefined) {
    return Recordings.create(
      retention === undefined ? {} : { retention: Duration.days(retention) },
    );
  }
  if (retention === undefined) {
    return Recordings.fromBucket(s3.Bucket.fromBucketName(stack, 'GivenRecordings', bucketName));
  }
  throw new Error(
    'the context has recordingsBucketName and recordingsRetentionDays: how long a bucket of yours keeps what is in it is a matter of the bucket; leave out one of them',
  );
}

function whole(key: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,9}$/.test(text)) throw wrong(key, text, 'a whole number');
  return Number(text);
}

function flag(key: string, text = 'false'): boolean {
  if (!['true', 'false'].includes(text)) throw wrong(key, text, 'true or false');
  return text === 'true';
}

const wrong = (key: string, given: string, allowed: string) =>
  new Error(
    `the context's ${key}: got ${JSON.stringify(given)}, allowed is ${allowed}; correct -c ${key}, or cdk.json`,
  );
