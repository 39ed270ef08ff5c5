import * as compute from '@pulumi/azure-native/compute';
import * as network from '@pulumi/azure-native/network';
import type * as pulumi from '@pulumi/pulumi';
import type { PlaceArgs } from '../place';
import { plainName } from './names';
import type { NodeMachines } from './node-machines';
import { placed } from './placed';

/** The interface of a machine, with its addresses: it stays when the machine is replaced. */
export interface MachineInterfaceArgs extends PlaceArgs {
  readonly subnetId: pulumi.Input<string>;
  readonly networkSecurityGroupId: pulumi.Input<string>;
  readonly applicationSecurityGroupId: pulumi.Input<string>;
  readonly publicAddressId?: pulumi.Input<string>;
  readonly backendPoolId?: pulumi.Input<string>;
}

export function machineInterface(
  name: string,
  args: MachineInterfaceArgs,
  parent: pulumi.Resource,
): network.NetworkInterface {
  const { publicAddressId, backendPoolId } = args;
  return new network.NetworkInterface(
    `${name}-interface`,
    {
      ...placed(args),
      enableAcceleratedNetworking: true,
      networkSecurityGroup: { id: args.networkSecurityGroupId },
      ipConfigurations: [
        {
          name: 'primary',
          primary: true,
          // Azure chooses it once, and it stays as long as the interface does.
          privateIPAllocationMethod: network.IPAllocationMethod.Dynamic,
          subnet: { id: args.subnetId },
          applicationSecurityGroups: [{ id: args.applicationSecurityGroupId }],
          ...(publicAddressId !== undefined && { publicIPAddress: { id: publicAddressId } }),
          ...(backendPoolId !== undefined && {
            loadBalancerBackendAddressPools: [{ id: backendPoolId }],
          }),
        },
      ],
    },
    { parent },
  );
}

/** What a single virtual machine is made with. */
export interface VirtualMachineArgs extends PlaceArgs {
  readonly vmSize: string;
  readonly machines: NodeMachines;
  readonly interfaceId: pulumi.Input<string>;
  /** That of a machine without a data disk. Undefined: the region has no zones. */
  readonly zone: string | undefined;
  /** The disk that outlives it, in whose zone it is. */
  readonly dataDisk?: Pick<compute.Disk, 'id' | 'zones'> | undefined;
}

/** Where the machine finds the data disk. */
export const DATA_LUN = 0;

/** What a machine has from its first start to its end; custom data is read then. */
const MADE_WITH = [
  'osProfile',
  'securityProfile',
  'storageProfile.imageReference',
  'storageProfile.osDisk',
  'zones',
];

/** A machine that is replaced by another one with the same interface and data disk. */
export function virtualMachine(
  name: string,
  args: VirtualMachineArgs,
  parent: pulumi.Resource,
): { machine: compute.VirtualMachine; ready: compute.VirtualMachineExtension } {
  const { machines, zone, dataDisk } = args;
  const zones = dataDisk?.zones ?? (zone === undefined ? undefined : [zone]);
  const machine = new compute.VirtualMachine(
    `${name}-machine`,
    {
      ...placed(args),
      ...(zones !== undefined && { zones }),
      hardwareProfile: { vmSize: args.vmSize },
      identity: {
        type: compute.ResourceIdentityType.UserAssigned,
        ...machines.identityOfMachine,
      },
      osProfile: { ...machines.osProfile, computerName: plainName(name, 40) },
      securityProfile: machines.securityProfile,
      diagnosticsProfile: { bootDiagnostics: { enabled: true } },
      networkProfile: {
        networkInterfaces: [
          { id: args.interfaceId, primary: true, deleteOption: compute.DeleteOptions.Detach },
        ],
      },
      storageProfile: {
        imageReference: machines.imageReference,
        osDisk: machines.osDisk,
        ...(dataDisk !== undefined && {
          dataDisks: [
            {
              lun: DATA_LUN,
              createOption: compute.DiskCreateOptionTypes.Attach,
              deleteOption: compute.DiskDeleteOptionTypes.Detach,
              // Redis writes what has to be there after a failure.
              caching: compute.CachingTypes.None,
              managedDisk: { id: dataDisk.id },
            },
          ],
        }),
      },
    },
    {
      parent,
      // Its interface and its disk are free once it is gone.
      deleteBeforeReplace: true,
      // Azure changes none of it of a machine that is there, and the provider asks it nevertheless.
      replaceOnChanges: MADE_WITH,
      dependsOn: machines.grants.made,
    },
  );
  const ready = new compute.VirtualMachineExtension(
    `${name}-ready`,
    {
      ...placed(args),
      vmName: machine.name,
      vmExtensionName: 'ready',
      // A machine that was made larger has started anew: once more until a call works.
      forceUpdateTag: args.vmSize,
      ...machines.readiness,
    },
    {
      parent,
      deletedWith: machine,
      deleteBeforeReplace: true,
      replaceOnChanges: ['vmName'],
      customTimeouts: { create: '2h' },
    },
  );
  return { machine, ready };
}
