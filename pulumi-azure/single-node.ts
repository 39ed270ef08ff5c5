import type * as compute from '@pulumi/azure-native/compute';
import * as pulumi from '@pulumi/pulumi';
import type { Cluster, ClusterOptions } from './cluster';
import type { ClusterSecrets } from './cluster-secrets';
import type { Jobs } from './jobs';
import type { LogGroup } from './log-group';
import type { MachineIdentity } from './machine-identity';
import type { MachineOptions } from './master-nodes-options';
import type { Network } from './network';
import type { NodeConfig } from './node-config';
import { NodeImage } from './node-image';
import {
  certificateOf,
  logGroupOf,
  networkOf,
  placeOf,
  secretsOf,
  turnOf,
  turnSecretOf,
} from './private/build-cluster';
import { onMachine } from './private/client-entry';
import { checkSingleNode } from './private/cluster-checks';
import { jobsOf } from './private/job-binding';
import { sizeOf } from './private/machine-checks';
import { SingleMachine } from './private/single-machine';
import type { KnownRecordings } from './recordings';
import type { StoredSecret } from './stored-secret';

/** Arguments of a Single Node. */
export interface SingleNodeArgs extends ClusterOptions, Omit<MachineOptions, 'image' | 'settings'> {
  /**
   * The machine. Media takes CPU first: compute-optimized sizes carry most for their price.
   *
   * @default Standard_F4s_v2, about 0.17 USD an hour; Standard_D4ps_v6 with arm64
   */
  readonly vmSize?: string;

  /**
   * Record Rooms, stream them out, and take streams in. The machine then installs ffmpeg and Chromium at
   * its first boot, which takes some minutes more; an image of yours has to have them.
   *
   * @default - nothing of it: Egress and Ingress are refused
   */
  readonly jobs?: Jobs;

  /**
   * Size of the machine's disk, Premium SSD, GiB; 64 GiB cost about 10 USD a month. What is recorded is on
   * it until it is stored.
   *
   * @default 20; 64 with jobs
   */
  readonly diskSizeGib?: number;

  /**
   * Id of a public address of yours: Standard, static, IPv4.
   *
   * @default - an own one, at 0.005 USD an hour
   */
  readonly publicIpAddressId?: pulumi.Input<string>;
}

/**
 * One machine with everything: signaling, media, TURN. Azure starts it elsewhere when its host dies;
 * calls do not outlive it, and nothing scales.
 *
 * Costs about 150 USD a month in West Europe: the default machine, which carries some 200 participants,
 * 140, address, disk and secrets 10. Traffic comes on top: 0.087 USD a GB that clients receive.
 */
export class SingleNode extends pulumi.ComponentResource implements Cluster {
  readonly url: pulumi.Output<string>;
  readonly domainName: pulumi.Output<string>;
  readonly address: pulumi.Output<string>;
  readonly apiKey: StoredSecret;
  readonly resourceGroupName: pulumi.Output<string>;
  /** The virtual network and its subnets. */
  readonly network: Network;
  /** API key pair, and its vault; the cluster secret is of no use to a Single Node. */
  readonly secrets: ClusterSecrets;
  /** The machine. */
  readonly virtualMachine: compute.VirtualMachine;
  /** Its identity. */
  readonly identity: MachineIdentity;
  /** Where the machine sends its journal, where that was asked for. */
  readonly logGroup?: LogGroup;
  /** Where recordings go, where that was asked for. */
  readonly recordings?: KnownRecordings;
  /** Its sluice.yaml. */
  readonly config: NodeConfig;

  constructor(name: string, args: SingleNodeArgs, opts?: pulumi.ComponentResourceOptions) {
    super('sluice:azure:SingleNode', name, {}, opts);
    checkSingleNode(name, args);
    const place = placeOf(name, args, this);
    this.resourceGroupName = pulumi.output(place.resourceGroupName);
    this.network = networkOf(name, args, place, this);
    this.secrets = secretsOf(name, args, place, this);
    this.logGroup = logGroupOf(name, args, place, this);
    const { domain, zones, publicIpAddressId } = args;
    const rtmp = args.jobs?._takesRtmp === true;
    const entry = onMachine(name, { ...place, domain, rtmp, zones, publicIpAddressId }, this);
    const isOwnGroup = args.resourceGroupName === undefined;
    const around = { ...place, isOwnGroup, url: entry.url, tls: entry.domain.tls };
    const jobs = jobsOf(name, args.jobs, around, args, this);
    this.recordings = jobs?.recordings;
    const turn = turnOf(name, args, 'single', entry.turnDomain);
    const machine = new SingleMachine(
      `${name}-node`,
      {
        ...place,
        options: args,
        vmSize: sizeOf('media', args),
        image: (args.image ?? NodeImage.fromFiles())._bind(name, place, this),
        subnetId: this.network.mediaSubnetId,
        secrets: this.secrets,
        nodeSecrets: {
          apiKey: this.secrets.apiKey,
          turn: turnSecretOf(name, turn, this.secrets),
          certificate: certificateOf(name, entry, this.secrets),
        },
        entry,
        turn,
        jobs,
        logGroup: this.logGroup,
      },
      { parent: this },
    );
    this.virtualMachine = machine.virtualMachine;
    this.identity = machine.identity;
    this.config = machine.config;
    this.url = entry.url;
    this.domainName = entry.domainName;
    this.address = entry.address;
    this.apiKey = this.secrets.apiKey;
    this.registerOutputs({ url: this.url, address: this.address });
  }
}
