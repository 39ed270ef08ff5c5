import { deriveKey, openText, sealText } from '../cluster/sealed-text';
import { type CertificateState, parseState } from './certificate-state';

const PURPOSE = 'sluice entry certificate';

/** It was written with another cluster secret, or was changed since. */
export class SealedStateError extends Error {
  override readonly name = 'SealedStateError';
}

/**
 * Turns what machines share of their certificate into text for the registry, and back: AES-256-GCM,
 * under a key that HKDF-SHA256 (RFC 5869) makes of a secret of the cluster.
 */
export class StateSealer {
  readonly #key: Uint8Array;

  /** @param secret - made of `sluice.cluster.secret` for this alone */
  constructor(secret: string) {
    this.#key = deriveKey(secret, PURPOSE);
  }

  seal(state: CertificateState): string {
    return sealText(this.#key, JSON.stringify(state), PURPOSE);
  }

  /** @throws SealedStateError */
  open(text: string): CertificateState {
    try {
      return parseState(openText(this.#key, text, PURPOSE));
    } catch (error) {
      throw new SealedStateError(
        'it was written with another cluster secret, or was changed by somebody else',
        { cause: error },
      );
    }
  }
}
