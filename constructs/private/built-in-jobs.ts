import { Duration } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { jobSettings, jobUrls } from '../../node-image/contract';
import type { BuiltInJobsOptions } from '../jobs';
import { NodeSettings } from '../node-config';
import { checkedSizes } from './job-sizes';
import type { JobsConfig, JobsSurroundings } from './jobs-config';
import { numberText, type Problems } from './validation';

/** Egress and Ingress that the node runs itself. */
export function bindBuiltIn(
  scope: Construct,
  options: BuiltInJobsOptions,
  { entry, instanceTypes }: JobsSurroundings,
  problems: Problems,
): JobsConfig {
  const { queue, rtmp = false } = options;
  problems.duration('jobs.queue', queue, { min: Duration.seconds(0), max: Duration.hours(24) });
  const notRun = rtmp ? [] : ['rtmp'];
  const sizes = checkedSizes(
    scope,
    { sizes: options.sizes ?? {}, notRun, instanceTypes },
    problems,
  );
  const recordings = options.recordings?._bind(scope);
  return {
    installOptions: ['--jobs'],
    ...(recordings && { recordings }),
    settings: (role) =>
      (recordings?.settings ?? NodeSettings.none()).with(
        NodeSettings.fromObject(
          jobSettings(role, {
            urls: entry ? jobUrls(entry.host, entry.tls) : {},
            rtmp,
            rtmpsOnMachine: entry?.rtmpByHaproxy ?? false,
            ...(queue && { queue: `${numberText(queue.toSeconds())}s` }),
            sizes,
          }),
        ),
      ),
  };
}
