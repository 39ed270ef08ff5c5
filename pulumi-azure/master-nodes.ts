import * as compute from '@pulumi/azure-native/compute';
import * as network from '@pulumi/azure-native/network';
import * as pulumi from '@pulumi/pulumi';
import { DEPLOYMENT_DEFAULTS, PORTS } from '../node-image/contract';
import type { ClusterSecrets } from './cluster-secrets';
import type { LogGroup } from './log-group';
import type { MachineIdentity } from './machine-identity';
import type { MasterDataVolumeOptions, MasterNodesOptions } from './master-nodes-options';
import type { MediaTarget } from './media-nodes';
import { NodeConfig, type NodeSecrets, NodeSettings } from './node-config';
import { NodeImage } from './node-image';
import type { PlaceArgs } from './place';
import { cloudSettings } from './private/cloud-settings';
import { DATA_MOUNT, dataDisk } from './private/data-volume';
import { grantControl } from './private/group-control';
import { identityOf } from './private/identity';
import type { BoundImage } from './private/image-binding';
import { checkMasters, sizeOf, zonesOf } from './private/machine-checks';
import type { MachineEntry } from './private/machine-entry';
import { machineGroup } from './private/machine-group';
import { nameSuffix, plainName } from './private/names';
import { NodeMachines } from './private/node-machines';
import { placed } from './private/placed';
import { scaleSet } from './private/scale-set';
import { secretSettings } from './private/secret-settings';
import { securityRules } from './private/security-rules';
import { Problems } from './private/validation';
import { DATA_LUN, machineInterface, virtualMachine } from './private/virtual-machine';

/** Arguments of Master Nodes. */
export interface MasterNodesArgs extends PlaceArgs, MasterNodesOptions {
  /**
   * Id of the subnet that they are in. They need a way out: a load balancer with an outbound rule, a NAT
   * gateway, or a public address.
   */
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
   * The Media Nodes that they control: they are given the rights for that, and told of it in
   * sluice.yaml.
   *
   * @default - none
   */
  readonly mediaNodes?: { readonly target: MediaTarget };

  /**
   * A disk that outlives the machine, for an only master that keeps Redis.
   *
   * @default - none
   */
  readonly dataVolume?: MasterDataVolumeOptions;

  /**
   * Id of the pool of a load balancer that clients come in by.
   *
   * @default - none
   */
  readonly backendPoolId?: pulumi.Input<string>;

  /**
   * Id of a public address, for an only master without a load balancer.
   *
   * @default - none
   */
  readonly publicAddressId?: pulumi.Input<string>;

  /**
   * Ids of application security groups of other nodes of the cluster, which may reach the Redis of an
   * only master.
   *
   * @default - none
   */
  readonly clusterGroups?: readonly pulumi.Input<string>[];

  /**
   * Where the machines send the journal of their services.
   *
   * @default - logs stay on the machines, and end with them
   */
  readonly logGroup?: LogGroup;

  /** @internal What HAProxy on the machines listens on for clients, and on which ports. */
  readonly _entry?: { readonly machine: MachineEntry; readonly ports: readonly number[] };

  /** @internal The image, where others boot it too. */
  readonly _image?: BoundImage;

  /** @internal Settings that name the interface of the only master, which is made first. */
  readonly _settingsWith?: (privateAddress: pulumi.Output<string>) => NodeSettings;
}

/**
 * The Master Nodes of a cluster: one whose data outlives its machine, or several over zones of which a
 * dead one is replaced.
 */
export class MasterNodes extends pulumi.ComponentResource {
  /** How many there are. */
  public readonly count: number;
  /** The identity of the machines. */
  public readonly identity: MachineIdentity;
  /** Id of the application security group that they are in. */
  public readonly applicationSecurityGroupId: pulumi.Output<string>;
  /** Their sluice.yaml. */
  public readonly config: NodeConfig;
  /** The private address of an only master with a data volume or a public address: it stays. */
  public readonly privateAddress?: pulumi.Output<string>;
  /** The disk that outlives the machine, where there is one. */
  public readonly dataVolume?: compute.Disk;
  /** The only master with a data volume or a public address. */
  public readonly virtualMachine?: compute.VirtualMachine;
  /** The others. */
  public readonly scaleSet?: compute.VirtualMachineScaleSet;

