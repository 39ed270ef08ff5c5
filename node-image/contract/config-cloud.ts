import { oneOf, section, text } from './config-values';

/** Names that the deployment gives the lifecycle hooks of an Auto Scaling Group of Media Nodes. */
export const LIFECYCLE_HOOKS = {
  /** Holds a machine back until a call through its node works. */
  launching: 'sluice-launching',
  /** Holds a machine that is to end until its node is empty. */
  terminating: 'sluice-terminating',
} as const;

/**
 * Tags of a group of Media Nodes that hold instead of `sluice.scaling`: the controller reads them with
 * each look at the group. An Auto Scaling Group has a minimum and a maximum of its own, a scale set of
 * Azure has tags for them.
 */
export const SCALING_TAGS = {
  /** min_nodes; on Azure. */
  minNodes: 'sluice:min-nodes',
  /** max_nodes; on Azure. */
  maxNodes: 'sluice:max-nodes',
  /** target_load */
  targetLoad: 'sluice:target-load',
  /** headroom_rooms */
  headroomRooms: 'sluice:headroom-rooms',
} as const;

/** Where EC2 answers a machine's questions about itself: link-local, the same on each. */
export const AWS_METADATA_URL = 'http://169.254.169.254';

/** The same of Azure. */
export const AZURE_METADATA_URL = AWS_METADATA_URL;

/** Where the resource manager of Azure's public cloud answers. */
export const AZURE_RESOURCE_MANAGER_URL = 'https://management.azure.com';

/** The cloud that the machines are rented from, and what its deployment has made for the cluster. */
export const cloudSchema = section({
  /**
   * Which one: none, aws or azure. `sluice agent` and the controller go by it. @default none
   */
  kind: oneOf(['none', 'aws', 'azure'], 'none'),
  /** Name of the group of the Media Nodes: an Auto Scaling Group, a Virtual Machine Scale Set. */
  media_group: text(),
  /** On Azure: id of the subscription that the group is in. */
  subscription: text(),
  /** On Azure: the resource group that the group and its machines are in. */
  resource_group: text(),
  /** On Azure: client id of the user-assigned identity to use. @default - the only one of the machine */
  identity: text(),
  /** On Azure: where the resource manager answers. @default https://management.azure.com */
  resource_manager_url: text(AZURE_RESOURCE_MANAGER_URL),
  /**
   * URL of the SQS queue with what the cloud says of its machines: lifecycle actions, spot
   * interruptions, rebalance recommendations, changes of state. @default - none is read
   */
  notices_queue: text(),
  /** Name of the hook at which a machine waits until its node serves. @default sluice-launching */
  launching_hook: text(LIFECYCLE_HOOKS.launching),
  /** Name of the hook at which a machine waits until its node is empty. @default sluice-terminating */
  terminating_hook: text(LIFECYCLE_HOOKS.terminating),
  /** Where the metadata of a machine is read. @default http://169.254.169.254 */
  metadata_url: text(AWS_METADATA_URL),
}).prefault({});
