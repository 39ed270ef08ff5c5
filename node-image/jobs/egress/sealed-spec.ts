import { RoomEgress } from '@livekit/protocol';
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
  readonly #previous: Uint8Array | undefined;

  /**
   * @param key - 32 bytes, the same on all nodes that run or start jobs
   * @param previous - opens what was sealed before the key was changed. @default none
   */
  constructor(key: Uint8Array, previous?: Uint8Array) {
    this.#key = key;
    this.#previous = previous;
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
    return egressSpecSchema.parse(JSON.parse(this.#open(sealed, egressId)));
  }

  /** What is recorded of a Room by itself. */
  sealRoom(room: string, wanted: RoomEgress): string {
    return sealText(this.#key, wanted.toJsonString(), `room ${room}`);
  }

  /** @throws Error */
  openRoom(room: string, sealed: string): RoomEgress {
    const text = this.#open(sealed, `room ${room}`);
    return RoomEgress.fromJsonString(text, { ignoreUnknownFields: true });
  }

  /** Addresses that streams go to, as they are now. */
  sealUrls(egressId: string, urls: readonly string[]): string {
    return sealText(this.#key, JSON.stringify(urls), `${egressId} streams`);
  }

  /** @throws Error */
  openUrls(egressId: string, sealed: string): string[] {
    return z.array(z.string()).parse(JSON.parse(this.#open(sealed, `${egressId} streams`)));
  }

  #open(sealed: string, boundTo: string): string {
    try {
      return openText(this.#key, sealed, boundTo);
    } catch (error) {
      if (this.#previous === undefined) throw error;
      return openText(this.#previous, sealed, boundTo);
    }
  }
}

/** @throws Error for what `SpecSealer` has not written. */
export function placedSpec(text: string): PlacedSpec {
  return envelopeSchema.parse(JSON.parse(text));
}
