import * as resources from '@pulumi/azure-native/resources';
import type * as pulumi from '@pulumi/pulumi';
import type { PlaceArgs } from '../place';

/**
 * A resource group that stays when the stack is deleted: Azure deletes a group with all that is in it,
 * whatever Pulumi keeps.
 */
export function lastingGroup(
  name: string,
  { location, tags }: Pick<PlaceArgs, 'location' | 'tags'>,
  parent: pulumi.Resource,
): pulumi.Output<string> {
  return new resources.ResourceGroup(name, { location, tags }, { parent, retainOnDelete: true })
    .name;
}
