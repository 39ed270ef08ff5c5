import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { isIPv4 } from 'node:net';

const MAGIC_COOKIE = 0x2112a442;
const BINDING_REQUEST = 0x0001;
const BINDING_SUCCESS = 0x0101;
const XOR_MAPPED_ADDRESS = 0x0020;
const HEADER_BYTES = 20;
const RETRY_MS = 500;

/**
 * The public IPv4 address that a local one is seen as, asked of a STUN server.
 *
 * Source: RFC 8489 sections 5, 14.2; RFC 8489 section 6.2.1 for asking again.
 *
 * @param server - `host:port`.
 * @throws Error where no answer comes in time.
 */
export async function externalAddress(
  localIp: string,
  server: string,
  timeoutMs = 3000,
): Promise<string> {
  const colon = server.lastIndexOf(':');
  const host = colon < 0 ? server : server.slice(0, colon);
  const port = colon < 0 ? 3478 : Number(server.slice(colon + 1));
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new Error(
      `"${server}" is no STUN server; host:port is allowed, with a port of 1 to 65535`,
    );
  }
  const transaction = randomBytes(12);
  const request = Buffer.alloc(HEADER_BYTES);
  request.writeUInt16BE(BINDING_REQUEST, 0);
  request.writeUInt32BE(MAGIC_COOKIE, 4);
  transaction.copy(request, 8);
  const socket = createSocket('udp4');
  let again: NodeJS.Timeout | undefined;
  let end: NodeJS.Timeout | undefined;
  try {
    return await new Promise<string>((resolve, reject) => {
      const send = (): void => socket.send(request, port, host, (error) => error && reject(error));
      socket.on('error', reject);
      socket.on('message', (message) => {
        const address = readMappedAddress(message, transaction);
        if (address !== undefined) {
          resolve(address);
        }
      });
      socket.bind(0, localIp, send);
      again = setInterval(send, RETRY_MS);
      end = setTimeout(() => {
        reject(new Error(`no answer from the STUN server ${server} within ${timeoutMs} ms`));
      }, timeoutMs);
    });
  } finally {
    clearInterval(again);
    clearTimeout(end);
    socket.close();
  }
}

/** @returns undefined for what is not the answer to this request. */
function readMappedAddress(message: Buffer, transaction: Buffer): string | undefined {
  const isAnswer =
    message.length >= HEADER_BYTES &&
    message.readUInt16BE(0) === BINDING_SUCCESS &&
    message.subarray(8, HEADER_BYTES).equals(transaction);
  for (let at = HEADER_BYTES; isAnswer && at + 4 <= message.length; ) {
    const type = message.readUInt16BE(at);
    const length = message.readUInt16BE(at + 2);
    if (type === XOR_MAPPED_ADDRESS && length >= 8 && at + 12 <= message.length) {
      const bits = (message.readUInt32BE(at + 8) ^ MAGIC_COOKIE) >>> 0;
      const address = [24, 16, 8, 0].map((shift) => (bits >>> shift) & 0xff).join('.');
      return isIPv4(address) ? address : undefined;
    }
    at += 4 + length + ((4 - (length % 4)) % 4);
  }
  return undefined;
}
