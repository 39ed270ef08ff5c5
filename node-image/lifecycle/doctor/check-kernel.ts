import { join } from 'node:path';
import type { SluiceConfig } from '../../contract';
import type { Check, DoctorContext, DoctorSystem } from './context';
import { portsOf } from './port-list';
import { type DoctorFinding, type Problem, reportOf } from './problems';

const report = reportOf('Kernel');
/** What install.sh has put into /etc/sysctl.d, with the reason of each value. */
export const SYSCTL_FILE = join(__dirname, '../../image/sysctl/60-sluice.conf');
const PORT_RANGE = 'net.ipv4.ip_local_port_range';
const HOW =
  'Run as root: sysctl -p /etc/sysctl.d/60-sluice.conf (install.sh brings the file; in the sources it is node-image/image/sysctl/60-sluice.conf). In a container the host has to.';

interface Group {
  readonly problem: Problem;
  readonly keys: readonly string[];
  /** What comes of it, for people. */
  readonly effect: string;
  readonly roles: readonly SluiceConfig['sluice']['role'][];
}

const GROUPS: readonly Group[] = [
  {
    problem: 'kernel-buffers',
    keys: [
      'net.core.rmem_max',
      'net.core.wmem_max',
      'net.core.rmem_default',
      'net.core.wmem_default',
      'net.core.netdev_max_backlog',
    ],
    effect: 'a burst of media loses packets',
    roles: ['single', 'media'],
  },
  {
    problem: 'kernel-queues',
    keys: ['net.core.somaxconn', 'net.ipv4.tcp_max_syn_backlog'],
    effect: 'of clients that come at once some are turned away',
    roles: ['single', 'master'],
  },
  {
    problem: 'kernel-files',
    keys: ['fs.file-max', 'fs.nr_open'],
    effect: 'the machine cannot have as many files open as its units may',
    roles: ['single', 'master', 'media'],
  },
];

/** Compares the limits of the kernel with those that come with Sluice. */
export const checkKernel: Check = async (context) => {
  const { config, system } = context;
  const wanted = parseSysctl((await system.read(SYSCTL_FILE)) ?? '');
  if (wanted.size === 0) return [report.unchecked(`there is no ${SYSCTL_FILE} to compare with`)];
  const groups = GROUPS.filter(({ roles }) => roles.includes(config.sluice.role));
  const judged = await Promise.all(groups.map((group) => judgeGroup(system, group, wanted)));
  const findings = [...judged.flat(), ...(await judgePortRange(context, wanted.get(PORT_RANGE)))];
  return findings.length > 0 ? findings : [report.ok('as /etc/sysctl.d/60-sluice.conf wants it')];
};

async function judgeGroup(
  system: DoctorSystem,
  { problem, keys, effect }: Group,
  wanted: ReadonlyMap<string, string>,
): Promise<DoctorFinding[]> {
  const low: string[] = [];
  for (const key of keys) {
    const value = await readSysctl(system, key);
    const least = wanted.get(key);
    // Containers do not see all of them.
    if (value === undefined || least === undefined) continue;
    if (Number(value) < Number(least)) low.push(`${key} is ${value}, and should be ${least}`);
  }
  return low.length === 0 ? [] : [report.problem(problem, `${low.join('; ')}: ${effect}`, HOW)];
}

/** Connections of the machine itself must not take ports of the node before it starts. */
async function judgePortRange(
  { config, system }: DoctorContext,
  wanted: string | undefined,
): Promise<DoctorFinding[]> {
  const value = await readSysctl(system, PORT_RANGE);
  const [low = Number.NaN, high = Number.NaN] = value?.split(/\s+/).map(Number) ?? [];
  const { relay_range_start: first, relay_range_end: last, enabled } = config.turn;
  const isWithin = (port: number): boolean => port >= low && port <= high;
  const inside = portsOf(config, system.interfaces).filter(({ port }) => isWithin(port));
  const relays =
    enabled && config.sluice.role !== 'master' && low <= last && high >= first
      ? [`${first}-${last} (TURN relay)`]
      : [];
  const names = [...new Set(inside.map(({ port, what }) => `${port} (${what})`)), ...relays];
  if (names.length === 0) return [];
  const shown = names.length > 3 ? `${names.slice(0, 3).join(', ')} and others` : names.join(', ');
  return [
    report.problem(
      'kernel-ports',
      `connections of the machine itself take ports from ${low} to ${high}, among them ${shown}: one that is taken then keeps the node from starting`,
      `${PORT_RANGE} should be ${wanted ?? 'below them'}. ${HOW}`,
    ),
  ];
}

async function readSysctl(system: DoctorSystem, key: string): Promise<string | undefined> {
  return (await system.read(`/proc/sys/${key.replaceAll('.', '/')}`))?.trim();
}

/** Source: sysctl.conf(5). */
export function parseSysctl(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split('\n').flatMap((line) => {
      const [, key, value] = /^\s*([\w./]+)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
      return key === undefined || value === undefined ? [] : [[key, value] as const];
    }),
  );
}
