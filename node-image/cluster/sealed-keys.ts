import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { deriveKey, openText, sealText } from './sealed-text';
import type { SharedKeySet } from './shared-key-set';

/** The document of keys was not written with this cluster's secret, or was changed since. */
export class SealedKeysError extends Error {
  override readonly name = 'SealedKeysError';
}

/** Of HMAC-SHA256. */
const MAC_BYTES = 32;
const MOST_KEYS = 10_000;

const documentSchema = z.object({
  format: z.literal(1),
  /** base64 of iv, ciphertext, tag. */
  keys: z.record(z.string(), z.object({ sealed: z.base64(), addedAtMs: z.number() })),
  retired: z.record(z.string(), z.number()),
  /** base64 of HMAC-SHA256 over the rest: no entry can be added, taken out or moved. */
  mac: z.base64(),
});

type KeysDocument = z.infer<typeof documentSchema>;

/**
 * Turns shared keys into the text that is kept in the registry, and back. Each secret is encrypted
 * with AES-256-GCM, bound to its key's name, under a key that HKDF-SHA256 (RFC 5869) makes of the
 * cluster's secret; the whole is signed with another.
 */
export class KeySealer {
  /** Says which secret it is, and nothing of the secret. */
  readonly id: string;
  readonly #encryption: Uint8Array;
  readonly #signing: Uint8Array;

  /** @param clusterSecret - `sluice.cluster.secret` */
  constructor(clusterSecret: string) {
    this.id = Buffer.from(deriveKey(clusterSecret, 'sluice api keys: id').subarray(0, 8)).toString(
      'hex',
    );
    this.#encryption = deriveKey(clusterSecret, 'sluice api keys: encryption');
    this.#signing = deriveKey(clusterSecret, 'sluice api keys: signature');
  }

  /** @throws SealedKeysError where there are more than could be read again. */
  seal({ keys, retired }: SharedKeySet): string {
    if (keys.size + retired.size > MOST_KEYS) {
      throw new SealedKeysError(`it takes ${MOST_KEYS} keys, the retired ones among them`);
    }
    const content = {
      format: 1 as const,
      keys: Object.fromEntries(
        [...keys].map(([apiKey, { secret, addedAtMs }]) => [
          apiKey,
          { sealed: sealText(this.#encryption, secret, apiKey), addedAtMs },
        ]),
      ),
      retired: Object.fromEntries(retired),
    };
    return JSON.stringify({ ...content, mac: this.#mac(content).toString('base64') });
  }

  /** @throws SealedKeysError */
  open(text: string): SharedKeySet {
    const document = parse(text);
    if (!timingSafeEqual(this.#mac(document), macOf(document))) {
      throw new SealedKeysError(
        'it was written with another cluster secret, or was changed by somebody else',
      );
    }
    return {
      keys: new Map(
        Object.entries(document.keys).map(([apiKey, { sealed, addedAtMs }]) => [
          apiKey,
          { secret: this.#decrypt(apiKey, sealed), addedAtMs },
        ]),
      ),
      retired: new Map(Object.entries(document.retired)),
    };
  }

  #decrypt(apiKey: string, sealed: string): string {
    try {
      return openText(this.#encryption, sealed, apiKey);
    } catch (error) {
      throw new SealedKeysError(`the secret of ${apiKey} does not decrypt`, { cause: error });
    }
  }

  #mac({ format, keys, retired }: Omit<KeysDocument, 'mac'>): Buffer {
    const sorted = <T>(record: Readonly<Record<string, T>>): [string, T][] =>
      Object.entries(record).sort(([one], [other]) => (one < other ? -1 : 1));
    const entries = sorted(keys).map(([apiKey, each]) => [apiKey, each.sealed, each.addedAtMs]);
    const text = JSON.stringify([format, entries, sorted(retired)]);
    return createHmac('sha256', this.#signing).update(text).digest();
  }
}

/** As long as a real one, whatever was written. */
function macOf({ mac }: KeysDocument): Buffer {
  const bytes = Buffer.alloc(MAC_BYTES);
  Buffer.from(mac, 'base64').copy(bytes);
  return bytes;
}

function parse(text: string): KeysDocument {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new SealedKeysError('it is not JSON', { cause: error });
  }
  const { success, data } = documentSchema.safeParse(value);
  if (!success || Object.keys(data.keys).length + Object.keys(data.retired).length > MOST_KEYS) {
    throw new SealedKeysError('it is no document of API keys that this version can read');
  }
  return data;
}
