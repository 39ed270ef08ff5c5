import { nanoid } from 'nanoid';
import type { Logger } from 'pino';
import { type Registry, RegistryUnavailableError } from '../cluster/registry';
import { type CertificateState, emptyState, isSameState, mergeStates } from './certificate-state';
import type { CertificateStore } from './certificate-store';
import { SealedStateError, StateSealer } from './sealed-state';

/** The document of the registry that it is in. */
export const CERTIFICATE_DOCUMENT = 'certificate';
const LEASE = 'certificate';
/** How long nobody orders when the machine that did is lost, ms. */
const LEASE_MS = 20_000;
/** While it orders, which may take minutes, ms. */
const LEASE_RENEWAL_MS = 5000;
/** How often a change is tried again that another machine was faster than. */
const ATTEMPTS = 8;

export interface SharedStoreOptions {
  readonly registry: Pick<
    Registry,
    'document' | 'writeDocument' | 'onEvent' | 'acquireLease' | 'releaseLease'
  >;
  /** Made of that of the cluster. */
  readonly secret: string;
  /** The one before, while it is changed. */
  readonly previousSecret?: string | undefined;
  /** What this machine has of it, for when the registry is away or has lost it. */
  readonly local: CertificateStore;
  readonly directory: string;
  readonly log: Pick<Logger, 'warn'>;
}

interface OpenedState {
  readonly state: CertificateState;
  /** Whether it was written with the secret before. */
  readonly isOld: boolean;
}

/** For machines that share one certificate and one account: the registry, encrypted. */
export class SharedStore implements CertificateStore {
  readonly #options: SharedStoreOptions;
  readonly #sealer: StateSealer;
  readonly #previous: StateSealer | undefined;
  readonly #owner = nanoid();
  #warned = '';

  constructor(options: SharedStoreOptions) {
    this.#options = options;
    const { secret, previousSecret } = options;
    this.#sealer = new StateSealer(secret);
    this.#previous = previousSecret === undefined ? undefined : new StateSealer(previousSecret);
  }

  async read(): Promise<CertificateState> {
    const { registry, local } = this.#options;
    const own = await local.read();
    try {
      const document = await registry.document(CERTIFICATE_DOCUMENT);
      const shared = this.#open(document?.value);
      // Of another secret, or another authority: machines that know it so would write it anew in turn.
      if (shared === undefined) return own;
      const known = mergeStates(shared.state, own);
      if (shared.isOld || !isSameState(known, shared.state)) {
        // The registry has lost it, or has it from before. Whoever is faster has written the same.
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
      const own = await local.read();
      const shared = this.#open(document?.value);
      const next = changed(shared === undefined ? own : mergeStates(shared.state, own));
      const text = this.#sealer.seal(next);
      if (await registry.writeDocument(CERTIFICATE_DOCUMENT, text, document?.version ?? 0)) {
        return local.change(() => next);
      }
    }
    throw new Error('other machines change the certificate at this moment');
  }

  async lead<T>(work: () => Promise<T>): Promise<T | undefined> {
    if (!(await this.#acquire())) return undefined;
    let renewal: Promise<unknown> = Promise.resolve();
    const timer = setInterval(() => {
      // Where it cannot be renewed, the order goes on: two at once are a waste, and do no harm.
      renewal = this.#acquire().catch((error: unknown) => {
        this.#options.log.warn({ err: error }, 'that this machine orders is not told to others');
      });
    }, LEASE_RENEWAL_MS);
    try {
      return await work();
    } finally {
      clearInterval(timer);
      // It is not given back: others may not have seen yet what came of it.
      await renewal;
    }
  }

  async #acquire(): Promise<boolean> {
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

  /** @returns undefined where it is of no use here. The next change takes its place. */
  #open(text: string | undefined): OpenedState | undefined {
    const { directory } = this.#options;
    if (text === undefined) return { state: emptyState(directory), isOld: false };
    try {
      const opened = this.#unseal(text);
      if (opened.state.directory === directory) return opened;
      this.#warn(`it is of ${opened.state.directory}, and this machine asks ${directory}`);
    } catch (error) {
      if (!(error instanceof SealedStateError)) throw error;
      this.#warn(error.message);
    }
    return undefined;
  }

  #unseal(text: string): OpenedState {
    try {
      return { state: this.#sealer.open(text), isOld: false };
    } catch (error) {
      if (this.#previous === undefined) throw error;
      return { state: this.#previous.open(text), isOld: true };
    }
  }

  /** Once for each reason: it is looked at again and again. */
  #warn(why: string): void {
    if (why === this.#warned) return;
    this.#warned = why;
    this.#options.log.warn(`the certificate in the registry cannot be used: ${why}`);
  }
}
