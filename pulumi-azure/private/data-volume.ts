import * as compute from '@pulumi/azure-native/compute';
import type * as pulumi from '@pulumi/pulumi';
import { DEPLOYMENT_DEFAULTS } from '../../node-image/contract';
import type { MasterDataVolumeOptions } from '../master-nodes-options';
import type { PlaceArgs } from '../place';
import { lastingGroup } from './lasting-group';
import { placed } from './placed';

/** Where the disk is on the machine. */
export const DATA_MOUNT = '/var/lib/sluice';

/**
 * The choices for the disk, in a group that stays where the disk does.
 *
 * @param isOwnGroup - whether the cluster has made the group that the disk would be in
 */
export function withLastingGroup(
  name: string,
  args: Partial<PlaceArgs> & {
    readonly volume: MasterDataVolumeOptions;
    readonly isOwnGroup: boolean;
  },
  parent: pulumi.Resource,
): MasterDataVolumeOptions {
  const { volume, location, tags } = args;
  const { retain = true, resourceGroupName } = volume;
  if (!retain || !args.isOwnGroup || resourceGroupName !== undefined) return volume;
  const resourceGroup = lastingGroup(`${name}-data`, { location, tags }, parent);
  return { ...volume, resourceGroupName: resourceGroup };
}

/** The disk of an only master. */
export function dataDisk(
  name: string,
  args: PlaceArgs & MasterDataVolumeOptions & { readonly zone: string | undefined },
  parent: pulumi.Resource,
): compute.Disk {
  const { sizeGib = DEPLOYMENT_DEFAULTS.diskGib, retain = true, zone } = args;
  return new compute.Disk(
    `${name}-data`,
    {
      ...placed(args),
      ...(zone !== undefined && { zones: [zone] }),
      sku: { name: compute.DiskStorageAccountTypes.Premium_LRS },
      creationData: { createOption: compute.DiskCreateOption.Empty },
      diskSizeGB: sizeGib,
      // Nobody exports it.
      networkAccessPolicy: compute.NetworkAccessPolicy.DenyAll,
      publicNetworkAccess: compute.PublicNetworkAccess.Disabled,
    },
    // Where it was made it stays: an empty one in another place would be without Redis.
    { parent, retainOnDelete: retain, ignoreChanges: ['zones', 'resourceGroupName'] },
  );
}
