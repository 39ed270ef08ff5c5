/**
 * What the deployments of both clouds write of jobs into sluice.yaml. Pure: values may be such as a
 * cloud knows only once the deployment runs, and are passed on as they are.
 */
import { PORTS_ON_REQUEST } from './ports';
import type { Settings } from './rendered-settings';
import type { Role } from './roles';

/** CPU cores that a job reserves, by what deployments call its kind: the defaults of sluice.yaml. */
export const JOB_SIZES = {
  roomComposite: 3,
  web: 3,
  participant: 2,
  trackComposite: 2,
  track: 1,
  rtmp: 2,
  whip: 0.1,
  url: 2,
} as const;

export type JobSizes = Readonly<Partial<Record<keyof typeof JOB_SIZES, unknown>>>;

/** Where sluice.yaml has them. */
const SIZE_KEYS: Readonly<Record<keyof typeof JOB_SIZES, readonly ['egress' | 'ingress', string]>> =
  {
    roomComposite: ['egress', 'room_composite_cpu_cost'],
    web: ['egress', 'web_cpu_cost'],
    participant: ['egress', 'participant_cpu_cost'],
    trackComposite: ['egress', 'track_composite_cpu_cost'],
    track: ['egress', 'track_cpu_cost'],
    rtmp: ['ingress', 'rtmp_cpu_cost'],
    // Built-in WHIP is passed on as it comes.
    whip: ['ingress', 'whip_bypass_transcoding_cpu_cost'],
    url: ['ingress', 'url_cpu_cost'],
  };

/** Disk of a machine that installs ffmpeg and Chromium, and keeps recordings until they are stored. */
export const JOBS_DISK_GIB = 64;

/** Where RTMP is taken in TLS. */
export const RTMPS_PORT = PORTS_ON_REQUEST.rtmps;

/** How clients and encoders find the cluster. */
export interface JobUrls {
  /** For recorders: `egress.ws_url`. */
  readonly ws: string;
  /** For pages and programs that send by WHIP. */
  readonly whip: string;
  /** For encoders: encrypted where there is a certificate. RTMP in clear has another port. */
  readonly rtmp: string;
}

/** @param tls - whether the entry has a certificate */
export const jobUrls = (host: string, tls: boolean): JobUrls => ({
  ws: `${tls ? 'wss' : 'ws'}://${host}`,
  whip: `${tls ? 'https' : 'http'}://${host}/whip`,
  rtmp: tls ? `rtmps://${host}:${RTMPS_PORT}/live` : `rtmp://${host}/live`,
});

/** Where recordings go whose request does not say, by the rights of the machine. */
export type DeployedStorage =
  | { readonly s3: { readonly bucket: unknown; readonly region: unknown } }
  | { readonly azure: { readonly account_name: unknown; readonly container_name: unknown } };

export interface DeployedJobs {
  /** Values of `jobUrls`; none where the entry is not known. */
  readonly urls: Readonly<Partial<Record<keyof JobUrls, unknown>>>;
  /** Whether encoders are taken by RTMP. */
  readonly rtmp: boolean;
  /** Whether RTMPS comes to HAProxy on the machine: TLS ends there, or at a load balancer before it. */
  readonly rtmpsOnMachine: boolean;
  readonly storage?: DeployedStorage | undefined;
  /** How long a job waits for a machine, as sluice.yaml takes times; undefined: it is refused. */
  readonly queue?: unknown;
  /** Other sizes than the defaults. */
  readonly sizes?: JobSizes | undefined;
}

/** What nodes of a role say of jobs. */
export function jobSettings(role: Role, jobs: DeployedJobs): Settings {
  const { urls, storage, queue, rtmp, rtmpsOnMachine } = jobs;
  const takes = role !== 'media';
  return {
    egress: {
      ...(storage && { storage }),
      // A Single Node records what it has itself.
      ...(role !== 'single' && urls.ws !== undefined && { ws_url: urls.ws }),
      ...sizeSettings('egress', jobs.sizes),
    },
    ingress: {
      ...(takes && urls.whip !== undefined && { whip_base_url: urls.whip }),
      ...(takes &&
        rtmp && {
          rtmp_port: PORTS_ON_REQUEST.rtmp,
          ...(urls.rtmp !== undefined && { rtmp_base_url: urls.rtmp }),
          ...(rtmpsOnMachine && { rtmps_port: RTMPS_PORT }),
        }),
      ...sizeSettings('ingress', jobs.sizes),
    },
    ...(takes && queue !== undefined && { sluice: { jobs: { queue } } }),
  };
}

/** The sizes of a section of sluice.yaml. */
export function sizeSettings(section: 'egress' | 'ingress', sizes: JobSizes = {}): Settings {
  const found = Object.entries(SIZE_KEYS).flatMap(([kind, [of, key]]) => {
    const cpus = sizes[kind as keyof typeof JOB_SIZES];
    return of === section && cpus !== undefined ? [[key, cpus] as const] : [];
  });
  return found.length === 0 ? {} : { cpu_cost: Object.fromEntries(found) };
}

/** A kind of job that a machine has too few cores for. */
export interface TooLarge {
  readonly kind: string;
  readonly cpus: number;
}

/**
 * Kinds of jobs that never find place on machines with so many cores.
 *
 * @param sizes - that are known
 * @param idleRatio - share of the cores that an Ingress leaves free: `ingress.cpu_cost.min_idle_ratio`
 */
export function tooLargeFor(
  cores: number,
  sizes: Readonly<Partial<Record<keyof typeof JOB_SIZES, number>>>,
  idleRatio = 0.3,
): readonly TooLarge[] {
  return Object.entries({ ...JOB_SIZES, ...sizes })
    .filter(([kind, cpus]) => {
      const [of] = SIZE_KEYS[kind as keyof typeof JOB_SIZES];
      return cpus > (of === 'ingress' ? cores * (1 - idleRatio) : cores);
    })
    .map(([kind, cpus]) => ({ kind, cpus }));
}
