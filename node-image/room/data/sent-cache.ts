import type { DataChannelReceiveState } from '@livekit/protocol';
import type { DataPeer, DataRecipients } from './data-peer';

const maxAgeMs = 2_000;
const maxBytes = 100_000;
const nonceBytes = 16;
const maxNonces = 100;

interface SentPacket {
  readonly senderSid: string;
  readonly sequence: number;
  readonly bytes: Uint8Array;
  readonly recipients: DataRecipients;
}

interface CachedPacket extends SentPacket {
  readonly atMs: number;
}

/**
 * The reliable packets of the last 2 s, at most 100 kB of them, for participants who resume.
 *
 * Source: livekit-server, room.go dataMessageCacheTTL and dataMessageCacheSize.
 */
export class SentCache {
  readonly #nowMs: () => number;
  #packets: CachedPacket[] = [];
  #bytes = 0;

  /** @param nowMs a clock that never goes back, in milliseconds. @default performance.now */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  add(packet: SentPacket): void {
    this.#packets.push({ ...packet, atMs: this.#nowMs() });
    this.#bytes += packet.bytes.byteLength;
    this.#prune();
  }

  /** @returns what a participant has missed, by what it says it received last of each sender. */
  missedBy(
    receiver: Pick<DataPeer, 'sid' | 'identity'>,
    states: readonly Pick<DataChannelReceiveState, 'publisherSid' | 'lastSeq'>[],
  ): Uint8Array[] {
    this.#prune();
    const lastSequences = new Map(states.map((state) => [state.publisherSid, state.lastSeq]));
    return this.#packets
      .filter((packet) => {
        const last = lastSequences.get(packet.senderSid);
        return last !== undefined && packet.sequence > last && isFor(packet.recipients, receiver);
      })
      .map((packet) => packet.bytes);
  }

  #prune(): void {
    const oldest = this.#nowMs() - maxAgeMs;
    let expired = 0;
    for (const packet of this.#packets) {
      if (packet.atMs >= oldest && this.#bytes <= maxBytes) {
        break;
      }
      this.#bytes -= packet.bytes.byteLength;
      expired += 1;
    }
    if (expired > 0) {
      this.#packets = this.#packets.slice(expired);
    }
  }
}

function isFor(recipients: DataRecipients, receiver: Pick<DataPeer, 'sid' | 'identity'>): boolean {
  switch (recipients.to) {
    case 'others':
      return true;
    case 'named':
      return (
        recipients.identities.includes(receiver.identity) || recipients.sids.includes(receiver.sid)
      );
    case 'metrics':
      return false;
  }
}

/**
 * Recognizes the retries of SendData by the nonce of their user packet.
 *
 * Source: livekit_models.proto, UserPacket.nonce.
 */
export class NonceFilter {
  readonly #seen = new Set<string>();

  /** @returns whether this nonce was among the last 100. Nonces not of 16 bytes never are. */
  isDuplicate(nonce: Uint8Array): boolean {
    if (nonce.byteLength !== nonceBytes) {
      return false;
    }
    const key = Buffer.from(nonce).toString('latin1');
    if (this.#seen.has(key)) {
      return true;
    }
    this.#seen.add(key);
    for (const oldest of this.#seen) {
      if (this.#seen.size <= maxNonces) {
        break;
      }
      this.#seen.delete(oldest);
    }
    return false;
  }
}
