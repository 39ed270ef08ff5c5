import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { SluiceConfigInput } from '../../contract';
import type { SlotPorts } from './slot-ports';

/** What the nodes of a local cluster have in common. */
export interface LocalClusterFacts {
  /** For the files; closed to others. */
  readonly folder: string;
  readonly redis: { readonly address: string; readonly password: string };
  readonly clusterSecret: string;
  /** Of the master, for clients. */
  readonly port: number;
  /** Of the master, for encoders. */
  readonly rtmpPort: number;
  readonly groupSocket: string;
  readonly minNodes: number;
  readonly maxNodes: number;
  /** Folder of recordings whose request names no storage. */
  readonly recordings: string;
  readonly settings?: LocalSettings | undefined;
}

type SluiceInput = NonNullable<SluiceConfigInput['sluice']>;
/** How a local cluster grows, shrinks and lets go of nodes: over what all of them have. */
export interface LocalSettings extends Pick<SluiceInput, 'drain' | 'ledger'> {
  /** What is left out follows from what a local cluster is. */
  readonly scaling?: Omit<
    NonNullable<SluiceInput['scaling']>,
    'group' | 'group_socket' | 'min_nodes' | 'max_nodes'
  >;
}

/** A laptop shall not lose its second node while somebody still looks around. */
const SCALE_IN_AFTER = '2m';

/**
 * Nodes of a local cluster have a core each, and share those of the machine: with the costs of a real
 * one no node would take a recording of a Room, which somebody wants to try.
 */
const JOB_COSTS = {
  egress: {
    cpu_cost: {
      room_composite_cpu_cost: 0.5,
      audio_room_composite_cpu_cost: 0.2,
      web_cpu_cost: 0.5,
      audio_web_cpu_cost: 0.2,
      participant_cpu_cost: 0.2,
      track_composite_cpu_cost: 0.2,
      track_cpu_cost: 0.1,
    },
  },
  ingress: {
    cpu_cost: {
      rtmp_cpu_cost: 0.3,
      whip_cpu_cost: 0.3,
      whip_bypass_transcoding_cpu_cost: 0.05,
      url_cpu_cost: 0.3,
      min_idle_ratio: 0.1,
    },
  },
} as const satisfies SluiceConfigInput;

/** Writes the configuration of the Master Node. @returns the path of the file. */
export function writeMasterConfig(facts: LocalClusterFacts): Promise<string> {
  const { port, rtmpPort, groupSocket, minNodes, maxNodes, settings } = facts;
  return write(facts.folder, 'master', {
    ...common(facts),
    port,
    ingress: { ...JOB_COSTS.ingress, rtmp_port: rtmpPort },
    sluice: {
      ...common(facts).sluice,
      role: 'master',
      scaling: {
        group: 'local',
        group_socket: groupSocket,
        min_nodes: minNodes,
        max_nodes: maxNodes,
        scale_in_after: SCALE_IN_AFTER,
        interval: '2s',
        ...settings?.scaling,
      },
    },
  });
}

/** Writes the configuration of a Media Node. @returns the path of the file. */
export function writeMediaConfig(
  facts: LocalClusterFacts,
  id: string,
  ports: SlotPorts,
): Promise<string> {
  return write(facts.folder, id, {
    ...common(facts),
    port: ports.health,
    rtc: {
      port_range_start: ports.iceUdp,
      port_range_end: ports.iceUdp,
      tcp_port: ports.iceTcp,
    },
    sluice: {
      ...common(facts).sluice,
      role: 'media',
      node_link: { address: '127.0.0.1', port: ports.nodeLink },
      machine_id: id,
      workers: 1,
    },
  });
}

function common({ redis, clusterSecret, recordings, settings }: LocalClusterFacts) {
  return {
    // The key that everybody knows, and so nothing but loopback for clients to connect to.
    development: true,
    logging: { level: 'info', json: true },
    redis: { ...redis },
    ...JOB_COSTS,
    egress: { ...JOB_COSTS.egress, local_directory: recordings },
    sluice: {
      cluster: { name: 'local', secret: clusterSecret },
      // Short, so that one sees what a drain does.
      drain: { patience: '10s', deadline: '1m', ...settings?.drain },
      // The nodes share a machine, so each is as busy as its own processes.
      load_scope: 'processes',
      ...(settings?.ledger && { ledger: settings.ledger }),
    },
  } as const satisfies SluiceConfigInput;
}

async function write(folder: string, name: string, config: SluiceConfigInput): Promise<string> {
  const file = join(folder, `${name}.yaml`);
  await writeFile(file, stringify(config), { mode: 0o600 });
  return file;
}
