import type { IngressInfo } from '@livekit/protocol';
import type { IngressStore, StoredIngress } from './ingress-store';
import { sameKey } from './stream-key';

/** The Ingresses of a Single Node: they end with it. */
export class MemoryIngressStore implements IngressStore {
  readonly #ingresses = new Map<string, StoredIngress>();

  async create(info: IngressInfo): Promise<boolean> {
    if (this.#ingresses.has(info.ingressId)) {
      return false;
    }
    this.#ingresses.set(info.ingressId, { info: info.clone(), version: 1 });
    return true;
  }

  async get(id: string): Promise<StoredIngress | undefined> {
    const found = this.#ingresses.get(id);
    return found && copyOf(found);
  }

  async byStreamKey(key: string): Promise<StoredIngress | undefined> {
    let found: StoredIngress | undefined;
    // All of them, whichever fits: how long it takes says nothing.
    for (const stored of this.#ingresses.values()) {
      if (sameKey(stored.info.streamKey, key)) {
        found = stored;
      }
    }
    return found && copyOf(found);
  }

  async list(): Promise<StoredIngress[]> {
    return [...this.#ingresses.values()].map(copyOf);
  }

  async replace(info: IngressInfo, ifVersion: number): Promise<boolean> {
    const { version } = this.#ingresses.get(info.ingressId) ?? { version: 0 };
    if (version === 0 || version !== ifVersion) {
      return false;
    }
    this.#ingresses.set(info.ingressId, { info: info.clone(), version: version + 1 });
    return true;
  }

  async remove(id: string): Promise<boolean> {
    return this.#ingresses.delete(id);
  }

  async close(): Promise<void> {
    this.#ingresses.clear();
  }
}

const copyOf = ({ info, version }: StoredIngress): StoredIngress => ({
  info: info.clone(),
  version,
});
