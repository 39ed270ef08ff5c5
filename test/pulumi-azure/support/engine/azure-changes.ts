/** What may become of a resource that is there: what Pulumi's provider replaces, what Azure refuses. Pure. */
import { SHAPES } from '../azure-shape-types';
import { at } from '../read';
import type { Existing, Values } from './azure-file';
import { differences } from './property-diff';

/**
 * Properties, beside those of a resource's path, by whose change the provider makes another resource.
 * Of everything else it asks Azure for an update, also where Azure then refuses it.
 *
 * Source: pulumi-azure-native, provider/pkg/gen/replacement.go and x-ms-mutability of `location`.
 */
const REPLACED: Readonly<Record<string, readonly string[]>> = {
  'azure-native:authorization:RoleAssignment': ['principalId'],
  'azure-native:network:PrivateEndpoint': ['subnet'],
  'azure-native:network:PublicIPAddress': ['publicIPAddressVersion', 'sku'],
};

/** A blob is the provider's own, and described by nobody else. */
const BLOB_PATH = ['accountName', 'containerName', 'blobName', 'type', 'source'];

/** Whether another value at this path is another resource to the provider. */
export function isReplaced(type: string, path: string): boolean {
  if (type.startsWith('random:')) return true;
  const key = topOf(path);
  const names = SHAPES[type]?.path ?? BLOB_PATH;
  return ['resourceGroupName', 'location', ...names, ...(REPLACED[type] ?? [])].includes(key);
}

/** The first word of a path such as `sku.capacity`. */
export function topOf(path: string): string {
  return /^\w*/.exec(path)?.[0] ?? '';
}

/**
 * What cannot be changed, by how paths begin.
 *
 * Source: learn.microsoft.com. Virtual machine: "PropertyChangeNotAllowed" (what it was made with),
 * "Add a network interface" (deallocated), "Enable encryption at host" (the same). Disk and public
 * address: ResourceAvailabilityZonesCannotBeModified. Scale set: "Orchestration modes". Key Vault:
 * "soft-delete overview" (retention). Role assignment: RoleAssignmentUpdateNotPermitted. Azure Managed
 * Redis: clustering policy.
 */
const KEPT: Readonly<Record<string, readonly string[]>> = {
  'azure-native:compute:VirtualMachine': [
    'osProfile',
    'zones',
    'storageProfile.imageReference',
    'storageProfile.osDisk.diskSizeGB',
    'securityProfile',
    'networkProfile',
  ],
  'azure-native:compute:Disk': ['zones', 'creationData'],
  'azure-native:network:PublicIPAddress': ['zones', 'publicIPAllocationMethod'],
  'azure-native:compute:VirtualMachineScaleSet': [
    'orchestrationMode',
    'platformFaultDomainCount',
    'singlePlacementGroup',
    'virtualMachineProfile.osProfile.adminUsername',
    'virtualMachineProfile.osProfile.computerNamePrefix',
  ],
  'azure-native:keyvault:Vault': ['properties.softDeleteRetentionInDays', 'properties.tenantId'],
  'azure-native:authorization:RoleAssignment': ['roleDefinitionId'],
  'azure-native:redisenterprise:Database': ['clusteringPolicy', 'port'],
  'azure-native:network:LoadBalancer': ['sku'],
  'azure-native:storage:StorageAccount': ['kind'],
};

/** Why Azure does not take an update; undefined where it does. */
export function refusalOf(type: string, old: Values, now: Values): string | undefined {
  const fixed = KEPT[type] ?? [];
  const path = differences(old, now).find((each) => fixed.some((begin) => within(each, begin)));
  if (path !== undefined) {
    return `Code="PropertyChangeNotAllowed" Message="Changing property '${path}' is not allowed."`;
  }
  return OTHERS[type]?.(old, now);
}

const OTHERS: Readonly<Record<string, (old: Values, now: Values) => string | undefined>> = {
  /** "Expand virtual hard disks": a disk never shrinks. */
  'azure-native:compute:Disk': (old, now) =>
    Number(now['diskSizeGB']) < Number(old['diskSizeGB'])
      ? 'Code="OperationNotAllowed" Message="Disk cannot be shrunk."'
      : undefined,
  /** "Create a scale set that uses availability zones": zones are added, and never removed or replaced. */
  'azure-native:compute:VirtualMachineScaleSet': (old, now) =>
    zonesOf(old).some((zone) => !zonesOf(now).includes(zone))
      ? 'Code="InvalidParameter" Message="Zones cannot be removed from a scale set."'
      : undefined,
  /** "Network interfaces": within its virtual network it can go to another subnet. */
  'azure-native:network:NetworkInterface': (old, now) =>
    networkOf(old) === networkOf(now)
      ? undefined
      : 'Code="SubnetsNotInSameVnet" Message="Subnet is not in the same virtual network."',
};

function within(path: string, begin: string): boolean {
  return path === begin || path.startsWith(`${begin}.`) || path.startsWith(`${begin}[`);
}

function zonesOf(inputs: Values): readonly unknown[] {
  return Array.isArray(inputs['zones']) ? inputs['zones'] : [];
}

function networkOf(inputs: Values): string {
  const [first] = Array.isArray(inputs['ipConfigurations']) ? inputs['ipConfigurations'] : [];
  return String(at(first, 'subnet.id')).replace(/\/subnets\/.*$/, '');
}

/** What Azure deletes only once nobody uses it. Source: the errors InUse… of Microsoft.Network, .Compute. */
const HELD =
  /:(?:Disk|NetworkInterface|PublicIPAddress|NetworkSecurityGroup|ApplicationSecurityGroup|VirtualNetwork|LoadBalancer)$/;

/** Who keeps a resource from being deleted; undefined where nobody does. */
export function holderOf(id: string, all: Readonly<Record<string, Existing>>): string | undefined {
  const found = all[id];
  if (found === undefined || !HELD.test(found.type)) return undefined;
  return Object.keys(all).find((each) => {
    const other = all[each];
    const counts = each !== id && /:(?:compute|network):/.test(other?.type ?? '');
    return counts && names(other?.inputs, id);
  });
}

/** What a new resource takes that only one can have. */
const ALONE: Readonly<Record<string, RegExp>> = {
  'azure-native:compute:VirtualMachine': /\/(?:Disk|NetworkInterface)\//,
  'azure-native:network:NetworkInterface': /\/PublicIPAddress\//,
};

/** Who has already what a resource asks for alone; undefined where nobody has. */
export function rivalOf(
  { type, inputs }: Existing,
  all: Readonly<Record<string, Existing>>,
): string | undefined {
  const alone = ALONE[type];
  if (alone === undefined) return undefined;
  const wanted = idsIn(inputs).filter((id) => alone.test(id));
  return Object.keys(all).find(
    (each) => all[each]?.type === type && wanted.some((id) => names(all[each]?.inputs, id)),
  );
}

function names(inputs: unknown, id: string): boolean {
  return idsIn(inputs).some((each) => each === id || each.startsWith(`${id}/`));
}

/** Every id of a resource in a value. */
function idsIn(value: unknown): string[] {
  if (typeof value === 'string') return value.startsWith('/subscriptions/') ? [value] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(idsIn);
}
