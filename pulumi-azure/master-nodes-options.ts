import type * as pulumi from '@pulumi/pulumi';
import type { MachineIdentity } from './machine-identity';
import type { NodeArchitecture } from './node-architecture';
import type { NodeSettings } from './node-config';
import type { NodeImage } from './node-image';

/** Choices for the machines of any role. */
export interface MachineOptions {
  /**
   * The processor of `vmSize`.
   *
   * @default - that of vmSize
   */
  readonly architecture?: NodeArchitecture;

  /**
   * What the machines boot.
   *
   * @default NodeImage.fromFiles()
   */
  readonly image?: NodeImage;

  /**
   * Settings of sluice.yaml for these nodes.
   *
   * @default - none but those that follow from the other arguments
   */
  readonly settings?: NodeSettings;

  /**
   * Id of a network security group of yours. What the machines need has to be open in it: nothing is
   * added.
   *
   * @default - one that opens what the machines need, and nothing else
   */
  readonly networkSecurityGroupId?: pulumi.Input<string>;

  /**
   * A user-assigned identity of yours. It is given the rights that the machines need, and no more.
   *
   * @default - a new one
   */
  readonly identity?: MachineIdentity;

  /**
   * Size of a machine's own disk, Premium SSD, GiB; 20 GiB cost about 5 USD a month, as 32 do.
   *
   * @default 20
   */
  readonly diskSizeGib?: number;

  /**
   * Encrypt on the host, caches and temporary disks too. The feature `EncryptionAtHost` has to be
   * registered in the subscription.
   *
   * @default - as the subscription has it; disks are encrypted in any case
   */
  readonly encryptionAtHost?: boolean;

  /**
   * A public key for the user `sluice`, for Bastion: nothing opens port 22.
   *
   * @default - nobody can log in, and no SSH runs
   */
  readonly sshPublicKey?: pulumi.Input<string>;

  /**
   * The zones that the machines are in; none where the region has no zones. A changed list is for
   * machines that are made from then on.
   *
   * @default - 1, 2 and 3
   */
  readonly zones?: readonly string[];

  /**
   * How long the first machines may take until a call through them works, before the deployment
   * fails; minutes, 5 to 85.
   *
   * @default 30
   */
  readonly creationTimeoutMinutes?: number;
}

/** The disk of an only master, which outlives its machine. */
export interface MasterDataVolumeOptions {
  /**
   * Its size, Premium SSD, GiB; 20 GiB cost about 5 USD a month, as 32 do. It only grows, and its
   * file system with it, at the next start.
   *
   * @default 20
   */
  readonly sizeGib?: number;

  /**
   * Keep it when the stack is deleted. It stays in the zone and resource group in which it was made.
   *
   * @default true
   */
  readonly retain?: boolean;

  /**
   * The resource group that it is in. What keeps it has to stay: Azure deletes a resource group with all
   * that is in it.
   *
   * @default - that of the Master Nodes. Where a cluster makes that itself, a new one for the disk alone,
   * which is kept with it
   */
  readonly resourceGroupName?: pulumi.Input<string>;
}

/** Choices for Master Nodes; a cluster takes them as `masterNodes`. */
export interface MasterNodesOptions extends MachineOptions {
  /**
   * How many: 1, or more over the zones there are.
   *
   * @default 3; 1 with dataVolume
   */
  readonly count?: number;

  /**
   * The machine. They carry signaling and TURN/TLS, no other media.
   *
   * @default Standard_F2s_v2, about 0.085 USD an hour; Standard_D2ps_v6 with arm64
   */
  readonly vmSize?: string;
}
