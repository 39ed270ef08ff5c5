import type { IngressInfo } from '@livekit/protocol';
import type { IngressStore, StoredIngress } from './ingress-store';
import { hashOfKey, sameKey } from './stream-key';

/** The Ingresses of a Single Node: they end with it. */
export class MemoryIngressStore implements IngressStore {
  readonly #ingresses = new Map<string, StoredIngress>();
  /** Ids by the hashes of their keys: whoever tries keys costs one look each. */
  readonly #byKey = new Map<string, string>();

  async create(info: IngressInfo): Promise<boolean> {
    if (this.#ingresses.has(info.ingressId)) {
      return false;
    }
    this.#ingresses.set(info.ingressId, { info: info.clone(), version: 1 });
    if (info.streamKey !== '') this.#byKey.set(hashOfKey(info.streamKey), info.ingressId);
    return true;
  }

  async get(id: string): Promise<StoredIngress | undefined> {
    const found = this.#ingresses.get(id);
    return found && copyOf(found);
  }

  async byStreamKey(key: string): Promise<StoredIngress | undefined> {
    const found = this.#ingresses.get(this.#byKey.get(hashOfKey(key)) ?? '');
    return found !== undefined && sameKey(found.info.streamKey, key) ? copyOf(found) : undefined;
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
    const { streamKey = '' } = this.#ingresses.get(id)?.info ?? {};
    this.#byKey.delete(hashOfKey(streamKey));
    return this.#ingresses.delete(id);
  }

  async close(): Promise<void> {
    this.#ingresses.clear();
    this.#byKey.clear();
  }
}

const copyOf = ({ info, version }: StoredIngress): StoredIngress => ({
  info: info.clone(),
  version,
});
