/** Jobs of the shipped stacks, by the context of the CDK: what they need is decided at synthesis. */
import { Duration, type Stack } from 'aws-cdk-lib';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as sm from 'aws-cdk-lib/aws-secretsmanager';
import { Jobs, Recordings } from '../constructs/index';

/** By key of the context, as in `-c mediaNodesJobs=builtIn` or `context` of cdk.json: what it is; its default. */
export const JOBS_CONTEXT: Readonly<Record<string, string>> = {
  mediaNodesJobs:
    "builtIn records, streams out and takes streams in; liveKit has LiveKit's own services do so; none",
  jobsRtmp: 'true takes encoders by RTMP; false',
  jobsQueueMinutes: 'how long a job waits for a machine with room; it is refused at once',
  recordingsRetentionDays: 'days after which recordings are deleted; never',
  recordingsBucketName: 'a bucket of yours for recordings; a new one',
  egressImage: 'image of livekit/egress, with tag or digest; none',
  ingressImage: 'image of livekit/ingress, with tag or digest; none',
  jobsRtmpUrl: 'what encoders are told that come to livekit/ingress; none come',
  registrySecretArn: 'ARN of the secret with the login at the registry of the images; none',
};

const KINDS = ['builtIn', 'liveKit', 'none'] as const;
type Kind = (typeof KINDS)[number];

const OF_RECORDINGS = ['recordingsRetentionDays', 'recordingsBucketName'];
/** What says something of jobs of a kind. */
const KEYS_OF: Readonly<Record<Kind, readonly string[]>> = {
  builtIn: ['jobsRtmp', 'jobsQueueMinutes', ...OF_RECORDINGS],
  liveKit: ['egressImage', 'ingressImage', 'jobsRtmpUrl', 'registrySecretArn', ...OF_RECORDINGS],
  none: [],
};

/** Asks the context for a key. */
type Asked = (key: string) => string | undefined;

/**
 * The jobs that the context asks for; undefined: none.
 *
 * @throws Error where it says what cannot be
 */
export function jobsOf(stack: Stack): Jobs | undefined {
  const asked: Asked = (key) => {
    const value: unknown = stack.node.tryGetContext(key);
    return value === undefined || value === '' ? undefined : String(value);
  };
  const given = asked('mediaNodesJobs') ?? 'none';
  const kind = KINDS.find((one) => one === given);
  if (kind === undefined) throw wrong('mediaNodesJobs', given, 'builtIn, liveKit or none');
  refuseIdle(kind, asked);
  if (kind === 'none') return undefined;
  return kind === 'builtIn' ? builtIn(stack, asked) : liveKit(stack, asked);
}

/** @throws Error where the context says something of other jobs. */
function refuseIdle(kind: Kind, asked: Asked): void {
  const idle = Object.keys(JOBS_CONTEXT).filter(
    (key) => key !== 'mediaNodesJobs' && !KEYS_OF[kind].includes(key) && asked(key) !== undefined,
  );
  if (idle.length === 0) return;
  const names = idle.join(', ');
  const fitting = KINDS.filter((one) => idle.every((key) => KEYS_OF[one].includes(key)));
  const add = fitting.map((one) => `-c mediaNodesJobs=${one}`).join(' or ');
  throw new Error(
    `the context has ${names} and ${kind === 'none' ? 'no' : kind} jobs: ${add === '' ? '' : `add ${add}, or `}leave out ${names}`,
  );
}

function builtIn(stack: Stack, asked: Asked): Jobs {
  const queue = whole('jobsQueueMinutes', asked('jobsQueueMinutes'));
  return Jobs.builtIn({
    recordings: recordingsOf(stack, asked),
    rtmp: flag('jobsRtmp', asked('jobsRtmp')),
    ...(queue !== undefined && { queue: Duration.minutes(queue) }),
  });
}

function liveKit(stack: Stack, asked: Asked): Jobs {
  const [egressImage, ingressImage] = [asked('egressImage'), asked('ingressImage')];
  const [rtmpUrl, secretArn] = [asked('jobsRtmpUrl'), asked('registrySecretArn')];
  const idle = OF_RECORDINGS.filter((key) => asked(key) !== undefined);
  if (egressImage === undefined && idle.length > 0) {
    throw new Error(
      `the context has ${idle.join(' and ')} and no egressImage, which records: add it, or leave out ${idle.join(' and ')}`,
    );
  }
  if (secretArn !== undefined && !SECRET_ARN.test(secretArn)) {
    throw wrong('registrySecretArn', secretArn, 'the whole ARN of a secret');
  }
  return Jobs.liveKit({
    ...(egressImage !== undefined && { egressImage, recordings: recordingsOf(stack, asked) }),
    ...(ingressImage !== undefined && { ingressImage }),
    ...(rtmpUrl !== undefined && { rtmpUrl }),
    ...(secretArn !== undefined && {
      registrySecret: sm.Secret.fromSecretCompleteArn(stack, 'RegistryLogin', secretArn),
    }),
  });
}

/** With the six characters at its end, by which a machine that reads it is let in. */
const SECRET_ARN = /^arn:[a-z-]+:secretsmanager:[a-z0-9-]+:\d{12}:secret:\S+-[A-Za-z0-9]{6}$/;

function recordingsOf(stack: Stack, asked: Asked): Recordings {
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
