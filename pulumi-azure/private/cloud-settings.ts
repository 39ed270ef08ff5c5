import type * as pulumi from '@pulumi/pulumi';
import { NodeSettings } from '../node-config';

/** What sluice.yaml says of the cloud. */
export interface CloudOfNode {
  readonly subscriptionId?: pulumi.Input<string>;
  readonly resourceGroupName?: pulumi.Input<string>;
  /** Name of the scale set of the Media Nodes. */
  readonly mediaGroup?: pulumi.Input<string>;
  /** Client id of the machine's identity. */
  readonly identity: pulumi.Input<string>;
}

export function cloudSettings(cloud: CloudOfNode): NodeSettings {
  const { subscriptionId, resourceGroupName, mediaGroup, identity } = cloud;
  return NodeSettings.fromObject({
    sluice: {
      cloud: {
        kind: 'azure',
        ...(subscriptionId !== undefined && { subscription: subscriptionId }),
        ...(resourceGroupName !== undefined && { resource_group: resourceGroupName }),
        ...(mediaGroup !== undefined && { media_group: mediaGroup }),
        identity,
      },
    },
  });
}
