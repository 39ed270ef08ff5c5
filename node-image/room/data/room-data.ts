import {
  type DataChannelReceiveState,
  DataPacket,
  DataPacket_Kind,
  type PerformRpcRequest,
  type SendDataRequest,
  UserPacket,
} from '@livekit/protocol';
import {
  type DropReason,
  type PacketKind,
  type RoutedPacket,
  recipientsOf,
  routeDataPacket,
} from './data-packets';
import { type DataPeer, type DataRecipients, type DataSink, selectRecipients } from './data-peer';
import { RpcCaller } from './rpc-caller';
import { NonceFilter, SentCache } from './sent-cache';

export interface RoomDataOptions<Peer> {
  /** All participants of the Room. */
  readonly peers: () => Iterable<Peer>;
  readonly sink: DataSink<Peer>;
  readonly onDropped?: (peer: Peer, reason: DropReason) => void;
  /** Milliseconds on a clock that never goes back. @default performance.now */
  readonly nowMs?: () => number;
}

/** The data packets of one Room: from participants, from the server API, and remote calls. */
export class RoomData<Peer extends DataPeer> {
  readonly #options: RoomDataOptions<Peer>;
  readonly #sent: SentCache;
  readonly #nonces = new NonceFilter();
  readonly #rpc: RpcCaller<Peer>;
  readonly #lastSequences = new Map<string, number>();

  constructor(options: RoomDataOptions<Peer>) {
    this.#options = options;
    this.#sent = new SentCache(options.nowMs);
    this.#rpc = new RpcCaller({
      send: (peer, bytes) => options.sink.sendTo('reliable', bytes, [peer]),
    });
  }

  /** Handles what a participant sent on `_reliable` or `_lossy`. Never throws. */
  receive(sender: Peer, kind: PacketKind, bytes: Uint8Array): RoutedPacket {
    const routed = routeDataPacket({
      bytes,
      kind,
      sender,
      lastSequence: this.lastSequence(sender),
      isDuplicateNonce: (nonce) => this.#nonces.isDuplicate(nonce),
      rpc: this.#rpc,
    });
    if (routed.lastSequence > 0) {
      this.#lastSequences.set(sender.sid, routed.lastSequence);
    }
    if (routed.action === 'drop') {
      this.#options.onDropped?.(sender, routed.reason);
    }
    if (routed.action === 'forward') {
      const { recipients, sequence } = routed;
      if (kind === 'reliable' && sequence > 0) {
        this.#sent.add({ senderSid: sender.sid, sequence, bytes: routed.bytes, recipients });
      }
      this.#forward(kind, routed.bytes, recipients, sender);
    }
    return routed;
  }

  /** Sends what the server API was asked to; a repeated nonce is sent once. */
  sendData(request: SendDataRequest): void {
    if (this.#nonces.isDuplicate(request.nonce)) {
      return;
    }
    const packet = new DataPacket({
      kind: request.kind,
      destinationIdentities: request.destinationIdentities,
      value: {
        case: 'user',
        value: new UserPacket({
          payload: request.data,
          destinationSids: request.destinationSids,
          destinationIdentities: request.destinationIdentities,
          nonce: request.nonce,
          ...(request.topic === undefined ? {} : { topic: request.topic }),
        }),
      },
    });
    const kind = request.kind === DataPacket_Kind.RELIABLE ? 'reliable' : 'lossy';
    this.#forward(kind, packet.toBinary(), recipientsOf(packet));
  }

  /** @throws RoomError; see RpcCaller.perform */
  performRpc(peer: Peer, request: PerformRpcRequest, roundTripMs?: number): Promise<string> {
    return this.#rpc.perform(peer, request, roundTripMs);
  }

  /** What a resuming participant is told as `ReconnectResponse.last_message_seq`. */
  lastSequence(peer: Pick<DataPeer, 'sid'>): number {
    return this.#lastSequences.get(peer.sid) ?? 0;
  }

  /** Sends again what `SyncState.datachannel_receive_states` shows as missed. */
  replay(peer: Peer, states: readonly DataChannelReceiveState[]): void {
    for (const bytes of this.#sent.missedBy(peer, states)) {
      this.#options.sink.sendTo('reliable', bytes, [peer]);
    }
  }

  peerLeft(peer: Pick<DataPeer, 'sid'>): void {
    this.#lastSequences.delete(peer.sid);
    this.#rpc.peerLeft(peer);
  }

  close(): void {
    this.#rpc.close();
  }

  #forward(kind: PacketKind, bytes: Uint8Array, recipients: DataRecipients, sender?: Peer): void {
    const { sink, peers } = this.#options;
    if (recipients.to === 'others') {
      sink.broadcast(kind, bytes, sender);
      return;
    }
    const chosen = selectRecipients(recipients, sender, peers());
    if (chosen.length > 0) {
      sink.sendTo(kind, bytes, chosen);
    }
  }
}
