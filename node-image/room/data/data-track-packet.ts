/**
 * The packets of data tracks, which the server touches in one place: the handle of their track.
 *
 *     0                   1                   2                   3
 *    | V   |S|F|X| reserved            | handle                        |
 *    | sequence number                 | frame number                  |
 *    | timestamp                                                       |
 *    | if X: words of extensions less 1 | extensions ...               |
 */
const headerBytes = 12;
const handleOffset = 2;
const extensionFlag = 0x04;

/** @returns the publisher's handle, or undefined where this is no packet of a data track. */
export function readHandle(packet: Buffer): number | undefined {
  if (packet.length < headerBytes) {
    return undefined;
  }
  const hasExtensions = (packet.readUInt8(0) & extensionFlag) !== 0;
  if (hasExtensions) {
    if (packet.length < headerBytes + 2) {
      return undefined;
    }
    const extensionBytes = (packet.readUInt16BE(headerBytes) + 1) * 4;
    if (packet.length < headerBytes + extensionBytes) {
      return undefined;
    }
  }
  return packet.readUInt16BE(handleOffset);
}

/** @returns a copy of the packet with another handle. */
export function withHandle(packet: Buffer, handle: number): Buffer {
  const copy = Buffer.from(packet);
  copy.writeUInt16BE(handle, handleOffset);
  return copy;
}
