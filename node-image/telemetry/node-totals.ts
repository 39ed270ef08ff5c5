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
  /** In and out together, over the last seconds. */
  bytesPerSecond = 0;

  /** Whether a limit is reached; 0 or less sets none. */
  exceeds(tracks: number, bytesPerSecond: number): boolean {
    return (
      (tracks > 0 && this.tracksIn + this.tracksOut >= tracks) ||
      (bytesPerSecond > 0 && this.bytesPerSecond >= bytesPerSecond)
    );
  }

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
