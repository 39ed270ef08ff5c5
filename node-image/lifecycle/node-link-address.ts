import ipaddr from 'ipaddr.js';
import type { Interfaces } from './listen-addresses';

/** Ranges of ipaddr.js that the internet does not route: RFC 1918, 4193, 1122, 3927, 6598. */
const PRIVATE_RANGES: ReadonlySet<string> = new Set([
  'private',
  'uniqueLocal',
  'loopback',
  'linkLocal',
  'carrierGradeNat',
]);
/** Bridges of containers and virtual machines: other machines do not reach them. */
const BRIDGE = /^(?:docker|br-|veth|virbr|cni|flannel|lxc|podman)/;

/** Whether nobody on the internet can reach an address. False for what is no address at all. */
export function isPrivateAddress(address: string): boolean {
  return ipaddr.isValid(address) && PRIVATE_RANGES.has(ipaddr.process(address).range());
}

/**
 * The address that a Media Node's link listens on, where none is given: the first private one that
 * other machines can reach, IPv4 before IPv6; loopback on a machine that has no other address.
 *
 * @returns undefined where all that the machine has is public.
 */
export function findNodeLinkAddress(interfaces: Interfaces): string | undefined {
  const all = Object.entries(interfaces).flatMap(([name, list]) =>
    (list ?? []).map(({ address, family, internal }) => ({ name, address, family, internal })),
  );
  const outer = all.filter(({ internal }) => !internal);
  const reachable = outer
    .filter(({ name, address }) => isPrivateAddress(address) && !BRIDGE.test(name))
    // A link-local one means nothing without the interface it is on.
    .filter(({ address }) => ipaddr.process(address).range() !== 'linkLocal');
  const byFamily = [
    ...reachable.filter(({ family }) => family === 'IPv4'),
    ...reachable.filter(({ family }) => family === 'IPv6'),
  ];
  const usable = outer.length === 0 ? all : byFamily;
  return usable[0]?.address;
}

/**
 * The address that a Media Node's link listens on: the given one, or else the one that is found.
 *
 * @throws Error where none is given, and all that the machine has is public.
 */
export function nodeLinkAddress(given: string, interfaces: Interfaces): string {
  const address = given === '' ? findNodeLinkAddress(interfaces) : given;
  if (address === undefined) {
    throw new Error(
      'this machine has no private address for the node link; set sluice.node_link.address',
    );
  }
  return address;
}
