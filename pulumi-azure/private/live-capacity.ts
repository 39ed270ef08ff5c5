import * as compute from '@pulumi/azure-native/compute';
import * as pulumi from '@pulumi/pulumi';
import type { MediaTarget } from './media-target';

/**
 * The capacity that the scale set has right now; where it is not there yet, that which it begins with.
 *
 * `ignoreChanges` would not do: an update of anything else of the set sends all of it, and in it the
 * capacity of the first deployment, by which Azure would end machines with calls.
 */
export function liveCapacity(
  { groupName, resourceGroupName }: MediaTarget,
  initial: number,
  parent: pulumi.Resource,
): pulumi.Output<number> {
  return pulumi
    .all([groupName, resourceGroupName])
    .apply(async ([vmScaleSetName, group]): Promise<number> => {
      try {
        const set = await compute.getVirtualMachineScaleSet(
          { vmScaleSetName, resourceGroupName: group },
          { parent },
        );
        return set.sku?.capacity ?? initial;
      } catch (error) {
        // Anything else than that: better no deployment than one that ends machines. A command line or an
        // identity that was not found says nothing of the set.
        if (/\b404\b|\b(?:Parent)?Resource(?:Group)?NotFound\b/.test(String(error))) return initial;
        throw error;
      }
    });
}
