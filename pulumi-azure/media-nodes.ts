import * as compute from '@pulumi/azure-native/compute';
import * as network from '@pulumi/azure-native/network';
import * as pulumi from '@pulumi/pulumi';
import { DEPLOYMENT_DEFAULTS, JOBS_DISK_GIB, type PortUse } from '../node-image/contract';
import type { ClusterSecrets } from './cluster-secrets';
import type { BoundJobs } from './jobs';
import type { LogGroup } from './log-group';
import type { MachineIdentity } from './machine-identity';
import type { MediaNodesOptions } from './media-nodes-options';
import type { MediaScaling } from './media-scaling';
import { NodeConfig, type NodeSecrets, NodeSettings } from './node-config';
import type { NodeDrain } from './node-drain';
import { NodeImage } from './node-image';
import type { PlaceArgs } from './place';
import { cloudSettings } from './private/cloud-settings';
import { identityOf } from './private/identity';
import type { BoundImage } from './private/image-binding';
import { jobsAlone } from './private/job-binding';
import { liveCapacity } from './private/live-capacity';
import { sizeOf, zonesOf } from './private/machine-checks';
import { machineGroup } from './private/machine-group';
import { type MediaTarget, mediaTarget } from './private/media-target';
import { NodeMachines } from './private/node-machines';
import { placed } from './private/placed';
import { scaleSet } from './private/scale-set';
import { secretSettings } from './private/secret-settings';
import { securityRules } from './private/security-rules';

import type { KnownRecordings } from './recordings';

export type { MediaTarget } from './private/media-target';

/** Arguments of Media Nodes. */
export interface MediaNodesArgs extends PlaceArgs, MediaNodesOptions {
  /** Id of the subnet that they are in. */
  readonly subnetId: pulumi.Input<string>;

  /** Where their configuration is kept. */
  readonly secrets: ClusterSecrets;

  /**
   * Secrets that they read at boot.
   *
   * @default - none
   */
  readonly nodeSecrets?: NodeSecrets;

  /**
   * Ids of application security groups of other nodes of the cluster: the Master Nodes.
   *
   * @default - none: nobody reaches the node link
   */
  readonly clusterGroups?: readonly pulumi.Input<string>[];

  /**
   * Where the machines send the journal of their services.
   *
   * @default - logs stay on the machines, and end with them
   */
  readonly logGroup?: LogGroup;

  /**
   * What clients are given, such as `https://meet.example.com`: recorders of Rooms find the cluster by it.
   * A cluster knows it.
   *
   * @default - none: Room composites are refused, unless `settings` say `egress.ws_url`
   */
  readonly clusterUrl?: pulumi.Input<string>;

  /** @internal What the jobs of the cluster mean for them. */
  readonly _jobs?: BoundJobs;

  /** @internal What Master Nodes were told of them. */
  readonly _target?: MediaTarget;

  /** @internal Ports that nothing listens on, as TURN is elsewhere: not to be opened. */
  readonly _closedPorts?: readonly PortUse[];

  /** @internal The image, where others boot it too. */
  readonly _image?: BoundImage;

  /** @internal Id of the group that tells them apart, where it was made already. */
  readonly _group?: pulumi.Input<string>;
}

/**
 * The Media Nodes of a cluster: machines that come and go with the load, and leave without dropping
 * a call.
 */
export class MediaNodes extends pulumi.ComponentResource {
  /** What Master Nodes have to know of them. */
  public readonly target: MediaTarget;
  /** The scale set. Its size is the controller's: a later deployment leaves it as it is then. */
  public readonly scaleSet: compute.VirtualMachineScaleSet;
  /** Its name. */
  public readonly groupName: pulumi.Output<string>;
  /** The identity of the machines. */
  public readonly identity: MachineIdentity;
  /** Id of the application security group that they are in. */
  public readonly applicationSecurityGroupId: pulumi.Input<string>;
  /** How nodes leave. */
  public readonly drain: NodeDrain;
  /** How the number of nodes follows the load. */
  public readonly scaling: MediaScaling;
  /** Whether they run jobs. */
  public readonly hasJobs: boolean;
  /** Where recordings go, where that was asked for. */
  public readonly recordings?: KnownRecordings;
  /** Their sluice.yaml. */
  public readonly config: NodeConfig;

