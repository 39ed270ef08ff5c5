import { z } from 'zod';
import { KeySealer, SealedKeysError } from './sealed-keys';
import { isSameKeys, mergeKeys, NO_KEYS, type SharedKeySet } from './shared-key-set';

/** A copy for each secret that is in use, by the secret's id. */
const copiesSchema = z.object({ format: z.literal(2), copies: z.record(z.string(), z.string()) });

/** What a document says to a node with these secrets. */
export interface OpenedCopies {
  /** All that the copies together know which this node can read. */
  readonly keys: SharedKeySet;
  /** Whether nodes that have nothing but the newest secret know as much. */
  readonly isForNewest: boolean;
  /** Whether there are copies for secrets that this node does not have. */
  readonly hasOthers: boolean;
}

/**
 * The document of shared keys while the nodes change from one cluster secret to another: the keys are
 * in it once for each secret, so that a node finds them whichever it has. With one secret it is what
 * `KeySealer` makes.
 */
export class SealedCopies {
  readonly #newest: KeySealer;
  readonly #sealers: readonly KeySealer[];

  /**
   * @param secret - `sluice.cluster.secret`
   * @param previousSecret - `sluice.cluster.previous_secret`; empty: there is none
   */
  constructor(secret: string, previousSecret = '') {
    this.#newest = new KeySealer(secret);
    this.#sealers = [
      this.#newest,
      ...(previousSecret === '' ? [] : [new KeySealer(previousSecret)]),
    ];
  }

  /** @throws SealedKeysError where there are more than could be read again. */
  seal(keys: SharedKeySet): string {
    if (this.#sealers.length === 1) return this.#newest.seal(keys);
    const copies = Object.fromEntries(this.#sealers.map((one) => [one.id, one.seal(keys)]));
    return JSON.stringify({ format: 2, copies });
  }

  /** @throws SealedKeysError where this node can read none of it. */
  open(text: string): OpenedCopies {
    const copies = copiesIn(text);
    if (copies === undefined) return this.#openOnly(text);
    let keys = NO_KEYS;
    let ofNewest: SharedKeySet | undefined;
    let count = 0;
    for (const sealer of this.#sealers) {
      const copy = copies.get(sealer.id);
      if (copy === undefined) continue;
      const known = sealer.open(copy);
      if (sealer === this.#newest) ofNewest = known;
      keys = mergeKeys(keys, known);
      count += 1;
    }
    if (count === 0) throw new SealedKeysError('it was written with other cluster secrets');
    const isForNewest = ofNewest !== undefined && isSameKeys(ofNewest, keys);
    return { keys, isForNewest, hasOthers: copies.size > count };
  }

  /** A document that was written by a node with one secret. */
  #openOnly(text: string): OpenedCopies {
    let problem: unknown;
    for (const sealer of this.#sealers) {
      try {
        const isForNewest = sealer === this.#newest;
        return { keys: sealer.open(text), isForNewest, hasOthers: false };
      } catch (error) {
        problem = error;
      }
    }
    throw problem;
  }
}

function copiesIn(text: string): Map<string, string> | undefined {
  try {
    return new Map(Object.entries(copiesSchema.parse(JSON.parse(text)).copies));
  } catch {
    return undefined;
  }
}
