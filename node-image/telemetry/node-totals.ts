/** What this node does, as plain numbers: its own record in the cluster is made of them. */
export class NodeTotals {
  rooms = 0;
  participants = 0;
  /** Tracks published here. */
  tracksIn = 0;
  /** Subscriptions to tracks. */
  tracksOut = 0;
  bytesIn = 0;
  bytesOut = 0;
  packetsIn = 0;
  packetsOut = 0;
  nacks = 0;

  addTraffic(direction: 'incoming' | 'outgoing', packets: number, bytes: number): void {
    if (direction === 'incoming') {
      this.packetsIn += packets;
      this.bytesIn += bytes;
      return;
    }
    this.packetsOut += packets;
    this.bytesOut += bytes;
  }
}
