import * as compute from '@pulumi/azure-native/compute';
import type * as pulumi from '@pulumi/pulumi';
import { DEPLOYMENT_DEFAULTS } from '../../node-image/contract';
import type { MasterDataVolumeOptions } from '../master-nodes-options';
import type { PlaceArgs } from '../place';
import { placed } from './placed';

/** Where the disk is on the machine. */
export const DATA_MOUNT = '/var/lib/sluice';

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
    // Azure moves no disk to another zone, and an empty one in its place would be without Redis.
    { parent, retainOnDelete: retain, ignoreChanges: ['zones'] },
  );
}
