import { isIP, type Socket } from 'node:net';
import ipaddr from 'ipaddr.js';
import { RtmpError } from './chunk-reader';

/** What a header of version 2 begins with. */
const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const HEAD_BYTES = 16;
/** An address has 36 bytes; what else is said of a connection is not read. */
const MAX_BYTES = 4096;

const LOCAL = 0x20;
const PROXY = 0x21;
const TCP4 = 0x11;
const TCP6 = 0x21;

/** What is said of a connection, and what came after that. */
export interface ProxiedConnection {
  /** Of the client. Undefined: it is of the proxy itself, which looks whether somebody listens. */
  readonly address: string | undefined;
  readonly rest: Buffer;
}

/**
 * Reads the PROXY header of version 2 that a connection begins with.
 *
 * @returns undefined: more of it has to come.
 * @throws RtmpError for what is none.
 * Source: The PROXY protocol, versions 1 and 2, section 2.2, haproxy.org.
 */
export function readProxyHeader(data: Buffer): ProxiedConnection | undefined {
  const begin = data.subarray(0, SIGNATURE.length);
  if (!begin.equals(SIGNATURE.subarray(0, begin.length))) {
    throw new RtmpError(
      'it begins without a PROXY header (v2), which who passes it on has to send',
    );
  }
  if (data.length < HEAD_BYTES) return undefined;
  const end = HEAD_BYTES + data.readUInt16BE(14);
  if (end > MAX_BYTES) throw new RtmpError(`a PROXY header of ${end} bytes; ${MAX_BYTES} are read`);
  if (data.length < end) return undefined;
  const address = addressIn(data.readUInt8(12), data.readUInt8(13), data.subarray(HEAD_BYTES, end));
  return { address, rest: data.subarray(end) };
}

function addressIn(command: number, family: number, body: Buffer): string | undefined {
  if (command === LOCAL) return undefined;
  if (command !== PROXY) throw new RtmpError('a PROXY header of another version than 2');
  if (family === TCP4 && body.length >= 12) return [...body.subarray(0, 4)].join('.');
  if (family === TCP6 && body.length >= 36) {
    return ipaddr.fromByteArray([...body.subarray(0, 16)]).toString();
  }
  // Of another family: whoever it is.
  return undefined;
}

/**
 * Whose connections are counted together: an IPv4 address, or the network of an IPv6 one, of which
 * whoever has one has all.
 */
export function countedAddress(address: string): string {
  if (isIP(address) !== 6) return address;
  const read = ipaddr.process(address);
  return read.kind() === 'ipv4' ? read.toString() : `${hexOf(read.toByteArray().slice(0, 8))}/64`;
}

const hexOf = (bytes: readonly number[]): string => Buffer.from(bytes).toString('hex');

/** Reads the header of a connection, and gives back what came after it. Calls back once, or never. */
export function afterProxyHeader(
  socket: Socket,
  then: (connection: ProxiedConnection) => void,
  refused: (error: unknown) => void,
): void {
  let data: Buffer = Buffer.alloc(0);
  const take = (chunk: Buffer): void => {
    data = Buffer.concat([data, chunk]);
    try {
      const connection = readProxyHeader(data);
      if (connection === undefined) return;
      socket.removeListener('data', take);
      then(connection);
    } catch (error) {
      socket.removeListener('data', take);
      refused(error);
    }
  };
  socket.on('data', take);
}
