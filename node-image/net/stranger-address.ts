import { lookup } from 'node:dns/promises';
import ipaddr from 'ipaddr.js';
import { HostRefusedError } from './guarded-proxy';

/**
 * Where clouds tell machines about themselves, their credentials too. Source: Amazon EC2 User Guide,
 * "Access instance metadata"; Microsoft Learn, "What is IP address 168.63.129.16?"; Alibaba Cloud, ECS
 * "View instance metadata".
 */
const OF_MACHINES = [
  '169.254.0.0/16',
  'fe80::/10',
  'fd00:ec2::/32',
  '168.63.129.16/32',
  '100.100.100.200/32',
].map((network) => ipaddr.parseCIDR(network));

/**
 * The address of a host that a stranger named, such as that of a page. What machines are told about themselves is
 * not for strangers, whatever name leads to it; a network around the machine is.
 *
 * @throws HostRefusedError where one of its addresses is for machines, or it has none.
 */
export async function strangerAddressOf(host: string): Promise<string> {
  const name = host.replace(/^\[|\]$/g, '');
  const found = await lookup(name, { all: true }).catch((error: unknown) => {
    throw new HostRefusedError(`the host ${name} is not found`, { cause: error });
  });
  const refused = found.find(({ address }) => isForMachines(address));
  if (refused !== undefined) {
    throw new HostRefusedError(
      `the host ${name} is ${refused.address}, where machines are told about themselves; no address of a stranger may lead there`,
    );
  }
  const [first] = found;
  if (first === undefined) throw new HostRefusedError(`the host ${name} has no address`);
  return first.address;
}

function isForMachines(text: string): boolean {
  const address = ipaddr.process(text.replace(/%.*$/, ''));
  return OF_MACHINES.some(
    (network) => address.kind() === network[0].kind() && address.match(network),
  );
}
