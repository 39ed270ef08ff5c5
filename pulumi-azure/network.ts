import * as network from '@pulumi/azure-native/network';
import * as pulumi from '@pulumi/pulumi';
import type { PlaceArgs } from './place';
import { isNetwork, quarter } from './private/cidr';
import { placed } from './private/placed';
import { checkedText, Problems } from './private/validation';

/** Subnets of a virtual network of yours. */
export interface ExistingNetworkArgs {
  /** Id of the virtual network. */
  readonly virtualNetworkId: pulumi.Input<string>;

  /** Id of the subnet of the Media Nodes, which have public addresses of their own. */
  readonly mediaSubnetId: pulumi.Input<string>;

  /**
   * Id of the subnet of the Master Nodes. They need a way out: the load balancer gives them one, and
   * so does a NAT gateway or a firewall of yours.
   *
   * @default - mediaSubnetId
   */
  readonly masterSubnetId?: pulumi.Input<string>;

  /**
   * Id of the subnet of the private endpoint of Redis.
   *
   * @default - masterSubnetId
   */
  readonly dataSubnetId?: pulumi.Input<string>;
}

/** Arguments of the network of a cluster. */
export interface NetworkArgs extends PlaceArgs {
  /**
   * Subnets of yours.
   *
   * @default - a virtual network of its own, which costs nothing
   */
  readonly existing?: ExistingNetworkArgs;

  /**
   * The addresses of an own virtual network, /8 to /24. Not with `existing`.
   *
   * @default 10.0.0.0/16
   */
  readonly addressSpace?: string;
}

/**
 * The virtual network of a cluster and which of its subnets are for what: one of yours, or its own.
 * Nothing in an own one has a way out by default: it is given explicitly to whatever needs one.
 */
export class Network extends pulumi.ComponentResource {
  /** Id of the virtual network: its own, or yours. */
  public readonly virtualNetworkId: pulumi.Output<string>;
  /** Id of the subnet of the Media Nodes. */
  public readonly mediaSubnetId: pulumi.Output<string>;
  /** Id of the subnet of the Master Nodes. */
  public readonly masterSubnetId: pulumi.Output<string>;
  /** Id of the subnet of the private endpoint of Redis. */
  public readonly dataSubnetId: pulumi.Output<string>;
  /** The virtual network, where it is made here. */
  public readonly virtualNetwork?: network.VirtualNetwork;

  constructor(name: string, args: NetworkArgs, opts?: pulumi.ComponentResourceOptions) {
    super('sluice:azure:Network', name, {}, opts);
    const { existing, addressSpace = '10.0.0.0/16' } = args;
    const problems = new Problems(name);
    problems.atMostOne({ existing, addressSpace: args.addressSpace });
    problems.check(isNetwork(addressSpace, 8, 24), {
      what: 'addressSpace',
      given: JSON.stringify(addressSpace),
      allowed: 'a network of IPv4 from /8 to /24, such as 10.0.0.0/16',
      fix: 'give the first address of such a network and the length of its prefix',
    });
    problems.throwIfAny();
    if (existing) {
      this.virtualNetworkId = checkedText(
        'existing.virtualNetworkId',
        existing.virtualNetworkId,
        /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.Network\/virtualNetworks\/[^/]+$/i,
        'the id of a virtual network, /subscriptions/…/virtualNetworks/NAME',
      );
      this.mediaSubnetId = subnetId('mediaSubnetId', existing.mediaSubnetId);
      this.masterSubnetId =
        existing.masterSubnetId === undefined
          ? this.mediaSubnetId
          : subnetId('masterSubnetId', existing.masterSubnetId);
      this.dataSubnetId =
        existing.dataSubnetId === undefined
          ? this.masterSubnetId
          : subnetId('dataSubnetId', existing.dataSubnetId);
    } else {
      const own = new network.VirtualNetwork(
        `${name}-vnet`,
        {
          ...placed(args),
          addressSpace: { addressPrefixes: [addressSpace] },
          // In it, not beside it: Azure changes one subnet of a network at a time.
          subnets: SUBNETS.map((subnet, index) => ({
            name: subnet,
            addressPrefix: quarter(addressSpace, index),
            defaultOutboundAccess: false,
          })),
        },
        { parent: this },
      );
      this.virtualNetwork = own;
      this.virtualNetworkId = own.id;
      const [media, masters, data] = SUBNETS.map(
        (subnet) => pulumi.interpolate`${own.id}/subnets/${subnet}`,
      );
      this.mediaSubnetId = media ?? own.id;
      this.masterSubnetId = masters ?? own.id;
      this.dataSubnetId = data ?? own.id;
    }
    this.registerOutputs({ virtualNetworkId: this.virtualNetworkId });
  }
}

const SUBNETS = ['media', 'masters', 'data'] as const;

function subnetId(what: string, value: pulumi.Input<string>): pulumi.Output<string> {
  return checkedText(
    `existing.${what}`,
    value,
    /\/virtualNetworks\/[^/]+\/subnets\/[^/]+$/i,
    'the id of a subnet, /subscriptions/…/virtualNetworks/NAME/subnets/NAME',
  );
}
