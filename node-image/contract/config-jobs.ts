import { z } from 'zod';
import { egressKeys } from './config-egress';
import {
  decimal,
  duration,
  flag,
  image,
  ipAddress,
  jobService,
  port,
  section,
  text,
  whole,
} from './config-values';
import { PORTS_ON_REQUEST } from './ports';

/** CPU cores that a job needs of its node. */
const cpuCost = (byDefault: number) => decimal(byDefault, 0, 256);

/** What kinds of Egress need. Source: OpenVidu's egress.yaml, LiveKit's CPUCostConfig. */
const egressCpuCost = section({
  /** A page with the whole Room, in a browser. @default 3 */
  room_composite_cpu_cost: cpuCost(3),
  /** The same with sound only. @default 1 */
  audio_room_composite_cpu_cost: cpuCost(1),
  /** Any page, in a browser. @default 3 */
  web_cpu_cost: cpuCost(3),
  /** The same with sound only. @default 1 */
  audio_web_cpu_cost: cpuCost(1),
  /** One participant. @default 2 */
  participant_cpu_cost: cpuCost(2),
  /** One video and one audio track. @default 2 */
  track_composite_cpu_cost: cpuCost(2),
  /** One track, as it is. @default 1 */
  track_cpu_cost: cpuCost(1),
}).prefault({});

/** What kinds of Ingress need. Source: OpenVidu's ingress.yaml, LiveKit's CPUCostConfig. */
const ingressCpuCost = section({
  /** @default 2 */
  rtmp_cpu_cost: cpuCost(2),
  /** @default 2 */
  whip_cpu_cost: cpuCost(2),
  /** WHIP that is passed on as it comes. @default 0.1 */
  whip_bypass_transcoding_cpu_cost: cpuCost(0.1),
  /** @default 2 */
  url_cpu_cost: cpuCost(2),
  /** Share of a node's CPU, 0 to 1, that stays free besides. @default 0.3 */
  min_idle_ratio: decimal(0.3, 0, 1),
}).prefault({});

/** Recording, and streaming out. All of it may stand in a file of its own, egress.yaml. */
export const egressSchema = section({
  cpu_cost: egressCpuCost,
  ...egressKeys,
}).prefault({});

/** Streaming in. All of it may stand in a file of its own, ingress.yaml. Source: livekit-server, IngressConfig. */
export const ingressSchema = section({
  /**
   * Who takes RTMP and pulls URLs: `builtin`, the nodes themselves, or `livekit`: livekit/ingress
   * services, which share the Redis of this cluster. WHIP is the nodes' either way. @default builtin
   */
  service: jobService(),
  /**
   * The image of livekit/ingress that a Media Node or a Single Node runs with `service: livekit`; needs
   * `install.sh --livekit-services`. Empty: the services run elsewhere.
   */
  image: image(),
  /** Such as rtmp://meet.example.com/live. @default - none; with --dev, where this node takes RTMP */
  rtmp_base_url: text(),
  /** Such as https://meet.example.com/whip. @default - none; with --dev, where this node is */
  whip_base_url: text(),
  /** Where encoders are taken by RTMP: 1935 is what they expect; 0: nowhere. @default 0 */
  rtmp_port: port(0),
  /**
   * Where encoders are taken by RTMPS: 1936 is usual; 0: nowhere. TLS ends in front of the node: at the
   * HAProxy of the machine, with the certificate of the entry, or at a load balancer. @default 0
   */
  rtmps_port: port(0),
  /**
   * Where whoever has ended TLS on this machine passes such streams on, with a PROXY header (v2) that
   * says who the client is: on 127.0.0.1 alone, and only with rtmps_port. @default 7935
   */
  rtmp_proxy_port: port(PORTS_ON_REQUEST.rtmpBehindEntry),
  /** Addresses of this machine that RTMP is taken at; empty: those of bind_addresses. */
  bind_addresses: z.array(ipAddress()).meta({ allowed: 'a list of IP addresses' }).default([]),
  /** URLs may be pulled from private and local addresses too. @default false */
  allow_private_urls: flag(false),
  cpu_cost: ingressCpuCost,
}).prefault({});

/** How jobs are placed, taken over and remembered. */
export const jobsSchema = section({
  /**
   * How long a job that no node has room for waits for one, as the group of Media Nodes grows; 0: it
   * is refused at once; milliseconds here. @default 0s
   */
  queue: duration('0s'),
  /**
   * How long another node is looked for when that of a job is gone, before the job ends; milliseconds
   * here. @default 1m
   */
  restart_within: duration('1m'),
  /** How long a job that has ended is listed; milliseconds here. @default 24h */
  keep_ended: duration('24h'),
  /** Of each kind, so many that have ended are listed at most: the newest. @default 1000 */
  most_ended: whole(1000, 0, 100_000),
}).prefault({});
