import {
  type _InstanceType,
  type EC2Client,
  paginateDescribeInstanceTypeOfferings,
  paginateDescribeInstanceTypes,
} from '@aws-sdk/client-ec2';

/** What EC2 says of an instance type. */
export interface MachineType {
  readonly vcpus: number;
  /** Such as "x86_64" or "arm64". */
  readonly architectures: readonly string[];
  /** Whether it earns its CPU over hours. */
  readonly burstable: boolean;
  /** Zones of the region that have it. */
  readonly zones: ReadonlySet<string>;
}

/** By name; what the region does not have is not in it. */
export type MachineTypes = ReadonlyMap<string, MachineType>;

/** By filters: a type that the region does not have would be an error of the whole call. */
export async function fetchMachineTypes(
  client: EC2Client,
  names: readonly string[],
): Promise<MachineTypes> {
  const Filters = [{ Name: 'instance-type', Values: [...new Set(names)] }];
  const zones = new Map<string, Set<string>>();
  const offerings = paginateDescribeInstanceTypeOfferings(
    { client },
    { LocationType: 'availability-zone', Filters },
  );
  for await (const { InstanceTypeOfferings = [] } of offerings) {
    for (const { InstanceType = '', Location = '' } of InstanceTypeOfferings) {
      zones.set(InstanceType, (zones.get(InstanceType) ?? new Set()).add(Location));
    }
  }
  const types = new Map<_InstanceType | string, MachineType>();
  for await (const { InstanceTypes = [] } of paginateDescribeInstanceTypes(
    { client },
    { Filters },
  )) {
    for (const { InstanceType: name = '', ...facts } of InstanceTypes) {
      types.set(name, {
        vcpus: facts.VCpuInfo?.DefaultVCpus ?? 0,
        architectures: facts.ProcessorInfo?.SupportedArchitectures ?? [],
        burstable: facts.BurstablePerformanceSupported === true,
        zones: zones.get(name) ?? new Set(),
      });
    }
  }
  return types;
}
