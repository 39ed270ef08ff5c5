/**
 * What the deployments of both clouds write into sluice.yaml, and into no other place. Pure: values
 * may be such as a cloud knows only once the deployment runs, and are passed on as they are.
 */
import { PORT_RANGES, PORT_USES, PORTS, type PortUse } from './ports';
import type { Settings } from './rendered-settings';

/** Where boot puts the secrets of a machine: in memory, for the node's user alone. */
export const SECRET_FILES = '/run/sluice/secrets';

/** What clusters are made with unless it is said otherwise, on either cloud. */
export const DEPLOYMENT_DEFAULTS = {
  /** Media Nodes at least. */
  minCapacity: 1,
  /** Media Nodes at most, or the minimum where that is more. */
  maxCapacity: 4,
  /** How long Rooms may end by themselves, minutes. */
  patienceMinutes: 15,
  /** How long leaving may take in all, minutes. */
  deadlineMinutes: 60,
  /** Load of Media Nodes that the cluster is kept below by growing, 0 to 1. */
  targetLoad: 0.6,
  /** So many more Rooms find place at any time. */
  headroomRooms: 2,
  /** Master Nodes of a High Availability cluster. */
  masters: 3,
  /** Of a machine and of the data disk, GiB. */
  diskGib: 20,
  /** How long the first machines may take until a call through them works, minutes. */
  creationMinutes: 30,
} as const;

/** HAProxy on the same machine says who the client is. */
export const BEHIND_OWN_HAPROXY: Settings = {
  sluice: { trusted_proxies: ['127.0.0.1/32', '::1/128'] },
};

/** Where sluice.yaml finds the secrets that a machine was given. */
export function secretSettings(has: { apiKey: boolean; cluster: boolean }): Settings {
  return {
    ...(has.apiKey ? { key_file: `${SECRET_FILES}/api_key` } : {}),
    ...(has.cluster ? { sluice: { cluster: { secret_file: `${SECRET_FILES}/cluster` } } } : {}),
  };
}

/** The Redis that the nodes share. */
export interface DeployedRedis {
  /** `host:port`. */
  readonly address: unknown;
  readonly tls: boolean;
  readonly username?: unknown;
  /** Whether it is a clustered one. */
  readonly clusterMode: boolean;
  /** Keeps clusters apart that share it. */
  readonly clusterName: unknown;
}

/** What every node says of the Redis they share. Its password is fetched at boot. */
export function redisSettings(redis: DeployedRedis): Settings {
  return {
    redis: {
      ...(redis.clusterMode ? { cluster_addresses: [redis.address] } : { address: redis.address }),
      ...(redis.username !== undefined && { username: redis.username }),
      ...(redis.tls && { tls: { enabled: true } }),
    },
    sluice: { cluster: { name: redis.clusterName } },
  };
}

/** How Media Nodes leave: times as sluice.yaml takes them. */
export interface DeployedDrain {
  readonly patience: unknown;
  readonly deadline: unknown;
  readonly onDeadline: unknown;
}

export function drainSettings({ patience, deadline, onDeadline }: DeployedDrain): Settings {
  return { sluice: { drain: { patience, deadline, on_deadline: onDeadline } } };
}

/** How the controller sizes the group. */
export function scalingSettings(group: 'aws' | 'azure', scaleInAfter?: unknown): Settings {
  return {
    sluice: {
      scaling: { group, ...(scaleInAfter === undefined ? {} : { scale_in_after: scaleInAfter }) },
    },
  };
}

/** coturn on the nodes themselves. */
export interface DeployedTurn {
  readonly role: 'single' | 'media';
  /** The name that TURN/TLS has; undefined: clients are told of none. */
  readonly domain?: unknown;
  /** Life of credentials. */
  readonly ttlSeconds?: unknown;
  readonly allocationsPerParticipant?: unknown;
  /** Networks that are relayed to beside the addresses at which the nodes take media. */
  readonly relayTo: readonly unknown[];
}

export function ownTurnSettings(turn: DeployedTurn): Settings {
  const tls = turn.domain !== undefined;
  return {
    turn: {
      enabled: true,
      udp_port: PORTS.turn,
      // Plain here, as HAProxy has ended TLS; the same port takes UDP.
      tls_port: turn.role === 'single' ? PORTS.turn : PORTS.turnUdpEntry,
      external_tls: true,
      ...(tls && { domain: turn.domain }),
      ...(turn.ttlSeconds !== undefined && { ttl_seconds: turn.ttlSeconds }),
      ...(turn.allocationsPerParticipant !== undefined && {
        per_user_relay_allocation_limit: turn.allocationsPerParticipant,
      }),
      ...(turn.relayTo.length > 0 && { allow_restricted_peer_cidrs: turn.relayTo }),
    },
    // TURN/TLS ends on any node: it relays to the inner address of the one that has the Room.
    ...(tls && { rtc: { advertise_internal_ip: true } }),
  };
}

/**
 * What Master Nodes have to know of it where TURN/TLS has a name: their HAProxy gets places for the TURN
 * servers of Media Nodes.
 */
export const turnPassedOnSettings = (domain: unknown): Settings => ({
  turn: { enabled: true, tls_port: PORTS.entry, external_tls: true, domain },
});

/** A TURN server that exists, whose secret every machine is given as `turn`. */
export interface DeployedTurnServer {
  readonly host: unknown;
  readonly port?: unknown;
  readonly protocol: string;
}

export function existingTurnSettings(servers: readonly DeployedTurnServer[]): Settings {
  return {
    turn: { enabled: false },
    rtc: {
      turn_servers: servers.map(({ host, port, protocol }) => ({
        host,
        ...(port !== undefined && { port }),
        protocol,
        secret_file: `${SECRET_FILES}/turn`,
      })),
    },
  };
}

export const NO_TURN_SETTINGS: Settings = { turn: { enabled: false } };

/** UDP 443: coturn can listen there only together with TCP 443, which is HAProxy's on a Single Node. */
export function turnUdpEntry(): readonly PortUse[] {
  return PORT_USES.filter(
    ({ start, protocol }) => start === PORTS.turnUdpEntry && protocol === 'udp',
  );
}

/** The ports that only TURN needs. */
export function turnPorts(): readonly PortUse[] {
  return [
    ...PORT_USES.filter(
      ({ start }) => start === PORTS.turn || start === PORT_RANGES.turnRelay.start,
    ),
    ...turnUdpEntry(),
  ];
}
