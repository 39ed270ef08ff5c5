/** What systemd would start of a unit, for where systemd cannot be the first process. */
const CAPABILITY = 'CAP_';

/** The values of each key of a unit's [Service], in their order. */
type Service = ReadonlyMap<string, readonly string[]>;

/**
 * The command that starts a service as its unit says: its program with its options, its user and
 * groups, its capabilities, its limit of open files, and no way to get more rights. What systemd does
 * beside with namespaces and filters of system calls is left out.
 *
 * @param text - of the unit file
 * @param key - which of its commands. @default the service itself
 * @param mostFiles - that may be open here: like systemd, no more is asked for. @default any number
 * @throws Error for a unit without that command
 */
export function unitCommand(
  text: string,
  key = 'ExecStart',
  mostFiles = Number.POSITIVE_INFINITY,
): string[][] {
  const service = serviceOf(text);
  const one = (name: string): string | undefined => service.get(name)?.at(-1);
  const commands = service.get(key) ?? [];
  const user = one('User') ?? 'root';
  const group = one('Group') ?? user;
  const groups = service.get('SupplementaryGroups') ?? [];
  const kept = (name: string): string[] => [
    '-all',
    ...capabilitiesOf(service, name).map((one) => `+${one}`),
  ];
  const bounded = service.has('CapabilityBoundingSet')
    ? [`--bounding-set=${kept('CapabilityBoundingSet').join(',')}`]
    : [];
  const ambient = kept('AmbientCapabilities').join(',');
  const wanted = one('LimitNOFILE');
  const files = wanted === undefined ? undefined : Math.min(Number(wanted), mostFiles);
  return commands.map((command) => [
    ...(files === undefined ? [] : ['prlimit', `--nofile=${files}:${files}`]),
    'setpriv',
    ...[`--reuid=${user}`, `--regid=${group}`],
    groups.length === 0 ? '--clear-groups' : `--groups=${groups.join(',')}`,
    ...[`--inh-caps=${ambient}`, `--ambient-caps=${ambient}`, ...bounded, '--no-new-privs'],
    ...command.split(' '),
  ]);
}

/** The folder that systemd makes for a service below /var/lib, and whose it is. */
export function stateFolder(text: string): { path: string; owner: string } | undefined {
  const service = serviceOf(text);
  const [name] = service.get('StateDirectory') ?? [];
  const owner = `${service.get('User')?.[0] ?? 'root'}:${service.get('Group')?.[0] ?? 'root'}`;
  return name === undefined ? undefined : { path: `/var/lib/${name}`, owner };
}

/** Source: systemd.syntax(7). None of ours continues a line. */
function serviceOf(text: string): Service {
  const [, service = ''] = text.split('\n[Service]\n');
  const values = new Map<string, string[]>();
  for (const line of service.split(/\n\[/)[0]?.split('\n') ?? []) {
    const [, key = '', value = ''] = /^([A-Za-z]+)=(.*)$/.exec(line) ?? [];
    if (key !== '') values.set(key, [...(values.get(key) ?? []), value]);
  }
  return values;
}

const capabilitiesOf = (service: Service, key: string): string[] =>
  (service.get(key) ?? [])
    .flatMap((value) => value.split(' '))
    .filter((name) => name.startsWith(CAPABILITY))
    .map((name) => name.slice(CAPABILITY.length).toLowerCase());
