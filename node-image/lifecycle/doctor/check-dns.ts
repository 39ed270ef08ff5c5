import type { Check, DoctorContext } from './context';
import { type DoctorFinding, reportOf } from './problems';

const { ok, problem, unchecked } = reportOf('DNS');
/** What a resolver says where the name has no address. */
const ABSENT = ['ENOTFOUND', 'ENODATA'];

/** Whether the name that clients use leads to this machine. */
export const checkDns: Check = async (context) => {
  const { config, question, system } = context;
  const { domain } = question;
  if (config.sluice.role === 'media') return [];
  if (domain === undefined) {
    return [unchecked('no name is known that clients use', 'Give it with --domain.')];
  }
  try {
    return [judge(context, domain, await system.resolve(domain))];
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
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
};

function judge(
  context: DoctorContext,
  domain: string,
  addresses: readonly string[],
): DoctorFinding {
  const found = `${domain} is ${addresses.join(', ')}`;
  // Where TLS does not end on this machine, it ends at a load balancer, whose addresses these are.
  if (context.entry?.certificate === undefined) return ok(found);
  const own = ownAddresses(context);
  const foreign = addresses.filter((address) => !own.has(address));
  if (foreign.length === 0) return ok(`${found}, this machine`);
  const who =
    foreign.length === addresses.length ? 'none of it is' : `${foreign.join(', ')} is not`;
  return problem(
    'dns-elsewhere',
    `${found}: ${who} an address of this machine`,
    'Correct the records, unless other Master Nodes or a load balancer are there.',
  );
}

/** Those that it has, and those that a NAT has for it. */
function ownAddresses({ config, system, outside }: DoctorContext): ReadonlySet<string> {
  const local = Object.values(system.interfaces).flatMap((list) => list ?? []);
  const seen = outside.flatMap(({ seenAs }) => (seenAs === undefined ? [] : [seenAs.address]));
  const told = [config.rtc.node_ip?.v4, config.rtc.node_ip?.v6].filter((ip) => ip !== undefined);
  return new Set([...local.map(({ address }) => address), ...seen, ...told]);
}
