import {
  kindsNotRun,
  liveKitJobSettings,
  liveKitPorts,
  NO_IMAGE,
  NO_INGRESS,
  NO_REDIS,
  RTMP_URL,
  RTMP_URL_ALLOWED,
} from '../../node-image/contract';
import type { BoundJobs, JobSurroundings } from '../jobs';
import type { LiveKitJobsOptions } from '../livekit-jobs';
import { NodeSettings } from '../node-config';
import { checkSizes, type JobMachines, warnOfSizes } from './job-checks';
import { urlsOf } from './job-urls';
import { checkedText, type Problems } from './validation';

const REGISTRY_ID =
  /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.ContainerRegistry\/registries\/[a-z0-9]{5,50}$/i;
const REGISTRY_ID_ALLOWED = 'the id of a registry, /subscriptions/…/registries/NAME';

/** What is wrong with the choices for LiveKit's services. Names of images are checked with all settings. */
export function checkLiveKit(
  options: LiveKitJobsOptions,
  { vmSize, hasRedis }: JobMachines,
  problems: Problems,
): void {
  const { egressImage, ingressImage, rtmpUrl, sizes } = options;
  problems.check(egressImage !== undefined || ingressImage !== undefined, NO_IMAGE);
  problems.check(rtmpUrl === undefined || ingressImage !== undefined, NO_INGRESS);
  problems.check(hasRedis, NO_REDIS);
  problems.check(options.recordings === undefined, {
    what: 'jobs.recordings',
    given: "a place for the recordings of LiveKit's services",
    allowed: 'none on Azure, as livekit/egress writes there by an account key alone',
    fix: 'leave it out and name the storage in each request, or use Jobs.builtIn()',
  });
  checkSizes(sizes, { vmSize, notRun: kindsNotRun(options) }, problems);
}

/** Egress and Ingress by LiveKit's own services, in containers beside the node. */
export function bindLiveKit(
  options: LiveKitJobsOptions,
  { url, vmSize }: JobSurroundings,
): BoundJobs {
  const { egressImage, ingressImage, sizes } = options;
  const urls = urlsOf(url);
  const rtmpUrl =
    options.rtmpUrl === undefined
      ? undefined
      : checkedText('jobs.rtmpUrl', options.rtmpUrl, RTMP_URL, RTMP_URL_ALLOWED);
  warnOfSizes(sizes, { vmSize, notRun: kindsNotRun(options) });
  return {
    installOptions: ['--livekit-services'],
    registryId:
      options.registryId === undefined
        ? undefined
        : checkedText('jobs.registryId', options.registryId, REGISTRY_ID, REGISTRY_ID_ALLOWED),
    registrySecret: options.registrySecret,
    clientPorts: liveKitPorts(options),
    settings: (role) =>
      NodeSettings.fromObject(
        liveKitJobSettings(role, { urls, egressImage, ingressImage, rtmpUrl, sizes }),
      ),
  };
}
