import type { Check } from './context';
import { type NodePort, portsOf } from './port-list';
import { type PortState, probePort } from './port-probe';
import { type DoctorFinding, reportOf } from './problems';

const { ok, unchecked, problem } = reportOf('Ports');

/**
 * Before the node runs its ports have to be free; while it runs they have to be its own. A taken port
 * cannot be asked whose it is in each case: where the node answers it has them all, or it would not run.
 */
export const checkPorts: Check = async ({ config, system, node }) => {
  if (node.kind === 'silent') {
    return [unchecked('who has the HTTP port does not answer, and may have the others')];
  }
  const isRunning = node.kind === 'node';
  const ports = portsOf(config, system.interfaces);
  const states = await Promise.all(ports.map(probePort));
  const findings: DoctorFinding[] = [];
  for (const [group, members] of grouped(ports, states)) {
    const [first] = members;
    if (first === undefined) continue;
    const where = `${numbersOf(members)} (${first.what})`;
    if (group.startsWith('taken') && !isRunning) findings.push(taken(where, first));
    if (group.startsWith('free') && isRunning) findings.push(unheard(where, first));
    if (group.startsWith('no-address')) findings.push(noAddress(where, members));
    if (group.startsWith('denied')) findings.push(denied(where));
  }
  if (findings.length > 0) return findings;
  const numbers = [...new Set(ports.map((port) => nameOf(port)))];
  const all = numbers.length > 8 ? `${numbers.length} ports` : numbers.join(', ');
  return [ok(isRunning ? `the node has ${all}` : `free for the node: ${all}`)];
};

export const taken = (
  where: string,
  { protocol, port, key }: Pick<NodePort, 'protocol' | 'port' | 'key'>,
): DoctorFinding =>
  problem(
    'port-taken',
    `another program has ${where}`,
    `See which: ss -${protocol === 'tcp' ? 'lt' : 'lu'}np 'sport = :${port}'; stop it, or set ${key} to free ports.`,
  );

const unheard = (where: string, { key }: NodePort): DoctorFinding =>
  problem(
    'port-unheard',
    `the node runs, and does not listen on ${where}`,
    `It runs with another configuration than this one (${key}): give its own with --config, or restart it.`,
  );

const noAddress = (where: string, members: readonly NodePort[]): DoctorFinding =>
  problem(
    'port-address',
    `this machine has no address ${addressesOf(members)} for ${where}`,
    `Correct ${members[0]?.addressKey}: see what there is with: ip address`,
  );

const denied = (where: string): DoctorFinding =>
  unchecked(
    `this user may not listen on ${where}`,
    'Run this as root. The unit of the node may (CAP_NET_BIND_SERVICE).',
  );

/** Those that are alike in state and purpose. */
function grouped(
  ports: readonly NodePort[],
  states: readonly PortState[],
): ReadonlyMap<string, readonly NodePort[]> {
  const groups = new Map<string, NodePort[]>();
  ports.forEach((port, i) => {
    const name = `${states[i]} ${port.what} ${port.protocol}`;
    groups.set(name, [...(groups.get(name) ?? []), port]);
  });
  return groups;
}

const nameOf = ({ protocol, port }: NodePort): string => `${protocol} ${port}`;
const addressesOf = (members: readonly NodePort[]): string =>
  [...new Set(members.map(({ address }) => address))].join(', ');
const numbersOf = (members: readonly NodePort[]): string =>
  [...new Set(members.map(nameOf))].join(', ');
