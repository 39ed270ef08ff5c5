import { z } from 'zod';
import { type Registry, RegistryUnavailableError } from './registry';
import { deriveKey, openText, sealText } from './sealed-text';

/** What clients enter by, on each Master Node of own machines. */
export const entrySchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('lets-encrypt'),
    /** Name or address that clients connect to. */
    domain: z.string(),
    email: z.string().optional(),
  }),
  z.object({
    kind: z.literal('pem'),
    domain: z.string(),
    /** Certificate, chain and key, as HAProxy takes them. */
    pem: z.string(),
  }),
]);
export type SharedEntry = z.infer<typeof entrySchema>;

/** The document of the registry that it is in. */
export const ENTRY_DOCUMENT = 'own-entry';
/** Each time somebody else was faster. */
const ATTEMPTS = 10;

export interface SharedEntriesOptions {
  readonly registry: Pick<Registry, 'document' | 'writeDocument'>;
  /** `sluice.cluster.secret`: it is encrypted with a key made of that. */
  readonly clusterSecret: string;
  readonly clusterName: string;
}

/** Keeps in the registry, encrypted, what a further Master Node needs to have the same entry. */
export class SharedEntries {
  readonly #registry: SharedEntriesOptions['registry'];
  readonly #key: Uint8Array;
  readonly #name: string;

  constructor({ registry, clusterSecret, clusterName }: SharedEntriesOptions) {
    this.#registry = registry;
    this.#key = deriveKey(clusterSecret, 'sluice own entry');
    this.#name = clusterName;
  }

  /**
   * @returns undefined where there is none, or none that this cluster's secret opens.
   * @throws RegistryUnavailableError
   */
  async read(): Promise<SharedEntry | undefined> {
    const found = await this.#registry.document(ENTRY_DOCUMENT);
    if (found === undefined) return undefined;
    try {
      return entrySchema.parse(JSON.parse(openText(this.#key, found.value, this.#name)));
    } catch {
      return undefined;
    }
  }

  /** @throws RegistryUnavailableError */
  async write(entry: SharedEntry): Promise<void> {
    const sealed = sealText(this.#key, JSON.stringify(entry), this.#name);
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const version = (await this.#registry.document(ENTRY_DOCUMENT))?.version ?? 0;
      const written = await this.#registry.writeDocument(ENTRY_DOCUMENT, sealed, version);
      if (written !== undefined) return;
    }
    throw new RegistryUnavailableError(`others write ${ENTRY_DOCUMENT} at this moment`);
  }
}
