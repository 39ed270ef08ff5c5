import type { SluiceConfig } from '../../contract';
import type { JobCost } from '../job-runner';
import type { PlacedKind } from './job-placement';

export type EgressCostConfig = SluiceConfig['egress']['cpu_cost'];
export type IngressCostConfig = SluiceConfig['ingress']['cpu_cost'];

/** What kinds of Egress there are, by what they cost. */
export const EGRESS_TYPES = [
  'room-composite',
  'audio-room-composite',
  'web',
  'audio-web',
  'participant',
  'track-composite',
  'track',
] as const;
export type EgressType = (typeof EGRESS_TYPES)[number];

/** What kinds of Ingress there are, by what they cost; `whip-bypass` is not transcoded. */
export const INGRESS_TYPES = ['rtmp', 'whip', 'whip-bypass', 'url'] as const;
export type IngressType = (typeof INGRESS_TYPES)[number];

/** What an Egress of this type needs of its node. */
export function egressCost(type: EgressType, config: EgressCostConfig): JobCost {
  const cpus: Readonly<Record<EgressType, number>> = {
    'room-composite': config.room_composite_cpu_cost,
    'audio-room-composite': config.audio_room_composite_cpu_cost,
    web: config.web_cpu_cost,
    'audio-web': config.audio_web_cpu_cost,
    participant: config.participant_cpu_cost,
    'track-composite': config.track_composite_cpu_cost,
    track: config.track_cpu_cost,
  };
  const isPage = !['participant', 'track-composite', 'track'].includes(type);
  return { cpus: cpus[type], records: isPage ? 'page' : 'media' };
}

/** What an Ingress of this type needs of its node, and what has to stay free there. */
export function ingressCost(type: IngressType, config: IngressCostConfig): JobCost {
  const cpus: Readonly<Record<IngressType, number>> = {
    rtmp: config.rtmp_cpu_cost,
    whip: config.whip_cpu_cost,
    'whip-bypass': config.whip_bypass_transcoding_cpu_cost,
    url: config.url_cpu_cost,
  };
  return { cpus: cpus[type], idleRatio: config.min_idle_ratio };
}

/** Types of a kind, for people who ask. */
export const typesOf = (kind: PlacedKind): readonly string[] =>
  kind === 'egress' ? EGRESS_TYPES : INGRESS_TYPES;