  constructor(name: string, args: MediaNodesArgs, opts?: pulumi.ComponentResourceOptions) {
    super('sluice:azure:MediaNodes', name, {}, opts);
    this.target = args._target ?? mediaTarget(name, args, args, this);
    const { capacity, drain, scaling, groupName } = this.target;
    this.drain = drain;
    this.scaling = scaling;
    this.groupName = groupName;
    const nodeSecrets = args.nodeSecrets ?? {};
    const jobs = args._jobs ?? jobsAlone(name, args, this);
    this.hasJobs = jobs !== undefined;
    this.recordings = jobs?.recordings;
    this.identity = identityOf(name, args.identity, args, this);
    const vmSize = sizeOf('media', args);
    this.config = new NodeConfig(
      `${name}-config`,
      {
        role: 'media',
        secrets: args.secrets,
        settings: secretSettings(nodeSecrets)
          .with(
            cloudSettings({
              ...this.target,
              mediaGroup: groupName,
              identity: this.identity.clientId,
            }),
          )
          .with(drain.settings)
          .with(jobs?.settings('media') ?? NodeSettings.none())
          .with(args.settings ?? NodeSettings.none()),
      },
      { parent: this },
    );
    const machines = new NodeMachines(
      `${name}-machines`,
      {
        ...args,
        role: 'media',
        vmSize,
        architecture: args.architecture,
        image: args._image ?? (args.image ?? NodeImage.fromFiles())._bind(name, args, this),
        config: this.config,
        secrets: nodeSecrets,
        identity: this.identity,
        diskSizeGib: args.diskSizeGib ?? (jobs ? JOBS_DISK_GIB : DEPLOYMENT_DEFAULTS.diskGib),
        jobs,
        encryptionAtHost: args.encryptionAtHost,
        sshPublicKey: args.sshPublicKey,
        creationTimeoutMinutes: args.creationTimeoutMinutes ?? DEPLOYMENT_DEFAULTS.creationMinutes,
      },
      { parent: this },
    );
    this.applicationSecurityGroupId = args._group ?? machineGroup(name, args, this).id;
    this.scaleSet = scaleSet(
      `${name}-set`,
      {
        ...args,
        groupName,
        vmSize,
        // The size is the controller's.
        capacity: liveCapacity(this.target, args.initialCapacity ?? capacity.minCapacity, this),
        machines,
        zones: zonesOf(args),
        networkSecurityGroupId:
          args.networkSecurityGroupId ?? this.#securityGroup(name, args, jobs?.clientPorts),
        applicationSecurityGroupId: this.applicationSecurityGroupId,
        publicAddress: true,
        rest: {
          // Another model is rolled out by the controller, node by node, with drain.
          upgradePolicy: { mode: compute.UpgradeMode.Manual },
          tags: scaling.tags(capacity),
          ...spotMix(args),
        },
        profile: { scheduledEventsProfile: drain.scheduledEventsProfile, ...spotProfile(args) },
      },
      { parent: this },
    );
    this.registerOutputs({ groupName });
  }

  #securityGroup(
    name: string,
    args: MediaNodesArgs,
    clientPorts: readonly PortUse[] | undefined,
  ): pulumi.Output<string> {
    return new network.NetworkSecurityGroup(
      `${name}-rules`,
      {
        ...placed(args),
        securityRules: securityRules('media', {
          closed: args._closedPorts,
          clientPorts,
          cluster: [this.applicationSecurityGroupId, ...(args.clusterGroups ?? [])],
        }),
      },
      { parent: this },
    ).id;
  }
}

function spotMix({ spot }: MediaNodesOptions): Partial<compute.VirtualMachineScaleSetArgs> {
  if (spot === undefined) return {};
  return {
    priorityMixPolicy: {
      baseRegularPriorityCount: spot.onDemandBase ?? 1,
      regularPriorityPercentageAboveBase: 100 - (spot.percentage ?? 100),
    },
  };
}

function spotProfile({ spot }: MediaNodesOptions): object {
  if (spot === undefined) return {};
  return {
    priority: compute.VirtualMachinePriorityTypes.Spot,
    evictionPolicy: compute.VirtualMachineEvictionPolicyTypes.Delete,
    // Up to the price of others: a machine is then taken back for want of machines alone.
    billingProfile: { maxPrice: -1 },
  };
}
