import { isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';

/** The PROXY header (v2) that HAProxy begins a connection with. @param address - undefined: its own check */
export function proxyHeader(address: string | undefined): Buffer {
  const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
  if (address === undefined) return Buffer.concat([signature, Buffer.from([0x20, 0, 0, 0])]);
  const from = Buffer.from(ipaddr.parse(address).toByteArray());
  const to = Buffer.alloc(from.length, 1);
  const ports = Buffer.from([0x30, 0x39, 0x07, 0x8f]);
  const body = Buffer.concat([from, to, ports]);
  const head = Buffer.from([0x21, isIPv6(address) ? 0x21 : 0x11, 0, body.length]);
  return Buffer.concat([signature, head, body]);
}
