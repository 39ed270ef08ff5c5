import type { NetworkInterfaceInfo } from 'node:os';
import ipaddr from 'ipaddr.js';
import type { SluiceConfig } from '../contract';

export type Interfaces = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>;

/** An address to listen on, and what clients are told instead, if it differs. */
export interface ListenAddress {
  readonly ip: string;
  readonly announced?: string | undefined;
}

type RtcConfig = Pick<
  SluiceConfig['rtc'],
  'node_ip' | 'interfaces' | 'ips' | 'enable_loopback_candidate' | 'external_ip_only'
>;

/**
 * The addresses that media is received on.
 *
 * Public addresses that STUN has found win over `rtc.node_ip`. An address of `rtc.node_ip` that this machine has is used alone; one that it does not have (a NAT
 * in front) is what clients are told instead of the machine's own. Otherwise every address counts
 * that `rtc.interfaces` and `rtc.ips` let through, IPv4 and IPv6, but link-local ones; loopback only
 * by `rtc.enable_loopback_candidate`, or where the machine has nothing else.
 *
 * @param external - public addresses that STUN has found, by local address.
 */
export function listenAddresses(
  rtc: RtcConfig,
  interfaces: Interfaces,
  external: ReadonlyMap<string, string> = new Map(),
): ListenAddress[] {
  const all = Object.entries(interfaces).flatMap(([name, list]) =>
    (list ?? []).map((info) => ({ name, info })),
  );
  const usable = all
    .filter(({ name, info }) => matchesName(rtc, name) && matchesIp(rtc, info.address))
    .map(({ info }) => info)
    .filter((info) => !isLinkLocal(info.address));
  const outer = usable.filter((info) => !info.internal);
  const inner = usable.filter((info) => info.internal);
  const chosen = [
    ...outer,
    ...(rtc.enable_loopback_candidate || outer.length === 0 ? inner : []),
  ].map((info) => info.address);
  const byNodeIp = addressesOfNodeIp(
    rtc,
    all.map(({ info }) => info.address),
    chosen,
  );
  if (byNodeIp.length > 0 && external.size === 0) {
    return byNodeIp;
  }
  const mapped = chosen.map((ip) => ({ ip, announced: external.get(ip) }));
  const kept =
    rtc.external_ip_only && external.size > 0
      ? mapped.filter(({ announced }) => announced !== undefined)
      : mapped;
  return kept.map(({ ip, announced }) =>
    announced === undefined || announced === ip ? { ip } : { ip, announced },
  );
}

function addressesOfNodeIp(
  { node_ip }: RtcConfig,
  own: readonly string[],
  usable: readonly string[],
): ListenAddress[] {
  const wanted = [node_ip?.v4, node_ip?.v6].filter((ip) => ip !== undefined && ip !== '');
  return wanted.flatMap((announced) => {
    if (announced === undefined || own.includes(announced)) {
      return announced === undefined ? [] : [{ ip: announced }];
    }
    const family = ipaddr.parse(announced).kind();
    const local = usable.find((ip) => ipaddr.parse(ip).kind() === family);
    return local === undefined ? [] : [{ ip: local, announced }];
  });
}

function matchesName({ interfaces }: RtcConfig, name: string): boolean {
  const { includes, excludes } = interfaces;
  // As in LiveKit: who says what to take has said what to leave.
  return includes.length > 0 ? includes.includes(name) : !excludes.includes(name);
}

function matchesIp({ ips }: RtcConfig, address: string): boolean {
  const within = (list: readonly string[]): boolean => list.some((cidr) => inCidr(address, cidr));
  return ips.includes.length > 0 ? within(ips.includes) : !within(ips.excludes);
}

function inCidr(address: string, cidr: string): boolean {
  const ip = ipaddr.process(address);
  const [network, bits] = ipaddr.isValidCIDR(cidr)
    ? ipaddr.parseCIDR(cidr)
    : [ipaddr.process(cidr), ipaddr.process(cidr).kind() === 'ipv4' ? 32 : 128];
  return ip.kind() === network.kind() && ip.match(network, bits);
}

/** Addresses to serve HTTP on, without IPv6 loopback on a machine that has no IPv6 at all. */
export function withoutMissingLoopback(
  addresses: readonly string[],
  interfaces: Interfaces,
): string[] {
  const all = Object.values(interfaces).flatMap((list) => list ?? []);
  const hasIpv6 = all.some((info) => info.family === 'IPv6');
  const kept = addresses.filter((address) => address !== '::1' || hasIpv6);
  return kept.length > 0 ? kept : [...addresses];
}

function isLinkLocal(address: string): boolean {
  return ipaddr.parse(address.split('%')[0] ?? address).range() === 'linkLocal';
}
