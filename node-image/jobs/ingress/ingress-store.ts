import type { IngressInfo } from '@livekit/protocol';

/** An Ingress as it is kept: what was asked for, its stream key, and the state of its last run. */
export interface StoredIngress {
  readonly info: IngressInfo;
  /** 1 with the first writing, then one more with each. */
  readonly version: number;
}

/**
 * The Ingresses of a cluster: in Redis, or of a Single Node in memory. What is given out are copies.
 *
 * Every method rejects with RegistryUnavailableError where the store does not answer in time.
 */
export interface IngressStore {
  /** @returns false where there is one of this id already. */
  create(info: IngressInfo): Promise<boolean>;
  get(id: string): Promise<StoredIngress | undefined>;
  /** By the key that its sender shows. */
  byStreamKey(key: string): Promise<StoredIngress | undefined>;
  /** In the order in which they were made. */
  list(): Promise<StoredIngress[]>;
  /** @returns false where it is not of this version any more, or gone: nothing changes. */
  replace(info: IngressInfo, ifVersion: number): Promise<boolean>;
  /** @returns whether it was there. */
  remove(id: string): Promise<boolean>;
  /** Idempotent. */
  close(): Promise<void>;
}

/** So often a change is tried again that somebody else was quicker with. */
const ATTEMPTS = 10;

/**
 * Changes an Ingress, whoever else does meanwhile.
 *
 * @param change - makes the change in its argument; false: there is nothing to change. It may be
 *   called several times.
 * @returns as it is then; undefined where it is gone.
 */
export async function changeIngress(
  store: IngressStore,
  id: string,
  change: (info: IngressInfo) => boolean,
): Promise<IngressInfo | undefined> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const stored = await store.get(id);
    if (stored === undefined) {
      return undefined;
    }
    const { info, version } = stored;
    if (!change(info) || (await store.replace(info, version))) {
      return info;
    }
  }
  throw new Error(`Ingress ${id} is changed by others all the time, try again`);
}
