import { Aws, Token } from 'aws-cdk-lib';
import * as ecr from 'aws-cdk-lib/aws-ecr';
import type { Construct } from 'constructs';
import {
  jobUrls,
  kindsNotRun,
  liveKitJobSettings,
  liveKitPorts,
  NO_IMAGE,
  NO_INGRESS,
  NO_REDIS,
  RTMP_URL,
  RTMP_URL_ALLOWED,
} from '../../node-image/contract';
import type { LiveKitJobsOptions } from '../livekit-jobs';
import { NodeSettings } from '../node-config';
import { checkedSizes } from './job-sizes';
import type { JobsConfig, JobsSurroundings } from './jobs-config';
import type { Problems } from './validation';

/** Egress and Ingress by LiveKit's own services, in containers beside the node. */
export function bindLiveKit(
  scope: Construct,
  options: LiveKitJobsOptions,
  { entry, instanceTypes, hasRedis }: JobsSurroundings,
  problems: Problems,
): JobsConfig {
  const { egressImage, ingressImage, rtmpUrl } = options;
  // Names of images are checked with all other settings.
  problems.check(egressImage !== undefined || ingressImage !== undefined, NO_IMAGE);
  problems.check(rtmpUrl === undefined || ingressImage !== undefined, NO_INGRESS);
  problems.check(hasRedis, NO_REDIS);
  problems.matches('jobs.rtmpUrl', rtmpUrl, RTMP_URL, RTMP_URL_ALLOWED);
  const notRun = kindsNotRun(options);
  const sizes = checkedSizes(
    scope,
    { sizes: options.sizes ?? {}, notRun, instanceTypes },
    problems,
  );
  const recordings = options.recordings?._bind(scope);
  const urls = entry ? jobUrls(entry.host, entry.tls) : {};
  return {
    installOptions: ['--livekit-services'],
    ...(recordings && { recordings }),
    repositories: options.repositories ?? repositoriesOf(scope, [egressImage, ingressImage]),
    registrySecret: options.registrySecret,
    clientPorts: liveKitPorts(options),
    settings: (role) =>
      (recordings?.settings ?? NodeSettings.none()).with(
        NodeSettings.fromObject(
          liveKitJobSettings(role, { urls, egressImage, ingressImage, rtmpUrl, sizes }),
        ),
      ),
  };
}

/** The full name of an image in Amazon ECR. */
const ECR_IMAGE =
  /^(\d{12})\.dkr\.ecr(?:-fips)?\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?\/([^:@]+)[:@]/;

/** The repositories of Amazon ECR that names of images say. */
function repositoriesOf(
  scope: Construct,
  images: readonly (string | undefined)[],
): readonly ecr.IRepository[] {
  const arns = new Map<string, string>();
  for (const image of images) {
    if (image === undefined || Token.isUnresolved(image)) continue;
    const [, account, region, name] = ECR_IMAGE.exec(image) ?? [];
    if (name === undefined) continue;
    arns.set(`arn:${Aws.PARTITION}:ecr:${region}:${account}:repository/${name}`, name);
  }
  return [...arns].map(([repositoryArn, repositoryName], index) =>
    ecr.Repository.fromRepositoryAttributes(scope, `Images${index}`, {
      repositoryArn,
      repositoryName,
    }),
  );
}
