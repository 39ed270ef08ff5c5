import { z } from 'zod';
import { openText, sealText } from '../../cluster/sealed-text';
import { EGRESS_KINDS, type EgressKind, type EgressSpec, egressSpecSchema } from './spec';

/** What stands in a job for everybody to see: what it takes to place it. */
const envelopeSchema = z.object({
  kind: z.enum(EGRESS_KINDS),
  /** Sound only. */
  audioOnly: z.boolean(),
  sealed: z.string(),
});

/** What placement may know of an Egress. */
export interface PlacedSpec {
  readonly kind: EgressKind;
  readonly audioOnly: boolean;
}

/** Keeps the secrets of an Egress (keys of storage, addresses of streams) out of the store of jobs. */
export class SpecSealer {
  readonly #key: Uint8Array;

  /** @param key - 32 bytes, the same on all nodes that run or start jobs */
  constructor(key: Uint8Array) {
    this.#key = key;
  }

  seal(egressId: string, spec: EgressSpec): string {
    return JSON.stringify({
      kind: spec.kind,
      audioOnly: !spec.video,
      sealed: sealText(this.#key, JSON.stringify(spec), egressId),
    });
  }

  /** @throws Error where it is another cluster's, or of a version that is not understood. */
  open(egressId: string, text: string): EgressSpec {
    const { sealed } = envelopeSchema.parse(JSON.parse(text));
    return egressSpecSchema.parse(JSON.parse(openText(this.#key, sealed, egressId)));
  }
}

/** @throws Error for what `SpecSealer` has not written. */
export function placedSpec(text: string): PlacedSpec {
  return envelopeSchema.parse(JSON.parse(text));
}
