import type { IncomingHttpHeaders } from 'node:http';
import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Network = [Address, number];

/** What is read of a request: an `IncomingMessage` is one. */
export interface AddressedRequest {
  readonly headers: IncomingHttpHeaders;
  readonly socket: { readonly remoteAddress?: string | undefined };
}

export interface ClientAddressesOptions {
  /** `sluice.trusted_proxies`: networks such as 10.0.0.0/8, or single addresses. */
  readonly trustedProxies: readonly string[];
}

/**
 * Whose address a request comes from.
 *
 * What headers say counts only where a trusted proxy wrote it: of `X-Forwarded-For` the rightmost
 * address that is not a trusted proxy's, since everything left of it may be the client's invention.
 * `X-Real-IP` and `CF-Connecting-IP` come after it: proxies that do not know them pass them on.
 */
export class ClientAddresses {
  readonly #trusted: readonly Network[];

  /** @throws Error when an entry is neither a network nor an address. */
  constructor({ trustedProxies }: ClientAddressesOptions) {
    this.#trusted = trustedProxies.map(networkOf);
  }

  /** @returns the address in its shortest form; empty when the connection is already gone. */
  of({ headers, socket }: AddressedRequest): string {
    const peer = addressOf(socket.remoteAddress);
    if (peer === undefined) return '';
    return (this.#isTrusted(peer) ? this.#forwarded(headers, peer) : peer).toString();
  }

  #forwarded(headers: IncomingHttpHeaders, peer: Address): Address {
    const list = textOf(headers['x-forwarded-for']);
    if (list === undefined) {
      const single = textOf(headers['x-real-ip']) ?? textOf(headers['cf-connecting-ip']);
      return addressOf(single) ?? peer;
    }
    let found = peer;
    for (const entry of list.split(',').reverse()) {
      const address = addressOf(entry);
      // Behind what no proxy could have written, nothing is worth reading.
      if (address === undefined) break;
      found = address;
      if (!this.#isTrusted(address)) break;
    }
    return found;
  }

  #isTrusted(address: Address): boolean {
    return this.#trusted.some(
      ([network, bits]) => network.kind() === address.kind() && address.match(network, bits),
    );
  }
}

/**
 * What counts as one client for limits: an IPv4 address, or the /64 that an IPv6 client has to
 * itself.
 */
export function addressGroup(address: string): string {
  const parsed = addressOf(address);
  if (parsed?.kind() !== 'ipv6') return address;
  const prefix = parsed.toByteArray().slice(0, 8);
  return `${ipaddr.fromByteArray([...prefix, 0, 0, 0, 0, 0, 0, 0, 0]).toString()}/64`;
}

function networkOf(text: string): Network {
  if (ipaddr.isValidCIDR(text)) {
    const [network, bits] = ipaddr.parseCIDR(text);
    return [network, bits];
  }
  const address = addressOf(text);
  if (address === undefined) {
    throw new Error(
      `"${text}" in sluice.trusted_proxies is neither an address nor a network such as 10.0.0.0/8.`,
    );
  }
  return [address, address.kind() === 'ipv4' ? 32 : 128];
}

/** Some proxies add the port: "192.0.2.1:4711", "[2001:db8::1]:4711". */
function addressOf(text: string | undefined): Address | undefined {
  const bare = (text ?? '')
    .trim()
    .replace(/^\[(.*)\](?::\d+)?$/, '$1')
    .replace(/^([\d.]+):\d+$/, '$1')
    .replace(/%.*$/, '');
  if (ipaddr.IPv4.isValidFourPartDecimal(bare)) return ipaddr.IPv4.parse(bare);
  // `process` makes an IPv4-mapped address the IPv4 one.
  return ipaddr.IPv6.isValid(bare) ? ipaddr.process(bare) : undefined;
}

/** Node joins repeated headers with a comma, or gives them as a list. */
function textOf(value: string | readonly string[] | undefined): string | undefined {
  const text = typeof value === 'string' ? value : value?.join(',');
  return text === undefined || text.trim() === '' ? undefined : text;
}
