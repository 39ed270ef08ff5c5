import type { DataPeer, DataSink } from '../../../node-image/room/data/data-peer';

export function peer(identity: string, changes: Partial<DataPeer> = {}): DataPeer {
  return {
    sid: `PA_${identity}`,
    identity,
    isAgent: false,
    hidden: false,
    canPublishData: true,
    canSubscribeMetrics: false,
    isSubscribedTo: () => false,
    ...changes,
  };
}

export interface Sent {
  readonly kind: string;
  readonly bytes: Uint8Array;
  /** Identities; undefined for a broadcast. */
  readonly to?: string[];
  readonly except?: string | undefined;
}

/** A sink that notes what it is given. */
export function recordingSink(): DataSink<{ identity: string }> & { sent: Sent[] } {
  const sent: Sent[] = [];
  return {
    sent,
    broadcast: (kind, bytes, except) => sent.push({ kind, bytes, except: except?.identity }),
    sendTo: (kind, bytes, peers) =>
      sent.push({ kind, bytes, to: peers.map(({ identity }) => identity) }),
  };
}
