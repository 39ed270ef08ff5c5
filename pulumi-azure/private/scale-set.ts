import * as compute from '@pulumi/azure-native/compute';
import * as pulumi from '@pulumi/pulumi';
import type { PlaceArgs } from '../place';
import { plainName } from './names';
import type { NodeMachines } from './node-machines';
import { placed } from './placed';

/** What a scale set of either role is made with. */
export interface ScaleSetArgs extends PlaceArgs {
  readonly groupName: pulumi.Input<string>;
  readonly vmSize: string;
  readonly capacity: pulumi.Input<number>;
  readonly machines: NodeMachines;
  readonly zones: readonly string[];
  readonly subnetId: pulumi.Input<string>;
  readonly networkSecurityGroupId: pulumi.Input<string>;
  readonly applicationSecurityGroupId: pulumi.Input<string>;
  /** Whether each machine has a public address of its own. */
  readonly publicAddress: boolean;
  readonly backendPoolId?: pulumi.Input<string>;
  /** What is different from role to role. */
  readonly rest?: Partial<compute.VirtualMachineScaleSetArgs>;
  readonly profile?: object;
  /** Extensions beside the one that waits until a machine serves. */
  readonly extensions?: readonly object[];
}

/** Flexible sets need it: from this version on, machines are made of a profile of the network. */
const NETWORK_API = compute.NetworkApiVersion.NetworkApiVersion_2020_11_01;

/** A Flexible scale set: its machines are virtual machines like any other, over the zones. */
export function scaleSet(
  name: string,
  args: ScaleSetArgs,
  opts: pulumi.CustomResourceOptions,
): compute.VirtualMachineScaleSet {
  const { machines, zones, publicAddress, backendPoolId } = args;
  const { tags, ...place } = placed(args);
  return new compute.VirtualMachineScaleSet(
    name,
    {
      ...place,
      vmScaleSetName: args.groupName,
      orchestrationMode: compute.OrchestrationMode.Flexible,
      // 1 spreads over as many fault domains as there are; in zones nothing else is allowed.
      platformFaultDomainCount: 1,
      singlePlacementGroup: false,
      sku: { name: args.vmSize, tier: 'Standard', capacity: args.capacity },
      ...(zones.length > 0 && { zones: [...zones] }),
      identity: {
        type: compute.ResourceIdentityType.UserAssigned,
        ...machines.identityOfMachine,
      },
      virtualMachineProfile: {
        // The controller tells by it which machines are of an earlier model: custom data shows nowhere.
        userData: machines.customData,
        osProfile: { ...machines.osProfile, computerNamePrefix: plainName(name, 9) },
        storageProfile: { imageReference: machines.imageReference, osDisk: machines.osDisk },
        securityProfile: machines.securityProfile,
        // What a machine writes before it can be reached: the only thing to look at when it cannot.
        diagnosticsProfile: { bootDiagnostics: { enabled: true } },
        networkProfile: {
          networkApiVersion: NETWORK_API,
          networkInterfaceConfigurations: [
            {
              name: 'primary',
              primary: true,
              enableAcceleratedNetworking: true,
              deleteOption: compute.DeleteOptions.Delete,
              networkSecurityGroup: { id: args.networkSecurityGroupId },
              ipConfigurations: [
                {
                  name: 'primary',
                  primary: true,
                  subnet: { id: args.subnetId },
                  applicationSecurityGroups: [{ id: args.applicationSecurityGroupId }],
                  ...(backendPoolId !== undefined && {
                    loadBalancerBackendAddressPools: [{ id: backendPoolId }],
                  }),
                  ...(publicAddress && { publicIPAddressConfiguration: PUBLIC_ADDRESS }),
                },
              ],
            },
          ],
        },
        extensionProfile: {
          extensions: [{ name: 'ready', ...machines.readiness }, ...(args.extensions ?? [])],
        },
        ...args.profile,
      },
      ...args.rest,
      tags: pulumi
        .all([tags ?? {}, args.rest?.tags ?? {}])
        .apply(([given, own]) => ({ ...given, ...own })),
    },
    {
      ...opts,
      // Its name is known to others before it is there: one of the same name has to go first.
      deleteBeforeReplace: true,
      dependsOn: machines.grants.made,
      customTimeouts: { create: '2h', update: '2h', delete: '1h' },
    },
  );
}

/** Standard: open only where a security group opens it, and the same in every zone. */
const PUBLIC_ADDRESS = {
  name: 'public',
  sku: {
    name: compute.PublicIPAddressSkuName.Standard,
    tier: compute.PublicIPAddressSkuTier.Regional,
  },
  publicIPAddressVersion: compute.IPVersion.IPv4,
  deleteOption: compute.DeleteOptions.Delete,
  idleTimeoutInMinutes: 30,
};
