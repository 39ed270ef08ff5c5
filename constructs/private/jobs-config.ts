import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as ecr from 'aws-cdk-lib/aws-ecr';
import type * as sm from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import type { PortUse, Role } from '../../node-image/contract';
import type { Jobs } from '../jobs';
import type { NodeSettings } from '../node-config';
import type { RecordingsStore } from '../recordings-store';
import { Problems } from './validation';

/** Where clients, recorders and encoders come in. */
export interface JobsEntry {
  /** The name that they use, or the address; may be known only at deployment. */
  readonly host: string;
  /** Whether there is a certificate. */
  readonly tls: boolean;
  /** Whether encoders come through HAProxy: it ends TLS, or a load balancer in front of it did. */
  readonly rtmpByHaproxy: boolean;
}

/** What jobs are bound to. */
export interface JobsSurroundings {
  /** Undefined for Media Nodes that are used alone: settings of yours have to say it. */
  readonly entry: JobsEntry | undefined;
  /** Of the machines that run them. */
  readonly instanceTypes: readonly ec2.InstanceType[];
  /** Whether there is a Redis, over which services of LiveKit are spoken to. */
  readonly hasRedis: boolean;
}

/** What machines need for jobs. */
export interface JobsConfig {
  /** Options of install.sh, for the machines that run jobs. */
  readonly installOptions: readonly string[];
  readonly recordings?: RecordingsStore;
  /** What machines fetch images from. */
  readonly repositories?: readonly ecr.IRepository[];
  /** The login at the registry of images. */
  readonly registrySecret?: sm.ISecret | undefined;
  /** What clients reach on the machines that run jobs, beside what those open anyway. */
  readonly clientPorts?: readonly PortUse[];
  /** What sluice.yaml of nodes of a role says. */
  settings(role: Role): NodeSettings;
}

/** The jobs of machines, where they are to run any. What is wrong is told on `scope`. */
export function bindJobs(
  scope: Construct,
  jobs: Jobs | undefined,
  around: JobsSurroundings,
): JobsConfig | undefined {
  if (jobs === undefined) return undefined;
  const problems = new Problems(scope);
  const config = jobs._bind(scope, around, problems);
  problems.report();
  return config;
}
