import {
  type ClusterEvent,
  RegistryUnavailableError,
  type SharedDocument,
} from '../../node-image/cluster/registry';

/** The documents and events of a registry, in memory; it can be away, and lose what was written. */
export class FakeDocuments {
  readonly documents = new Map<string, SharedDocument>();
  readonly #listeners = new Set<(event: ClusterEvent) => void>();
  isAway = false;
  tellsOfWrites = true;

  async document(name: string): Promise<SharedDocument | undefined> {
    this.#check();
    return this.documents.get(name);
  }

  async writeDocument(
    name: string,
    value: string,
    ifVersion: number,
  ): Promise<SharedDocument | undefined> {
    this.#check();
    if ((this.documents.get(name)?.version ?? 0) !== ifVersion) return undefined;
    const document = { value, version: ifVersion + 1 };
    this.documents.set(name, document);
    if (this.tellsOfWrites) {
      for (const listener of this.#listeners) listener({ type: 'document', name });
    }
    return document;
  }

  onEvent(listener: (event: ClusterEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #check(): void {
    if (this.isAway) throw new RegistryUnavailableError('Redis does not answer');
  }
}

/** A log that keeps its lines. */
export function fakeLog() {
  const lines: string[] = [];
  const keep = (first: unknown, text?: unknown): void => {
    lines.push(typeof first === 'string' ? first : `${JSON.stringify(first)} ${String(text)}`);
  };
  return { lines, debug: keep, info: keep, warn: keep, error: keep };
}
