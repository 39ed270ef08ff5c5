import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** Addresses of one family that follow each other, both ends included. */
export interface PeerRange {
  readonly family: 'ipv4' | 'ipv6';
  readonly first: bigint;
  readonly last: bigint;
}

/** @throws Error where it is neither an address nor a network. */
export function peerRange(peer: string): PeerRange {
  if (!ipaddr.isValidCIDR(peer)) {
    if (isIP(peer) === 0) {
      throw new Error(`TURN cannot use "${peer}": give an IPv4 or IPv6 address.`);
    }
    const address = ipaddr.parse(peer);
    const value = numberOf(address);
    return { family: address.kind(), first: value, last: value };
  }
  const kind = peer.includes(':') ? ipaddr.IPv6 : ipaddr.IPv4;
  const first = kind.networkAddressFromCIDR(peer);
  const last = kind.broadcastAddressFromCIDR(peer);
  return { family: first.kind(), first: numberOf(first), last: numberOf(last) };
}

/** What is left of the first without the second. */
export function without(ranges: readonly PeerRange[], taken: readonly PeerRange[]): PeerRange[] {
  return taken.reduce<PeerRange[]>(
    (left, { family, first, last }) =>
      left.flatMap((range) => {
        if (range.family !== family || range.last < first || range.first > last) {
          return [range];
        }
        return [
          { family, first: range.first, last: first - 1n },
          { family, first: last + 1n, last: range.last },
        ].filter((rest) => rest.first <= rest.last);
      }),
    [...ranges],
  );
}

/** As coturn has it: one address, or the first and the last with a dash. */
export function rangeText({ family, first, last }: PeerRange): string {
  const from = textOf(family, first);
  return first === last ? from : `${from}-${textOf(family, last)}`;
}

/** Whether its first address is one of this machine itself. */
export const isLoopback = ({ family, first }: PeerRange): boolean =>
  ipaddr.fromByteArray(bytesOf(family, first)).range() === 'loopback';

const numberOf = (address: ipaddr.IPv4 | ipaddr.IPv6): bigint =>
  BigInt(`0x${Buffer.from(address.toByteArray()).toString('hex')}`);

function bytesOf(family: PeerRange['family'], value: bigint): number[] {
  const length = family === 'ipv4' ? 4 : 16;
  return [...Buffer.from(value.toString(16).padStart(length * 2, '0'), 'hex')];
}

const textOf = (family: PeerRange['family'], value: bigint): string =>
  ipaddr.fromByteArray(bytesOf(family, value)).toString();
