import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { type CertificateState, parseState } from './certificate-state';

const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
/** What NIST SP 800-38D recommends for GCM. */
const IV_BYTES = 12;
const TAG_BYTES = 16;
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
    this.#key = new Uint8Array(hkdfSync('sha256', secret, '', PURPOSE, KEY_BYTES));
  }

  seal(state: CertificateState): string {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv(CIPHER, this.#key, iv).setAAD(Buffer.from(PURPOSE));
    const encrypted = [cipher.update(JSON.stringify(state), 'utf8'), cipher.final()];
    return Buffer.concat([iv, ...encrypted, cipher.getAuthTag()]).toString('base64');
  }

  /** @throws SealedStateError */
  open(text: string): CertificateState {
    const bytes = Buffer.from(text, 'base64');
    try {
      const iv = bytes.subarray(0, IV_BYTES);
      const decipher = createDecipheriv(CIPHER, this.#key, iv, { authTagLength: TAG_BYTES })
        .setAAD(Buffer.from(PURPOSE))
        .setAuthTag(bytes.subarray(-TAG_BYTES));
      const encrypted = bytes.subarray(IV_BYTES, -TAG_BYTES);
      return parseState(
        Buffer.concat([decipher.update(encrypted), decipher.final()]).toString('utf8'),
      );
    } catch (error) {
      throw new SealedStateError(
        'it was written with another cluster secret, or was changed by somebody else',
        { cause: error },
      );
    }
  }
}
