import type * as compute from '@pulumi/azure-native/compute';
import * as network from '@pulumi/azure-native/network';
import * as pulumi from '@pulumi/pulumi';
import { BEHIND_OWN_HAPROXY, DEPLOYMENT_DEFAULTS, JOBS_DISK_GIB } from '../../node-image/contract';
import type { ClusterSecrets } from '../cluster-secrets';
import type { BoundJobs } from '../jobs';
import type { LogGroup } from '../log-group';
import type { MachineIdentity } from '../machine-identity';
import { NodeConfig, type NodeSecrets, NodeSettings } from '../node-config';
import type { PlaceArgs } from '../place';
import type { SingleNodeArgs } from '../single-node';
import type { TurnConfig } from '../turn';
import type { ClientEntry } from './client-entry';
import { cloudSettings } from './cloud-settings';
import { identityOf } from './identity';
import type { BoundImage } from './image-binding';
import { zonesOf } from './machine-checks';
import { machineGroup } from './machine-group';
import { NodeMachines } from './node-machines';
import { placed } from './placed';
import { secretSettings } from './secret-settings';
import { securityRules } from './security-rules';
import { machineInterface, virtualMachine } from './virtual-machine';

/** What the machine of a Single Node is made with. */
export interface SingleMachineArgs extends PlaceArgs {
  readonly options: SingleNodeArgs;
  readonly vmSize: string;
  readonly image: BoundImage;
  readonly subnetId: pulumi.Input<string>;
  readonly secrets: ClusterSecrets;
  readonly nodeSecrets: NodeSecrets;
  readonly entry: ClientEntry;
  readonly turn: TurnConfig;
  readonly jobs: BoundJobs | undefined;
  readonly logGroup: LogGroup | undefined;
}

/** The machine of a Single Node. */
export class SingleMachine extends pulumi.ComponentResource {
  readonly virtualMachine: compute.VirtualMachine;
  readonly identity: MachineIdentity;
  readonly config: NodeConfig;

  constructor(name: string, args: SingleMachineArgs, opts?: pulumi.ComponentResourceOptions) {
    super('sluice:azure:SingleMachine', name, {}, opts);
    const { options, entry, turn, jobs, nodeSecrets, vmSize } = args;
    this.identity = identityOf(name, options.identity, args, this);
    this.config = new NodeConfig(
      `${name}-config`,
      {
        role: 'single',
        secrets: args.secrets,
        settings: secretSettings(nodeSecrets)
          .with(NodeSettings.fromObject(BEHIND_OWN_HAPROXY))
          .with(cloudSettings({ identity: this.identity.clientId }))
          .with(turn.settings)
          .with(jobs?.settings('single') ?? NodeSettings.none())
          .with(options.settings ?? NodeSettings.none()),
      },
      { parent: this },
    );
    const machines = new NodeMachines(
      `${name}-machines`,
      {
        ...placed(args),
        role: 'single',
        vmSize,
        architecture: options.architecture,
        image: args.image,
        config: this.config,
        secrets: nodeSecrets,
        identity: this.identity,
        diskSizeGib: options.diskSizeGib ?? (jobs ? JOBS_DISK_GIB : DEPLOYMENT_DEFAULTS.diskGib),
        jobs,
        encryptionAtHost: options.encryptionAtHost,
        sshPublicKey: options.sshPublicKey,
        creationTimeoutMinutes:
          options.creationTimeoutMinutes ?? DEPLOYMENT_DEFAULTS.creationMinutes,
        logGroup: args.logGroup,
        boot: { entry: entry.machine.machine },
      },
      { parent: this },
    );
    const nic = machineInterface(
      name,
      {
        ...placed(args),
        subnetId: args.subnetId,
        networkSecurityGroupId: options.networkSecurityGroupId ?? this.#securityGroup(name, args),
        applicationSecurityGroupId: machineGroup(name, args, this).id,
        publicAddressId: entry.publicAddressId,
      },
      this,
    );
    const [zone] = zonesOf(options);
    this.virtualMachine = virtualMachine(
      name,
      { ...placed(args), vmSize, machines, zone, interfaceId: nic.id },
      this,
    ).machine;
    this.registerOutputs({});
  }

  #securityGroup(name: string, args: SingleMachineArgs): pulumi.Output<string> {
    const { entry, turn } = args;
    return new network.NetworkSecurityGroup(
      `${name}-rules`,
      {
        ...placed(args),
        securityRules: securityRules('single', {
          entry: entry.machine.ports,
          closed: turn.closedPorts,
          clientPorts: args.jobs?.clientPorts,
        }),
      },
      { parent: this },
    ).id;
  }
}
