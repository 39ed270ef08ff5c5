import { isIPv4 } from 'node:net';
import { listenAddresses } from '../listen-addresses';
import { isPrivateAddress } from '../node-link-address';
import type { Check, DoctorContext } from './context';
import type { Outside } from './outside';
import { type DoctorFinding, reportOf } from './problems';

const { ok, unchecked, problem } = reportOf('Public address');

/** What clients are told to send media to, and how the internet sees this machine. */
export const checkAddress: Check = async (context) => {
  const { config, system, outside } = context;
  if (config.sluice.role === 'master') return [];
  const local = listenAddresses(config.rtc, system.interfaces);
  if (local.length === 0) {
    const all = Object.values(system.interfaces).flatMap((list) => list ?? []);
    return [
      problem(
        'address-none',
        `no address is left for media of ${all.map(({ address }) => address).join(', ') || 'none'}`,
        'Correct rtc.interfaces and rtc.ips, which leave all of them out, or rtc.node_ip.',
      ),
    ];
  }
  const told = toldAddresses(context);
  const findings = outside.flatMap((each) => judge(context, each, told.get(each.ip) ?? each.ip));
  const all = [...new Set(local.map(({ ip }) => told.get(ip) ?? ip))];
  return [
    ...(findings.length > 0 ? findings : [ok(`clients are told ${all.join(', ')}`)]),
    unchecked(
      'whether firewalls in between let clients in is not seen from this machine',
      'Open what this says: sluice serve --config FILE ports',
    ),
  ];
};

/** What clients are told of each local address. */
function toldAddresses({ config, system, outside }: DoctorContext): ReadonlyMap<string, string> {
  const { rtc } = config;
  const found = rtc.use_external_ip
    ? outside.flatMap(({ ip, seenAs }) => (seenAs ? [[ip, seenAs.address] as const] : []))
    : [];
  const chosen = listenAddresses(rtc, system.interfaces, new Map(found));
  return new Map(chosen.map(({ ip, announced }) => [ip, announced ?? ip]));
}

function judge(
  { config: { rtc, sluice } }: DoctorContext,
  { ip, seenAs }: Outside,
  told: string,
): readonly DoctorFinding[] {
  if (seenAs === undefined) {
    if (!isPrivateAddress(told)) return [];
    return [
      rtc.use_external_ip
        ? problem(
            'address-unknown',
            `no STUN server answered, so clients are told ${told}, which only its own network reaches`,
            'Let UDP out to a STUN server, name one that is reached in rtc.stun_servers, or set rtc.node_ip to the public address.',
          )
        : unchecked(`no STUN server answered to say how the internet sees ${ip}`),
    ];
  }
  const { address, port, localPort } = seenAs;
  if (isIPv4(told) && told !== address) {
    return [
      isPrivateAddress(told)
        ? problem(
            'address-hidden',
            `clients are told ${told}, which only its own network reaches; the internet sees ${address}`,
            `Set rtc.use_external_ip: true, or rtc.node_ip: ${address}, where clients come from the internet.`,
          )
        : problem(
            'address-wrong',
            `clients are told ${told}, and the internet sees ${ip} as ${address}`,
            `Correct rtc.node_ip, unless ${told} leads to this machine too.`,
          ),
    ];
  }
  if (port !== localPort && address !== ip) {
    const first = rtc.udp_port?.start ?? rtc.port_range_start;
    return [
      problem(
        'address-nat',
        `a NAT before this machine changes ports: ${localPort} is seen as ${port}`,
        `Have it forward UDP ${first} to ${first + sluice.workers - 1}, and the other ports of \`sluice serve ports\`, to ${ip} unchanged.`,
      ),
    ];
  }
  return [];
}
