import type * as pulumi from '@pulumi/pulumi';

/** Where the resources of a part are. */
export interface PlaceArgs {
  /** The resource group that they are put into. */
  readonly resourceGroupName: pulumi.Input<string>;

  /**
   * The region, such as `westeurope`.
   *
   * @default - that of the resource group, or `azure-native:location` of the configuration
   */
  readonly location?: pulumi.Input<string>;

  /**
   * Tags of every resource that takes some.
   *
   * @default - none but those that the controller reads
   */
  readonly tags?: pulumi.Input<Record<string, pulumi.Input<string>>>;
}
