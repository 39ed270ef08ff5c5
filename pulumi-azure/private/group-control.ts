import * as authorization from '@pulumi/azure-native/authorization';
import * as pulumi from '@pulumi/pulumi';
import type { Grants } from './grants';
import type { MediaTarget } from './media-target';

/**
 * What the controller does with the scale set and its machines. A machine of a Flexible set is a
 * virtual machine of the resource group: deleting exactly that one takes the capacity down with it.
 */
export const CONTROL_ACTIONS = [
  'Microsoft.Compute/virtualMachineScaleSets/read',
  'Microsoft.Compute/virtualMachineScaleSets/write',
  'Microsoft.Compute/virtualMachineScaleSets/virtualMachines/read',
  'Microsoft.Compute/virtualMachines/read',
  'Microsoft.Compute/virtualMachines/instanceView/read',
  'Microsoft.Compute/virtualMachines/delete',
];

/** Lets the controller size the set and delete machines: in the resource group of the Media Nodes only. */
export function grantControl(
  name: string,
  grants: Grants,
  { resourceGroupName, subscriptionId, groupName }: MediaTarget,
  parent: pulumi.Resource,
): authorization.RoleDefinition {
  const scope = pulumi.interpolate`/subscriptions/${subscriptionId}/resourceGroups/${resourceGroupName}`;
  const role = new authorization.RoleDefinition(
    `${name}-controller`,
    {
      // Of one's own in the tenant, as the name of the set is.
      roleName: pulumi.interpolate`Sluice controller of ${groupName}`,
      description: 'Sizes the scale set of the Media Nodes, and deletes machines that are empty',
      roleType: 'CustomRole',
      scope,
      assignableScopes: [scope],
      permissions: [{ actions: [...CONTROL_ACTIONS], notActions: [] }],
    },
    { parent },
  );
  grants.role('control', role.id, scope);
  return role;
}