  constructor(name: string, args: MasterNodesArgs, opts?: pulumi.ComponentResourceOptions) {
    super('sluice:azure:MasterNodes', name, {}, opts);
    const count = args.count ?? (args.dataVolume ? 1 : DEPLOYMENT_DEFAULTS.masters);
    this.count = count;
    const problems = new Problems(name);
    checkMasters(args, count, problems);
    problems.throwIfAny();
    this.identity = identityOf(name, args.identity, args, this);
    this.applicationSecurityGroupId = machineGroup(name, args, this).id;
    const vmSize = sizeOf('master', args);
    const place = {
      ...args,
      networkSecurityGroupId: args.networkSecurityGroupId ?? this.#securityGroup(name, args),
      applicationSecurityGroupId: this.applicationSecurityGroupId,
    };
    const isFixed = args.dataVolume !== undefined || args.publicAddressId !== undefined;
    const nic = isFixed ? machineInterface(name, place, this) : undefined;
    if (nic) {
      this.privateAddress = nic.ipConfigurations.apply(
        (configurations) => configurations?.[0]?.privateIPAddress ?? '',
      );
    }
    this.config = this.#config(name, args);
    const machines = this.#machines(name, args, vmSize);
    const target = args.mediaNodes?.target;
    if (target) grantControl(name, machines.grants, target, this);
    const zones = zonesOf(args);
    if (nic) {
      // A disk is in one zone, and so is the machine that it is for.
      const [zone] = zones;
      this.dataVolume = this.#dataDisk(name, args, zone);
      this.virtualMachine = virtualMachine(
        name,
        { ...args, vmSize, machines, zone, interfaceId: nic.id, dataDisk: this.dataVolume },
        this,
      ).machine;
    } else {
      this.scaleSet = scaleSet(
        `${name}-set`,
        {
          ...place,
          groupName: pulumi.interpolate`${plainName(name, 50)}-${nameSuffix(name, { parent: this })}`,
          vmSize,
          capacity: count,
          machines,
          zones,
          publicAddress: false,
          ...ROLLED,
        },
        { parent: this },
      );
    }
    this.registerOutputs({});
  }

  #dataDisk(
    name: string,
    { dataVolume, ...args }: MasterNodesArgs,
    zone: string | undefined,
  ): compute.Disk | undefined {
    if (dataVolume === undefined) return undefined;
    const resourceGroupName = dataVolume.resourceGroupName ?? args.resourceGroupName;
    return dataDisk(name, { ...placed(args), zone, ...dataVolume, resourceGroupName }, this);
  }

  #config(name: string, args: MasterNodesArgs): NodeConfig {
    const target = args.mediaNodes?.target;
    const { clientId } = this.identity;
    return new NodeConfig(
      `${name}-config`,
      {
        role: 'master',
        secrets: args.secrets,
        settings: secretSettings(args.nodeSecrets ?? {})
          .with(cloudSettings({ ...target, mediaGroup: target?.groupName, identity: clientId }))
          .with(target?.masterSettings ?? NodeSettings.none())
          .with(args.settings ?? NodeSettings.none())
          .with(
            (this.privateAddress && args._settingsWith?.(this.privateAddress)) ??
              NodeSettings.none(),
          ),
      },
      { parent: this },
    );
  }

  #machines(name: string, args: MasterNodesArgs, vmSize: string): NodeMachines {
    return new NodeMachines(
      `${name}-machines`,
      {
        ...args,
        role: 'master',
        vmSize,
        architecture: args.architecture,
        image: args._image ?? (args.image ?? NodeImage.fromFiles())._bind(name, args, this),
        config: this.config,
        secrets: args.nodeSecrets ?? {},
        identity: this.identity,
        diskSizeGib: args.diskSizeGib ?? DEPLOYMENT_DEFAULTS.diskGib,
        encryptionAtHost: args.encryptionAtHost,
        sshPublicKey: args.sshPublicKey,
        creationTimeoutMinutes: args.creationTimeoutMinutes ?? DEPLOYMENT_DEFAULTS.creationMinutes,
        boot: {
          ...(args.dataVolume && {
            data_volume: { lun: DATA_LUN, mount: DATA_MOUNT },
            // The disk is for Redis.
            redis: { server: true },
          }),
          ...(args._entry && { entry: args._entry.machine }),
        },
      },
      { parent: this },
    );
  }

  #securityGroup(name: string, args: MasterNodesArgs): pulumi.Output<string> {
    return new network.NetworkSecurityGroup(
      `${name}-rules`,
      {
        ...placed(args),
        securityRules: securityRules('master', {
          entry: args._entry?.ports ?? [],
          cluster: [this.applicationSecurityGroupId, ...(args.clusterGroups ?? [])],
          clusterPorts: args.dataVolume ? [REDIS_PORT] : [],
        }),
      },
      { parent: this },
    ).id;
  }
}

/** Of Redis on an only master. */
export const REDIS_PORT = 6379;

/** A new model is rolled out one machine at a time, the new one first; a dead one is replaced. */
const ROLLED = {
  rest: {
    upgradePolicy: {
      mode: compute.UpgradeMode.Rolling,
      rollingUpgradePolicy: {
        maxSurge: true,
        maxBatchInstancePercent: 34,
        maxUnhealthyInstancePercent: 34,
        maxUnhealthyUpgradedInstancePercent: 0,
        pauseTimeBetweenBatches: 'PT1M',
      },
    },
    automaticRepairsPolicy: {
      enabled: true,
      gracePeriod: 'PT30M',
      repairAction: compute.RepairAction.Replace,
    },
  },
  extensions: [
    {
      name: 'health',
      publisher: 'Microsoft.ManagedServices',
      type: 'ApplicationHealthLinux',
      typeHandlerVersion: '2.0',
      autoUpgradeMinorVersion: true,
      enableAutomaticUpgrade: true,
      settings: {
        protocol: 'http',
        port: PORTS.http,
        requestPath: '/',
        intervalInSeconds: 5,
        numberOfProbes: 3,
      },
    },
  ],
};
