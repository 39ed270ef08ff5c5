/** What the deployments of both clouds write into sluice.yaml where LiveKit's services do the jobs. Pure. */
import {
  type DeployedStorage,
  JOB_SIZES,
  type JobSizes,
  type JobUrls,
  sizeSettings,
} from './deployed-jobs';
import { LIVEKIT_RTMP_USE } from './ports';
import type { Settings } from './rendered-settings';
import type { Role } from './roles';

export interface DeployedLiveKitJobs {
  /** Values of `jobUrls`; none where the entry is not known. */
  readonly urls: Readonly<Partial<Record<keyof JobUrls, unknown>>>;
  /** Of livekit/egress; undefined: there is none. */
  readonly egressImage?: unknown;
  /** Of livekit/ingress; undefined: there is none. */
  readonly ingressImage?: unknown;
  /** What encoders are told; undefined: none come in. */
  readonly rtmpUrl?: unknown;
  readonly storage?: DeployedStorage | undefined;
  /** Other sizes than the defaults. */
  readonly sizes?: JobSizes | undefined;
}

/** What nodes of a role say of LiveKit's services, which run on Media Nodes and a Single Node. */
export function liveKitJobSettings(role: Role, jobs: DeployedLiveKitJobs): Settings {
  const { urls, storage, rtmpUrl, sizes } = jobs;
  const takes = role !== 'media';
  return {
    egress: {
      ...serviceOf(role, jobs.egressImage),
      ...(storage && { storage }),
      // Services find the cluster by it, on a Single Node too.
      ...(urls.ws !== undefined && { ws_url: urls.ws }),
      ...sizeSettings('egress', sizes),
    },
    ingress: {
      ...serviceOf(role, jobs.ingressImage),
      // WHIP is the nodes' own.
      ...(takes && urls.whip !== undefined && { whip_base_url: urls.whip }),
      ...(takes && rtmpUrl !== undefined && { rtmp_base_url: rtmpUrl }),
      ...sizeSettings('ingress', sizes),
    },
  };
}

/** Master Nodes speak with the services, and run none. */
const serviceOf = (role: Role, image: unknown): Settings =>
  image === undefined ? {} : { service: 'livekit', ...(role !== 'master' && { image }) };

type Kind = keyof typeof JOB_SIZES;

/** Kinds of jobs that no service is there for, and those that run anywhere. */
export function kindsNotRun({
  egressImage,
  ingressImage,
  rtmpUrl,
}: Pick<DeployedLiveKitJobs, 'egressImage' | 'ingressImage' | 'rtmpUrl'>): readonly Kind[] {
  const isEgress = (kind: Kind) => !['rtmp', 'whip', 'url'].includes(kind);
  return (Object.keys(JOB_SIZES) as Kind[]).filter((kind) => {
    if (isEgress(kind)) return egressImage === undefined;
    return ingressImage === undefined || (kind === 'rtmp' && rtmpUrl === undefined);
  });
}

/** What clients reach on the machines that services run on. */
export const liveKitPorts = ({ rtmpUrl }: Pick<DeployedLiveKitJobs, 'rtmpUrl'>) =>
  rtmpUrl === undefined ? [] : [LIVEKIT_RTMP_USE];

/** What encoders are told. */
export const RTMP_URL = /^rtmps?:\/\/[^\s/?#]+\/\S+$/;
export const RTMP_URL_ALLOWED =
  'what encoders are told, with a path, such as rtmp://rtmp.example.com/live';

/** The sections of sluice.yaml that name a Redis. */
const REDIS_KEYS = ['address', 'sentinel_addresses', 'cluster_addresses'];

/** Whether settings name the Redis over which services are spoken to. */
export function namesRedis(settings: Settings): boolean {
  const { redis } = settings;
  return typeof redis === 'object' && redis !== null && REDIS_KEYS.some((key) => key in redis);
}

/** What is missing where they do not. */
export const NO_REDIS = {
  what: 'jobs',
  given: "LiveKit's services on a Single Node, and no Redis",
  allowed: 'settings with redis.address, over which services are spoken to',
  fix: 'name a Redis of yours in settings, use Jobs.builtIn(), or a cluster, which has one',
} as const;

/** What is missing where no service is wanted. */
export const NO_IMAGE = {
  what: 'jobs.egressImage and jobs.ingressImage',
  given: 'neither',
  allowed: 'one of them, or both',
  fix: 'name the image of each service that is to run, or leave out jobs',
} as const;

/** What is wrong where encoders are to come to a service that is not there. */
export const NO_INGRESS = {
  what: 'jobs.rtmpUrl',
  given: 'no jobs.ingressImage with it',
  allowed: 'both, as livekit/ingress takes the encoders',
  fix: 'give jobs.ingressImage, or leave out jobs.rtmpUrl',
} as const;
