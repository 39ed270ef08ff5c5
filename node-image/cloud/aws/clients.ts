import { AutoScalingClient } from '@aws-sdk/client-auto-scaling';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { EC2Client } from '@aws-sdk/client-ec2';
import { SQSClient } from '@aws-sdk/client-sqs';

/** AWS counts a throttled call as a failure of ours: it is tried so often, with growing pauses. */
const ATTEMPTS = 5;
const CONNECT_MS = 2000;
/** Until the whole answer is there, ms. */
const ANSWER_MS = 5000;

export interface AwsClientOptions {
  /** @default - AWS_REGION, or what the SDK's own configuration says */
  readonly region?: string | undefined;
  /** @default - AWS_ENDPOINT_URL, or AWS itself */
  readonly endpoint?: string | undefined;
  /** @default - as the SDK finds them: variables, or the role of the machine */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** @default 5 */
  readonly attempts?: number | undefined;
}

/** The services of AWS that the cluster speaks to. */
export interface AwsClients {
  readonly autoScaling: AutoScalingClient;
  readonly ec2: EC2Client;
  readonly sqs: SQSClient;
  readonly cloudFormation: CloudFormationClient;
  /** Idempotent. */
  close(): void;
}

/** What every client is made with, so that it gives up in time. */
export function clientOptions({
  region,
  endpoint,
  credentials,
  attempts = ATTEMPTS,
}: AwsClientOptions) {
  return {
    maxAttempts: attempts,
    requestHandler: { connectionTimeout: CONNECT_MS, requestTimeout: ANSWER_MS },
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
  };
}

/** Clients that give up in time: whoever asks comes back in a few seconds anyway. */
export function awsClients(given: AwsClientOptions = {}): AwsClients {
  const options = clientOptions(given);
  const autoScaling = new AutoScalingClient(options);
  const ec2 = new EC2Client(options);
  const sqs = new SQSClient(options);
  const cloudFormation = new CloudFormationClient(options);
  return {
    autoScaling,
    ec2,
    sqs,
    cloudFormation,
    close: () => {
      for (const client of [autoScaling, ec2, sqs, cloudFormation]) client.destroy();
    },
  };
}

/** What an error of AWS is called, such as "ValidationError", or "" where it is none. */
export const awsErrorName = (error: unknown): string => (error instanceof Error ? error.name : '');
