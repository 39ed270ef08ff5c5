import { nanoid } from 'nanoid';
import type { Logger } from 'pino';
import { type Registry, RegistryUnavailableError } from '../cluster/registry';
import { type CertificateState, emptyState, isSameState, mergeStates } from './certificate-state';
import type { CertificateStore } from './certificate-store';
import { SealedStateError, StateSealer } from './sealed-state';

/** The document of the registry that it is in. */
export const CERTIFICATE_DOCUMENT = 'certificate';
const LEASE = 'certificate';
/** Longer than an order takes, ms. */
const LEASE_MS = 5 * 60_000;
/** How often a change is tried again that another machine was faster than. */
const ATTEMPTS = 8;

export interface SharedStoreOptions {
  readonly registry: Pick<
    Registry,
    'document' | 'writeDocument' | 'onEvent' | 'acquireLease' | 'releaseLease'
  >;
  /** Made of that of the cluster. */
  readonly secret: string;
  /** What this machine has of it, for when the registry is away or has lost it. */
  readonly local: CertificateStore;
  readonly directory: string;
  readonly log: Pick<Logger, 'warn'>;
}

/** For machines that share one certificate and one account: the registry, encrypted. */
export class SharedStore implements CertificateStore {
  readonly #options: SharedStoreOptions;
  readonly #sealer: StateSealer;
  readonly #owner = nanoid();

  constructor(options: SharedStoreOptions) {
    this.#options = options;
    this.#sealer = new StateSealer(options.secret);
  }

  async read(): Promise<CertificateState> {
    const { registry, local } = this.#options;
    const own = await local.read();
    try {
      const document = await registry.document(CERTIFICATE_DOCUMENT);
      const shared = this.#open(document?.value);
      const known = mergeStates(shared, own);
      if (!isSameState(known, shared)) {
        // The registry has lost it. Whoever is faster has written the same.
        const text = this.#sealer.seal(known);
        await registry.writeDocument(CERTIFICATE_DOCUMENT, text, document?.version ?? 0);
      }
      if (!isSameState(known, own)) await local.change(() => known);
      return known;
    } catch (error) {
      if (error instanceof RegistryUnavailableError) return own;
      throw error;
    }
  }

  async change(changed: (known: CertificateState) => CertificateState): Promise<CertificateState> {
    try {
      return await this.#change(changed);
    } catch (error) {
      // A certificate that was just given must not be lost: the registry gets it later.
      if (error instanceof RegistryUnavailableError) return this.#options.local.change(changed);
      throw error;
    }
  }

  async #change(changed: (known: CertificateState) => CertificateState): Promise<CertificateState> {
    const { registry, local } = this.#options;
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const document = await registry.document(CERTIFICATE_DOCUMENT);
      const next = changed(mergeStates(this.#open(document?.value), await local.read()));
      const text = this.#sealer.seal(next);
      if (await registry.writeDocument(CERTIFICATE_DOCUMENT, text, document?.version ?? 0)) {
        return local.change(() => next);
      }
    }
    throw new Error('other machines change the certificate at this moment');
  }

  async lead(): Promise<boolean> {
    try {
      const lease = await this.#options.registry.acquireLease(LEASE, this.#owner, LEASE_MS);
      return lease !== undefined;
    } catch (error) {
      if (error instanceof RegistryUnavailableError) return false;
      throw error;
    }
  }

  onChange(listener: () => void): () => void {
    return this.#options.registry.onEvent((event) => {
      if (event.type === 'document' && event.name === CERTIFICATE_DOCUMENT) listener();
    });
  }

  async close(): Promise<void> {
    const { registry, local } = this.#options;
    await local.close();
    // So that another one can go on at once.
    const lease = await registry.acquireLease(LEASE, this.#owner, 1).catch(() => undefined);
    if (lease !== undefined) await registry.releaseLease(lease).catch(() => {});
  }

  /** What cannot be read is as good as lost: the certificate of this machine, or a new one, takes its place. */
  #open(text: string | undefined): CertificateState {
    const { directory, log } = this.#options;
    if (text === undefined) return emptyState(directory);
    try {
      const state = this.#sealer.open(text);
      return state.directory === directory ? state : emptyState(directory);
    } catch (error) {
      if (!(error instanceof SealedStateError)) throw error;
      log.warn(`the certificate in the registry cannot be used: ${error.message}`);
      return emptyState(directory);
    }
  }
}
