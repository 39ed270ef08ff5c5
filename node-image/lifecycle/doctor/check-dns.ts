import type { Check } from './context';
import { type DoctorFinding, reportOf } from './problems';

/** What a resolver says where the name has no address. */
const ABSENT = ['ENOTFOUND', 'ENODATA', 'NXDOMAIN'];

/** Whether the name that clients use leads to this machine. */
export const checkDns: Check = async ({ config, question, system, entry, outside }) => {
  const { ok, problem, unchecked } = reportOf('DNS');
  const { domain } = question;
  if (config.sluice.role === 'media') return [];
  if (domain === undefined) {
    return [unchecked('no name is known that clients use', 'Give it with --domain.')];
  }
  let addresses: readonly string[];
  try {
    addresses = await system.resolve(domain);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    return [
      ABSENT.includes(code)
        ? problem(
            'dns-none',
            `${domain} has no address`,
            `Write records for ${domain}: A, and AAAA where the machine has IPv6.`,
          )
        : problem(
            'dns-silent',
            `no name server says what ${domain} is: ${code}`,
            'See /etc/resolv.conf, and that UDP and TCP are let out to port 53.',
          ),
    ];
  }
  const found = `${domain} is ${addresses.join(', ')}`;
  const own = ownAddresses();
  const foreign = addresses.filter((address) => !own.has(address));
  if (entry?.certificate === undefined) return [ok(found)];
  if (foreign.length === 0) return [ok(`${found}, this machine`)];
  return [elsewhere(foreign.length === addresses.length)];

  function ownAddresses(): ReadonlySet<string> {
    const local = Object.values(system.interfaces).flatMap((list) => list ?? []);
    const seen = outside.flatMap(({ seenAs }) => (seenAs === undefined ? [] : [seenAs.address]));
    const told = [config.rtc.node_ip?.v4, config.rtc.node_ip?.v6].filter((ip) => ip !== undefined);
    return new Set([...local.map(({ address }) => address), ...seen, ...told]);
  }

  function elsewhere(isAll: boolean): DoctorFinding {
    return problem(
      'dns-elsewhere',
      `${found}: ${isAll ? 'none of it is' : `${foreign.join(', ')} is not`} an address of this machine`,
      'Correct the records, unless other Master Nodes or a load balancer are there.',
    );
  }
};
