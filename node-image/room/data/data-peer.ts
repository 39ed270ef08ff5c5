import type { DataKind } from '../../media/data/data-kinds';

/** What the data rules must know of a participant. Read anew for every packet. */
export interface DataPeer {
  readonly sid: string;
  readonly identity: string;
  /** An agent by its kind or by the `agent` grant. */
  readonly isAgent: boolean;
  readonly hidden: boolean;
  readonly canPublishData: boolean;
  readonly canSubscribeMetrics: boolean;
  /** Whether it is subscribed to any track of the participant with this sid. */
  isSubscribedTo(sid: string): boolean;
}

/** Where packets go out. `DataBus` and `DataOutlet` stand behind it. */
export interface DataSink<Peer> {
  /** To everybody in the Room but one. */
  broadcast(kind: DataKind, bytes: Uint8Array, except?: Peer): void;
  sendTo(kind: DataKind, bytes: Uint8Array, peers: readonly Peer[]): void;
}

export type DataRecipients =
  | { readonly to: 'others' }
  /** Those of these names, and not the sender. */
  | {
      readonly to: 'named';
      readonly identities: readonly string[];
      readonly sids: readonly string[];
    }
  /** Those who may see metrics and are subscribed to the sender; the sender too. */
  | { readonly to: 'metrics' };

/** @returns the peers that get a packet; `sender` is undefined for packets of the server API. */
export function selectRecipients<Peer extends DataPeer>(
  recipients: DataRecipients,
  sender: Peer | undefined,
  peers: Iterable<Peer>,
): Peer[] {
  const isSender = (peer: Peer): boolean => peer.sid === sender?.sid;
  if (recipients.to === 'others') {
    return [...peers].filter((peer) => !isSender(peer));
  }
  if (recipients.to === 'metrics') {
    const concerns = (peer: Peer): boolean =>
      isSender(peer) || (sender !== undefined && peer.isSubscribedTo(sender.sid));
    return [...peers].filter((peer) => peer.canSubscribeMetrics && concerns(peer));
  }
  const identities = new Set(recipients.identities);
  const sids = new Set(recipients.sids);
  return [...peers].filter(
    (peer) => !isSender(peer) && (identities.has(peer.identity) || sids.has(peer.sid)),
  );
}
