import { type EC2Client, type Instance, paginateDescribeInstances } from '@aws-sdk/client-ec2';
import { type Finding, findingsOf } from '../../../findings/finding';
import { type Asked, ask, uncheckedBy } from './ask';
import type { Check } from './context';
import type { MachineTypes } from './machine-types';
import type { PreflightQuestion } from './question';
import { howToRaise, PERMISSION, type Quota, quotaOf } from './quota';

/** vCPUs of the families A, C, D, H, I, M, R, T, Z. */
export interface Vcpus {
  readonly onDemand: number;
  readonly spot: number;
}

const ON_DEMAND: Quota = {
  code: 'L-1216C47A',
  name: 'Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances',
};
const SPOT: Quota = {
  code: 'L-34B43A08',
  name: 'All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests',
};

export const checkVcpuQuotas: Check = async ({ question, clients, types }) => {
  const needed = 'answer' in types ? neededVcpus(question, types.answer) : undefined;
  if (needed === undefined) {
    const why = 'which types the region has, and of which size, is not known';
    return [findingsOf('vCPUs').unchecked(why, 'Mend what is said of the instance types first.')];
  }
  const used = await ask(() => usedNow(clients.ec2));
  const kinds = [
    { title: 'vCPUs, on demand', quota: ON_DEMAND, kind: 'onDemand' },
    { title: 'vCPUs, spot', quota: SPOT, kind: 'spot' },
  ] as const;
  const findings = kinds
    .filter(({ kind }) => needed[kind] > 0)
    .map(async ({ title, quota, kind }) =>
      judgeVcpus(title, quota, {
        needed: needed[kind],
        used: 'answer' in used ? used.answer[kind] : undefined,
        limit: await quotaOf(clients.quotas, quota),
      }),
    );
  const others = [...question.instanceTypes, question.masterInstanceType].filter(
    (type) => !isStandard(type),
  );
  return [
    ...(await Promise.all(findings)),
    ...(others.length === 0
      ? []
      : [
          findingsOf('vCPUs').unchecked(
            `${[...new Set(others)].join(', ')} has a quota of its own`,
            'Look in the console at Service Quotas, Amazon EC2.',
          ),
        ]),
  ];
};

export function judgeVcpus(
  title: string,
  quota: Quota,
  facts: {
    readonly needed: number;
    readonly used: number | undefined;
    readonly limit: Asked<number>;
  },
): Finding {
  const { needed, used = 0, limit } = facts;
  if (!('answer' in limit)) return uncheckedBy(title, limit, PERMISSION);
  const inUse = facts.used === undefined ? 'an unknown number in use' : `${used} in use`;
  const found = `${needed} needed at most, the quota is ${limit.answer}, ${inUse}`;
  const { ok, failed } = findingsOf(title);
  if (needed + used <= limit.answer) return ok(found);
  return failed(
    found,
    `${howToRaise(quota, needed + used)}; or take fewer or smaller machines: --max-media-nodes, --instance-type.`,
  );
}

/** @returns undefined where the size of a type is not known */
export function neededVcpus(
  { instanceTypes, masterInstanceType, maxMediaNodes, masters, spot }: PreflightQuestion,
  types: MachineTypes,
): Vcpus | undefined {
  const sizeOf = (type: string): number | undefined =>
    isStandard(type) ? types.get(type)?.vcpus : 0;
  const media = instanceTypes.map(sizeOf);
  const master = masters === 0 ? 0 : sizeOf(masterInstanceType);
  if (master === undefined || media.includes(undefined)) return undefined;
  // Of alternatives, AWS may take the largest.
  const ofMedia = maxMediaNodes * Math.max(...media.map((size) => size ?? 0));
  const ofMasters = masters * master;
  return spot ? { onDemand: ofMasters, spot: ofMedia } : { onDemand: ofMasters + ofMedia, spot: 0 };
}

/** What running machines take of both quotas. */
export function usedVcpus(instances: readonly Instance[]): Vcpus {
  const sumOf = (isSpot: boolean): number =>
    instances
      .filter(({ InstanceType = '' }) => isStandard(InstanceType))
      .filter(({ InstanceLifecycle }) => (InstanceLifecycle === 'spot') === isSpot)
      .reduce((sum, { CpuOptions: { CoreCount = 0, ThreadsPerCore = 1 } = {} }) => {
        return sum + CoreCount * ThreadsPerCore;
      }, 0);
  return { onDemand: sumOf(false), spot: sumOf(true) };
}

async function usedNow(ec2: EC2Client): Promise<Vcpus> {
  const instances: Instance[] = [];
  const running = { Name: 'instance-state-name', Values: ['pending', 'running'] };
  for await (const { Reservations = [] } of paginateDescribeInstances(
    { client: ec2 },
    { Filters: [running] },
  )) {
    instances.push(...Reservations.flatMap(({ Instances = [] }) => Instances));
  }
  return usedVcpus(instances);
}

/** Some families begin with a letter of these, and have quotas of their own. */
const isStandard = (type: string): boolean =>
  /^[acdhimrtz]/.test(type) && !/^(dl|hpc|inf|mac|trn)\d?/.test(type);
