import { TwirpError } from './twirp-error';

/** Limits of what a Room and its participants may be called and carry, in bytes; 0 is no limit. */
export interface SizeLimits {
  /** `limit.max_metadata_size` @default 524288 */
  readonly maxMetadataSize?: number;
  /** `limit.max_attributes_size` @default 65536 */
  readonly maxAttributesSize?: number;
  /** `limit.max_room_name_length` @default 256 */
  readonly maxRoomNameLength?: number;
  /** `limit.max_participant_name_length` @default 256 */
  readonly maxParticipantNameLength?: number;
}

/** Checks the sizes in requests. Each method throws TwirpError `invalid_argument`. */
export class SizeChecks {
  readonly #limits: Required<SizeLimits>;

  constructor(limits: SizeLimits) {
    this.#limits = {
      maxMetadataSize: limits.maxMetadataSize ?? 512 * 1024,
      maxAttributesSize: limits.maxAttributesSize ?? 64 * 1024,
      maxRoomNameLength: limits.maxRoomNameLength ?? 256,
      maxParticipantNameLength: limits.maxParticipantNameLength ?? 256,
    };
  }

  roomName(name: string): void {
    if (name === '') throw new TwirpError('invalid_argument', 'no room name');
    atMost(byteLength(name), this.#limits.maxRoomNameLength, 'room name length exceeds limits');
  }

  participantName(name: string): void {
    atMost(byteLength(name), this.#limits.maxParticipantNameLength, 'name length exceeds limits');
  }

  metadata(metadata: string): void {
    atMost(byteLength(metadata), this.#limits.maxMetadataSize, 'metadata size exceeds limits');
  }

  attributes(attributes: Readonly<Record<string, string>>): void {
    const size = Object.entries(attributes).reduce(
      (sum, [key, value]) => sum + byteLength(key) + byteLength(value),
      0,
    );
    atMost(size, this.#limits.maxAttributesSize, 'attribute size exceeds limits');
  }
}

const byteLength = (text: string): number => Buffer.byteLength(text);

function atMost(size: number, limit: number, text: string): void {
  if (limit === 0 || size <= limit) return;
  // LiveKit's Twirp errors for an argument are the argument, a space and what is allowed.
  throw new TwirpError('invalid_argument', `${text} ${limit}`, { argument: text });
}
