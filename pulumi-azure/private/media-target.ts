import * as authorization from '@pulumi/azure-native/authorization';
import * as pulumi from '@pulumi/pulumi';
import type { MediaNodesOptions } from '../media-nodes-options';
import { type Capacity, MediaScaling } from '../media-scaling';
import type { NodeSettings } from '../node-config';
import { NodeDrain } from '../node-drain';
import type { PlaceArgs } from '../place';
import { capacityOf, checkMedia } from './machine-checks';
import { nameSuffix, plainName } from './names';
import { Problems } from './validation';

/**
 * The Media Nodes as Master Nodes know them, before there is a machine: the masters' configuration names
 * the set, and that of the Media Nodes the Redis on a master.
 */
export interface MediaTarget {
  readonly groupName: pulumi.Output<string>;
  readonly resourceGroupName: pulumi.Input<string>;
  readonly subscriptionId: pulumi.Output<string>;
  readonly subnetId: pulumi.Input<string>;
  readonly capacity: Capacity;
  readonly drain: NodeDrain;
  readonly scaling: MediaScaling;
  /** What sluice.yaml of Master Nodes says of them, but for where they are. */
  readonly masterSettings: NodeSettings;
}

/**
 * @throws RunError that names all that is wrong with the options.
 */
export function mediaTarget(
  name: string,
  options: MediaNodesOptions,
  place: PlaceArgs & { readonly subnetId: pulumi.Input<string> },
  parent: pulumi.Resource | undefined,
): MediaTarget {
  const problems = new Problems(name);
  checkMedia(options, problems);
  const drain = new NodeDrain(options.drain ?? {}, problems);
  const scaling = new MediaScaling(options.scaling ?? {}, problems);
  problems.throwIfAny();
  const { subscriptionId } = authorization.getClientConfigOutput({ parent });
  return {
    groupName: pulumi.interpolate`${plainName(name, 50)}-${nameSuffix(name, { parent })}`,
    resourceGroupName: place.resourceGroupName,
    subscriptionId,
    subnetId: place.subnetId,
    capacity: capacityOf(options),
    drain,
    scaling,
    masterSettings: drain.settings.with(scaling.settings),
  };
}
