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
  // Whoever raises the capacity makes machines, and needs what making one needs.
  'Microsoft.Compute/virtualMachines/write',
  'Microsoft.ManagedIdentity/userAssignedIdentities/assign/action',
  'Microsoft.Network/applicationSecurityGroups/joinIpConfiguration/action',
  'Microsoft.Network/networkSecurityGroups/join/action',
  'Microsoft.Network/virtualNetworks/subnets/join/action',
];

/**
 * Lets the controller size the set and delete machines: in the resource group of the Media Nodes only.
 * Of their subnet, which may be elsewhere, it can put machines into it.
 */
export function grantControl(
  name: string,
  grants: Grants,
  { resourceGroupName, subscriptionId, groupName, subnetId }: MediaTarget,
  parent: pulumi.Resource,
): authorization.RoleDefinition {
  const scope = pulumi.interpolate`/subscriptions/${subscriptionId}/resourceGroups/${resourceGroupName}`;
  const ofSubnet = pulumi
    .output(subnetId)
    .apply((id) => /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+/i.exec(id)?.[0] ?? id);
  const role = new authorization.RoleDefinition(
    `${name}-controller`,
    {
      // Of one's own in the tenant, as the name of the set is.
      roleName: pulumi.interpolate`Sluice controller of ${groupName}`,
      description: 'Sizes the scale set of the Media Nodes, and deletes machines that are empty',
      roleType: 'CustomRole',
      scope,
      assignableScopes: pulumi.all([scope, ofSubnet]).apply((scopes) => [...new Set(scopes)]),
      permissions: [{ actions: [...CONTROL_ACTIONS], notActions: [] }],
    },
    { parent },
  );
  grants.role('control', role.id, scope);
  grants.role('join', role.id, subnetId);
  return role;
}
