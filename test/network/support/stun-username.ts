const MAGIC_COOKIE = 0x2112a442;
const BINDING_REQUEST = 0x0001;
const USERNAME = 0x0006;

/**
 * The ICE user fragment of whoever sent this connectivity check; undefined for any other datagram.
 *
 * Source: RFC 8489 section 5 for the format, RFC 8445 section 7.2.2 for "theirs:ours" in USERNAME.
 */
export function senderOfCheck(datagram: Buffer): string | undefined {
  if (datagram.length < 20 || datagram.readUInt32BE(4) !== MAGIC_COOKIE) return undefined;
  if (datagram.readUInt16BE(0) !== BINDING_REQUEST) return undefined;
  let at = 20;
  while (at + 4 <= datagram.length) {
    const length = datagram.readUInt16BE(at + 2);
    if (datagram.readUInt16BE(at) === USERNAME) {
      return datagram.toString('utf8', at + 4, at + 4 + length).split(':')[1];
    }
    at += 4 + Math.ceil(length / 4) * 4;
  }
  return undefined;
}
