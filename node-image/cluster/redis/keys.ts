/** The keys that scripts are given by name. Each is described in docs/registry.md. */
export type KeyName =
  | 'nodes'
  | 'seen'
  | 'processes'
  | 'orders'
  | 'cancelled'
  | 'rooms'
  | 'facts'
  | 'recent'
  | 'version'
  | 'era'
  | 'touched'
  | 'leaseEpochs'
  | 'audit'
  | 'events'
  | 'jobs'
  | 'jobSpecs'
  | 'jobInfos'
  | 'egressLeases'
  | 'ingressLeases'
  | 'agentLeases'
  | 'jobRooms'
  | 'jobsEnded'
  | 'jobEvents'
  | 'ingresses'
  | 'ingressKeys';

/** What Redis calls the type of each; undefined for a channel, which is no key. */
const KEY_TYPES: Readonly<Record<KeyName, string | undefined>> = {
  nodes: 'hash',
  seen: 'zset',
  processes: 'hash',
  orders: 'hash',
  cancelled: 'zset',
  rooms: 'hash',
  facts: 'hash',
  recent: 'zset',
  version: 'string',
  era: 'string',
  touched: 'string',
  leaseEpochs: 'hash',
  audit: 'list',
  events: undefined,
  jobs: 'hash',
  jobSpecs: 'hash',
  jobInfos: 'hash',
  egressLeases: 'zset',
  ingressLeases: 'zset',
  agentLeases: 'zset',
  jobRooms: 'zset',
  jobsEnded: 'zset',
  jobEvents: undefined,
  ingresses: 'hash',
  ingressKeys: 'hash',
};

/** @returns undefined for a channel. */
export const keyTypeOf = (name: KeyName): string | undefined => KEY_TYPES[name];

/** Names of what one cluster keeps: with one hash tag, so that a clustered Redis keeps it together. */
export class Keys {
  readonly #prefix: string;

  constructor(clusterName: string) {
    this.#prefix = `{${clusterName}}:`;
  }

  of(name: KeyName): string {
    return this.#prefix + name;
  }

  lease(name: string): string {
    return `${this.#prefix}lease:${name}`;
  }

  document(name: string): string {
    return `${this.#prefix}document:${name}`;
  }
}
