import { DataPacket, DataPacket_Kind, type RpcResponse } from '@livekit/protocol';
import type { DataPeer, DataRecipients } from './data-peer';

export type DropReason =
  | 'not_allowed'
  | 'malformed'
  | 'repeated_sequence'
  | 'repeated_nonce'
  | 'transcription_not_from_agent'
  | 'only_server_may_send';

export type PacketKind = 'reliable' | 'lossy';

/** Takes the answers to calls that the server itself has made. */
export interface RpcAnswers {
  /** @returns whether the answer was to a call of the server, and so goes no further. */
  acknowledged(from: DataPeer, requestId: string): boolean;
  responded(from: DataPeer, response: RpcResponse): boolean;
}

export interface IncomingPacket {
  readonly bytes: Uint8Array;
  readonly kind: PacketKind;
  readonly sender: DataPeer;
  /** The last sequence number of a reliable packet from this sender; 0 before the first. */
  readonly lastSequence: number;
  readonly isDuplicateNonce: (nonce: Uint8Array) => boolean;
  readonly rpc: RpcAnswers;
}

export type RoutedPacket =
  | {
      readonly action: 'forward';
      readonly bytes: Uint8Array;
      readonly recipients: DataRecipients;
      /** 0 where the packet carries none. */
      readonly sequence: number;
      readonly lastSequence: number;
    }
  /** The server itself was meant. */
  | { readonly action: 'taken'; readonly lastSequence: number }
  | { readonly action: 'drop'; readonly reason: DropReason; readonly lastSequence: number };

type Verdict = 'forward' | 'metrics' | 'taken' | DropReason;

/**
 * Decides what becomes of a packet that a participant sent on `_reliable` or `_lossy`.
 *
 * Who sent it is never believed: sid and identity are overwritten, save that agents may write chat
 * messages and text streams in the name of others. Never throws.
 *
 * Source: livekit-server, ParticipantImpl.handleReceivedDataMessage, BroadcastDataPacketForRoom.
 */
export function routeDataPacket(incoming: IncomingPacket): RoutedPacket {
  const { sender, kind } = incoming;
  let { lastSequence } = incoming;
  if (!sender.canPublishData) {
    return { action: 'drop', reason: 'not_allowed', lastSequence };
  }
  const packet = decode(incoming.bytes);
  if (packet === undefined) {
    return { action: 'drop', reason: 'malformed', lastSequence };
  }
  if (kind === 'reliable' && packet.sequence > 0) {
    if (packet.sequence <= lastSequence) {
      return { action: 'drop', reason: 'repeated_sequence', lastSequence };
    }
    lastSequence = packet.sequence;
  }
  const inTheNameOf = sender.hidden ? '' : sender.identity;
  packet.participantSid = sender.sid;
  packet.participantIdentity = speaksForOther(packet, sender)
    ? packet.participantIdentity
    : inTheNameOf;
  packet.kind = kind === 'reliable' ? DataPacket_Kind.RELIABLE : DataPacket_Kind.LOSSY;

  const verdict = judge(packet, incoming);
  switch (verdict) {
    case 'taken':
      return { action: 'taken', lastSequence };
    case 'forward':
    case 'metrics':
      return {
        action: 'forward',
        bytes: packet.toBinary(),
        recipients: verdict === 'metrics' ? { to: 'metrics' } : recipientsOf(packet),
        sequence: packet.sequence,
        lastSequence,
      };
    default:
      return { action: 'drop', reason: verdict, lastSequence };
  }
}

/** @returns whom a packet names: its destinations, or everybody where it names nobody. */
export function recipientsOf(packet: DataPacket): DataRecipients {
  const identities = packet.destinationIdentities;
  const sids = packet.value.case === 'user' ? packet.value.value.destinationSids : [];
  return identities.length + sids.length === 0
    ? { to: 'others' }
    : { to: 'named', identities, sids };
}

function decode(bytes: Uint8Array): DataPacket | undefined {
  try {
    return DataPacket.fromBinary(bytes);
  } catch {
    return undefined;
  }
}

function judge(packet: DataPacket, { sender, isDuplicateNonce, rpc }: IncomingPacket): Verdict {
  const content = packet.value;
  switch (content.case) {
    case 'user': {
      const user = content.value;
      if (isDuplicateNonce(user.nonce)) {
        return 'repeated_nonce';
      }
      // Old clients read these fields of the user packet, new ones those of the data packet.
      user.participantSid = sender.hidden ? '' : sender.sid;
      user.participantIdentity = packet.participantIdentity;
      if (packet.destinationIdentities.length > 0) {
        user.destinationIdentities = packet.destinationIdentities;
      } else {
        packet.destinationIdentities = user.destinationIdentities;
      }
      return 'forward';
    }
    case 'transcription':
      return sender.isAgent ? 'forward' : 'transcription_not_from_agent';
    case 'metrics':
      return 'metrics';
    case 'rpcAck':
      return rpc.acknowledged(sender, content.value.requestId) ? 'taken' : 'forward';
    case 'rpcResponse':
      return rpc.responded(sender, content.value) ? 'taken' : 'forward';
    case 'speaker':
      return 'only_server_may_send';
    default:
      // Contents of newer clients stay in the packet as unknown fields.
      return 'forward';
  }
}

/** Marks what an agent writes for somebody else. @returns whether it does. */
function speaksForOther(packet: DataPacket, sender: DataPeer): boolean {
  const claimed = packet.participantIdentity;
  if (!sender.isAgent || claimed === '' || claimed === sender.identity) {
    return false;
  }
  const content = packet.value;
  if (content.case === 'chatMessage') {
    content.value.generated = true;
    return true;
  }
  if (content.case === 'streamHeader' && content.value.contentHeader.case === 'textHeader') {
    content.value.contentHeader.value.generated = true;
    return true;
  }
  return false;
}
