import type { RoomConfiguration, TrackSource } from '@livekit/protocol';

/**
 * What a verified token says of its bearer, with LiveKit's defaults filled in.
 *
 * Source: livekit/protocol auth/grants.go (ClaimGrants, VideoGrant).
 */
export interface Grants {
  /** The `iss` claim. */
  readonly apiKey: string;
  readonly identity: string;
  readonly name: string;
  readonly metadata: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** "standard", "ingress", "egress", "sip", "agent", "connector"; empty means standard. */
  readonly kind: string;
  readonly kindDetails: readonly string[];
  readonly roomPreset: string;
  readonly roomConfig?: RoomConfiguration | undefined;
  /** Whether the token has a `video` claim at all. */
  readonly hasVideoClaim: boolean;
  readonly video: VideoGrants;
  /** The claim `sluice.clusterAdmin`: may use the admin API of the cluster. @default false */
  readonly clusterAdmin?: boolean | undefined;
  /** The claim `sluice.agentJob`: the job that its bearer, an agent, was given. */
  readonly agentJob?: AgentJobGrant | undefined;
}

/** A job of an agent, and which giving of it to a worker: 1 is the first. */
export interface AgentJobGrant {
  readonly id: string;
  readonly assignment: number;
}

/** The `video` claim. Undefined means "not said", which each reader fills with its own default. */
export interface VideoGrants {
  readonly room: string;
  readonly destinationRoom: string;
  readonly roomCreate: boolean;
  readonly roomList: boolean;
  readonly roomRecord: boolean;
  readonly roomAdmin: boolean;
  readonly roomJoin: boolean;
  readonly ingressAdmin: boolean;
  readonly hidden: boolean;
  readonly recorder: boolean;
  readonly agent: boolean;
  /** @default true */
  readonly canPublish?: boolean | undefined;
  /** @default true */
  readonly canSubscribe?: boolean | undefined;
  /** @default true, or canPublish where that is set */
  readonly canPublishData?: boolean | undefined;
  /** Empty means every source. */
  readonly canPublishSources: readonly TrackSource[];
  /** @default false */
  readonly canUpdateOwnMetadata?: boolean | undefined;
  /** @default false */
  readonly canSubscribeMetrics?: boolean | undefined;
  /** @default false */
  readonly canManageAgentSession?: boolean | undefined;
}
