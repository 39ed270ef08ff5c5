import {
  type Address,
  AssociateAddressCommand,
  DescribeAddressesCommand,
  EC2Client,
} from '@aws-sdk/client-ec2';
import { callAws, type Patience } from './aws-call';
import { BootError } from './boot-error';
import type { Instance } from './instance';

export interface StaticAddressOptions {
  /** Value of the tag `sluice:address-pool` that the addresses have. */
  readonly tag: string;
  readonly instance: Pick<Instance, 'id' | 'region'>;
  readonly patience?: Patience | undefined;
  readonly say: (line: string) => void;
}

/** The deployment tags the addresses of a group with it. */
const POOL_TAG = 'sluice:address-pool';

/**
 * Takes a free elastic address for this machine. One that another machine has is never taken away.
 *
 * @returns the address
 * @throws BootError where none is free.
 */
export async function takeStaticAddress(options: StaticAddressOptions): Promise<string> {
  const { tag, instance, patience, say } = options;
  const words = {
    what: `elastic addresses with the tag ${POOL_TAG}=${tag}`,
    permission: 'ec2:DescribeAddresses and ec2:AssociateAddress',
    region: instance.region,
    missing: 'allocate one with that tag, or correct static_addresses.tag in boot.json',
  };
  const filter = { Name: `tag:${POOL_TAG}`, Values: [tag] };
  const client = new EC2Client({ region: instance.region });
  const list = async (): Promise<Address[]> => {
    const command = new DescribeAddressesCommand({ Filters: [filter] });
    return (await callAws(words, () => client.send(command), patience)).Addresses ?? [];
  };
  try {
    const addresses = await list();
    const own = addresses.find(({ InstanceId }) => InstanceId === instance.id);
    if (own?.PublicIp !== undefined) {
      return own.PublicIp;
    }
    for (const { AllocationId, AssociationId, PublicIp } of addresses) {
      if (AssociationId !== undefined || AllocationId === undefined || PublicIp === undefined) {
        continue;
      }
      const command = new AssociateAddressCommand({
        AllocationId,
        InstanceId: instance.id,
        AllowReassociation: false,
      });
      try {
        await callAws(words, () => client.send(command), { ...patience, retries: 1 });
        say(`${PublicIp} is this machine's address`);
        return PublicIp;
      } catch (error) {
        // Another machine that started at the same time was quicker: the next one.
        const now = (await list()).find((each) => each.AllocationId === AllocationId);
        if (now?.InstanceId === instance.id) return PublicIp;
        if (now?.AssociationId === undefined) throw error;
      }
    }
    throw new BootError(
      `None of the ${addresses.length} elastic addresses with the tag ${POOL_TAG}=${tag} in ${instance.region} is free: allocate as many as the group can have machines, and run \`sluice boot\` again.`,
    );
  } finally {
    client.destroy();
  }
}
