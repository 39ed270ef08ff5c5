import { type Finding, findingsOf } from '../../../findings/finding';
import { uncheckedBy } from './ask';
import type { Check } from './context';
import type { MachineSize, MachineSizes } from './machine-sizes';
import type { PreflightQuestion } from './question';

/** Machines of one role. */
interface SizeQuestion {
  readonly title: string;
  readonly name: string;
  readonly zones: readonly string[];
  /** Whether one zone of them is enough: a machine with a disk is in one. */
  readonly oneZone: boolean;
  readonly spot: boolean;
  readonly encryptionAtHost: boolean;
}

export const checkSizes: Check = async ({ question, sizes }) => {
  return questionsOf(question).flatMap((asked) =>
    'answer' in sizes
      ? judgeSize(asked, sizes.answer)
      : [uncheckedBy(asked.title, sizes, 'Microsoft.Compute/skus/read')],
  );
};

function questionsOf({ masters, ...question }: PreflightQuestion): readonly SizeQuestion[] {
  const { zones, spot, encryptionAtHost, vmSize: name, masterVmSize } = question;
  const media = { title: 'Media Node size', name, zones, oneZone: masters === 0, spot };
  const master = { title: 'Master Node size', name: masterVmSize, zones, oneZone: masters === 1 };
  return [
    { ...media, encryptionAtHost },
    ...(masters === 0 ? [] : [{ ...master, spot: false, encryptionAtHost }]),
  ];
}

export function judgeSize(asked: SizeQuestion, sizes: MachineSizes): readonly Finding[] {
  const { title, name, zones } = asked;
  const { ok, failed, warning } = findingsOf(title);
  const size = sizes.get(name.toLowerCase());
  if (size === undefined) {
    return [
      failed(
        `the region has no ${name}`,
        'Take another size (vmSize), or another region: az vm list-skus --resource-type virtualMachines --location REGION',
      ),
    ];
  }
  if (size.restricted !== undefined) {
    return [
      failed(
        `the subscription may not make ${name} in the region: ${size.restricted}`,
        'Take another size (vmSize) or region, or ask for it in the portal: Help + support, Service and subscription limits, Compute.',
      ),
    ];
  }
  const findings: Finding[] = wrongWith(asked, size).map(([found, todo]) => failed(found, todo));
  const bare = missingZones(asked, size);
  if (bare.length > 0) {
    findings.push(
      failed(
        `${name}: not in zone ${bare.join(', ')} of the region, but in ${[...size.zones].sort().join(', ') || 'none'}`,
        size.zones.size === 0
          ? 'Take zones: [] (--no-zones here), another size, or another region.'
          : `Take zones that have it, zones: [${[...size.zones]
              .sort()
              .map((zone) => `'${zone}'`)
              .join(', ')}] (--zone here), or another size.`,
      ),
    );
  }
  if (/^standard_b/i.test(name)) {
    findings.push(
      warning(
        `${name} earns its CPU over hours`,
        'Under calls it runs out of credits: take a compute-optimized size such as Standard_F4s_v2.',
      ),
    );
  }
  if (findings.length > 0) return findings;
  const where = zones.length === 0 ? 'without zones' : `in zone ${zones.join(', ')}`;
  return [ok(`${name} (${size.vcpus} vCPUs, ${size.architecture}), ${where}`)];
}

function missingZones(
  { zones, oneZone }: SizeQuestion,
  { zones: there }: MachineSize,
): readonly string[] {
  // The machine takes the first.
  const needed = oneZone ? zones.slice(0, 1) : zones;
  return needed.filter((zone) => !there.has(zone));
}

function wrongWith(
  { name, spot, encryptionAtHost }: SizeQuestion,
  size: MachineSize,
): readonly (readonly [found: string, todo: string])[] {
  const ANOTHER = 'take another size, such as Standard_F4s_v2';
  const all = [
    [!size.generation2, 'boots no images of generation 2, which Debian is', `Do ${ANOTHER}.`],
    [!size.premiumDisks, 'takes no Premium SSD, which the disks are', `Do ${ANOTHER}.`],
    [spot && !size.spot, 'is never a spot machine', `Leave out spot, or ${ANOTHER}.`],
    [
      encryptionAtHost && !size.encryptionAtHost,
      'cannot encrypt at the host',
      `Leave out encryptionAtHost (disks are encrypted at rest anyway), or ${ANOTHER}.`,
    ],
  ] as const;
  return all.flatMap(([isSo, found, todo]) => (isSo ? [[`${name} ${found}`, todo] as const] : []));
}
