import { z } from 'zod';
import type { ArmReader } from './arm-reader';

/** What Azure says of a size of machines in the region. */
export interface MachineSize {
  readonly vcpus: number;
  /** Of the quota, such as "standardFSv2Family". */
  readonly family: string;
  /** "x64" or "Arm64". */
  readonly architecture: string;
  /** Whether it boots images of the second generation. */
  readonly generation2: boolean;
  readonly spot: boolean;
  readonly encryptionAtHost: boolean;
  readonly premiumDisks: boolean;
  /** Zones of the region that have it, and where the subscription may make it. */
  readonly zones: ReadonlySet<string>;
  /** Why the subscription may not make it anywhere in the region: "NotAvailableForSubscription". */
  readonly restricted?: string | undefined;
}

/** By name in small letters; what the region does not have is not in it. */
export type MachineSizes = ReadonlyMap<string, MachineSize>;

/** Source: REST reference, "Resource Skus - List". */
const SKU = z.object({
  resourceType: z.string(),
  name: z.string(),
  family: z.string().optional(),
  locationInfo: z.array(z.object({ zones: z.array(z.string()).optional() })).default([]),
  capabilities: z.array(z.object({ name: z.string(), value: z.string() })).default([]),
  restrictions: z
    .array(
      z.object({
        type: z.string(),
        reasonCode: z.string().optional(),
        restrictionInfo: z.object({ zones: z.array(z.string()).optional() }).optional(),
      }),
    )
    .default([]),
});

export async function fetchMachineSizes(
  arm: ArmReader,
  { subscription, location }: { readonly subscription: string; readonly location: string },
  names: readonly string[],
): Promise<MachineSizes> {
  const wanted = new Set(names.map((name) => name.toLowerCase()));
  const skus = await arm.list(
    SKU,
    `/subscriptions/${subscription}/providers/Microsoft.Compute/skus`,
    '2021-07-01',
    { $filter: `location eq '${location}'` },
  );
  return new Map(
    skus
      .filter(({ resourceType, name }) => {
        return resourceType === 'virtualMachines' && wanted.has(name.toLowerCase());
      })
      .map((sku) => [sku.name.toLowerCase(), sizeOf(sku)]),
  );
}

function sizeOf(sku: z.infer<typeof SKU>): MachineSize {
  const facts = new Map(sku.capabilities.map(({ name, value }) => [name, value]));
  const can = (name: string): boolean => facts.get(name)?.toLowerCase() === 'true';
  const shut = sku.restrictions.flatMap(({ type, restrictionInfo }) =>
    type === 'Zone' ? (restrictionInfo?.zones ?? []) : [],
  );
  const zones = sku.locationInfo.flatMap((each) => each.zones ?? []);
  const everywhere = sku.restrictions.find(({ type }) => type === 'Location');
  return {
    vcpus: Number(facts.get('vCPUs') ?? 0),
    family: sku.family ?? '',
    architecture: facts.get('CpuArchitectureType') ?? 'x64',
    generation2: (facts.get('HyperVGenerations') ?? 'V1,V2').split(',').includes('V2'),
    spot: can('LowPriorityCapable'),
    encryptionAtHost: can('EncryptionAtHostSupported'),
    premiumDisks: can('PremiumIO'),
    zones: new Set(zones.filter((zone) => !shut.includes(zone))),
    restricted: everywhere && (everywhere.reasonCode ?? 'restricted'),
  };
}
