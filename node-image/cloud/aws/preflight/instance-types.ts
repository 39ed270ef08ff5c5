import { DescribeAvailabilityZonesCommand, type EC2Client } from '@aws-sdk/client-ec2';
import { type Finding, findingsOf } from '../../../findings/finding';
import { type Asked, ask, uncheckedBy } from './ask';
import type { Check } from './context';
import type { MachineTypes } from './machine-types';

/** So many zones a VPC that the shipped stacks make stretches over: the first by name. */
const ZONES_OF_STACK = 2;
const PERMISSION = 'ec2:DescribeInstanceTypes and ec2:DescribeInstanceTypeOfferings';

/** Machines of one group: any of the types will do. */
export interface TypesQuestion {
  readonly title: string;
  readonly names: readonly string[];
  /** Zones in which machines have to be. */
  readonly zones: readonly string[];
  /** Whether they are those of subnets, rather than those that the deployment chooses. */
  readonly zonesGiven: boolean;
}

export const checkInstanceTypes: Check = async ({ question, clients, types, subnets }) => {
  const { instanceTypes, masterInstanceType, masters, masterSubnets } = question;
  const titles = ['Media Node types', ...(masters === 0 ? [] : ['Master Node type'])];
  const known = await ask(() => zonesOf(clients.ec2));
  return titles.flatMap((title, index) => {
    const isMaster = index === 1;
    const names = isMaster ? [masterInstanceType] : instanceTypes;
    const ids = isMaster && masterSubnets.length > 0 ? masterSubnets : question.subnets;
    if (!('answer' in types)) return [uncheckedBy(title, types, PERMISSION)];
    const zones = ids.length === 0 ? firstOf(known) : zonesOfSubnets(subnets, ids);
    if (!('answer' in zones)) {
      return [uncheckedBy(title, zones, 'ec2:DescribeSubnets and ec2:DescribeAvailabilityZones')];
    }
    const asked = { title, names, zones: zones.answer, zonesGiven: ids.length > 0 };
    return judgeTypes(asked, types.answer);
  });
};

export function judgeTypes(
  { title, names, zones, zonesGiven }: TypesQuestion,
  types: MachineTypes,
): readonly Finding[] {
  const { ok, failed, warning, unchecked } = findingsOf(title);
  const unknown = names.filter((name) => !types.has(name));
  if (unknown.length > 0) {
    return [
      failed(
        `the region has no ${unknown.join(', ')}`,
        'Take another type, or another region: aws ec2 describe-instance-type-offerings says which there are.',
      ),
    ];
  }
  if (zones.length === 0) {
    return [unchecked('in which zones they have to be is not known', 'Mend the subnets first.')];
  }
  const architectures = architecturesOf(names, types);
  const findings: Finding[] = [];
  if (architectures.length === 0) {
    findings.push(
      failed(
        `${names.join(', ')} have no processor in common that an image is for`,
        'Take types of one architecture: x86_64 (such as c7i, c7a, c6i) or arm64 (such as c7g, c6g).',
      ),
    );
  }
  const bare = zones.filter((zone) => !names.some((name) => types.get(name)?.zones.has(zone)));
  if (bare.length > 0) {
    findings.push(
      failed(
        `${names.join(', ')}: not in ${bare.join(', ')}`,
        zonesGiven
          ? 'Leave out the subnets of that zone, or add a type that it has (alternativeInstanceTypes).'
          : 'The stack takes the first two zones of the region: take another type, or a VPC of yours with subnets in other zones.',
      ),
    );
  }
  const burstable = names.filter((name) => types.get(name)?.burstable === true);
  if (burstable.length > 0) {
    findings.push(
      warning(
        `${burstable.join(', ')} earns its CPU over hours`,
        'Under calls it runs out of credits: take a compute-optimized type such as c7i.',
      ),
    );
  }
  return findings.length > 0
    ? findings
    : [ok(`${names.join(', ')} (${architectures.join(', ')}) in ${zones.join(', ')}`)];
}

/** Those of an image that all the types can run. */
function architecturesOf(names: readonly string[], types: MachineTypes): readonly string[] {
  return ['x86_64', 'arm64'].filter((each) =>
    names.every((name) => types.get(name)?.architectures.includes(each) === true),
  );
}

const firstOf = (zones: Asked<readonly string[]>): Asked<readonly string[]> =>
  'answer' in zones ? { answer: [...zones.answer].sort().slice(0, ZONES_OF_STACK) } : zones;

function zonesOfSubnets(
  subnets: Asked<readonly { readonly id: string; readonly zone: string }[]>,
  ids: readonly string[],
): Asked<readonly string[]> {
  if (!('answer' in subnets)) return subnets;
  const zones = subnets.answer.filter(({ id }) => ids.includes(id)).map(({ zone }) => zone);
  return { answer: [...new Set(zones)].sort() };
}

/** Those that the account may use, without Local and Wavelength Zones. */
async function zonesOf(ec2: EC2Client): Promise<readonly string[]> {
  const { AvailabilityZones = [] } = await ec2.send(
    new DescribeAvailabilityZonesCommand({
      Filters: [{ Name: 'zone-type', Values: ['availability-zone'] }],
    }),
  );
  return AvailabilityZones.flatMap(({ ZoneName, State }) =>
    ZoneName !== undefined && State === 'available' ? [ZoneName] : [],
  );
}
