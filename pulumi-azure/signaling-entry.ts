import * as authorization from '@pulumi/azure-native/authorization';
import * as network from '@pulumi/azure-native/network';
import * as pulumi from '@pulumi/pulumi';
import { PORTS } from '../node-image/contract';
import type { Domain } from './domain';
import type { PlaceArgs } from './place';
import { addRecord } from './private/domain-config';
import { entryPorts, schemeOf } from './private/machine-entry';
import { nameSuffix, plainName } from './private/names';
import { placed } from './private/placed';
import { publicAddress } from './private/public-address';
import { Problems } from './private/validation';

/** Choices for the load balancer that clients come in by. */
export interface SignalingEntryOptions {
  /**
   * Id of a public address of yours: Standard, static, IPv4.
   *
   * @default - an own one, at 0.005 USD an hour
   */
  readonly publicIpAddressId?: pulumi.Input<string>;

  /**
   * How long a connection may be silent before it is reset; minutes, 4 to 100.
   *
   * @default 30
   */
  readonly idleTimeoutMinutes?: number;

  /**
   * Zones of an own address; none where the region has no zones.
   *
   * @default - 1, 2 and 3
   */
  readonly zones?: readonly string[];

  /**
   * Take encoders by RTMP: TCP 1935, and 1936 where the domain has a certificate.
   *
   * @default - as the jobs of the cluster say; false where there is none
   */
  readonly rtmp?: boolean;
}

/** Arguments of an entry. */
export interface SignalingEntryArgs extends PlaceArgs, SignalingEntryOptions {
  /** The name that clients use. */
  readonly domain: Domain;
}

const FRONTEND = 'clients';
const POOL = 'masters';
const PROBE = 'node';

/**
 * Where clients come in: a Standard Load Balancer that passes TCP on to the Master Nodes, which end
 * TLS, and gives them their way out. Costs about 18 USD a month, and 0.005 USD a GB.
 */
export class SignalingEntry extends pulumi.ComponentResource {
  /** What clients and servers are given: `https://meet.example.com`. */
  public readonly url: pulumi.Output<string>;
  /** The name in it. */
  public readonly domainName: pulumi.Output<string>;
  /** The public address; undefined of an address of yours that is not looked up. */
  public readonly address: pulumi.Output<string>;
  /** Id of the pool that Master Nodes are put into. */
  public readonly backendPoolId: pulumi.Output<string>;
  /** Whether it takes encoders by RTMP. */
  public readonly takesRtmp: boolean;
  /** The load balancer. */
  public readonly loadBalancer: network.LoadBalancer;

  constructor(name: string, args: SignalingEntryArgs, opts?: pulumi.ComponentResourceOptions) {
    super('sluice:azure:SignalingEntry', name, {}, opts);
    const { idleTimeoutMinutes = 30, resourceGroupName, rtmp = false } = args;
    this.takesRtmp = rtmp;
    const problems = new Problems(name);
    problems.integer('idleTimeoutMinutes', idleTimeoutMinutes, { min: 4, max: 100 });
    const domain = args.domain._bind(problems);
    problems.throwIfAny();
    const publicIp = publicAddress(name, args, this);
    const { subscriptionId } = authorization.getClientConfigOutput({ parent: this });
    const loadBalancerName = pulumi.interpolate`${plainName(name, 60)}-${nameSuffix(name, { parent: this })}`;
    // Its parts name each other by ids that contain its own.
    const id = pulumi.interpolate`/subscriptions/${subscriptionId}/resourceGroups/${resourceGroupName}/providers/Microsoft.Network/loadBalancers/${loadBalancerName}`;
    const frontendIPConfiguration = {
      id: pulumi.interpolate`${id}/frontendIPConfigurations/${FRONTEND}`,
    };
    const pool = { id: pulumi.interpolate`${id}/backendAddressPools/${POOL}` };
    const probe = { id: pulumi.interpolate`${id}/probes/${PROBE}` };
    this.loadBalancer = new network.LoadBalancer(
      `${name}-balancer`,
      {
        ...placed(args),
        loadBalancerName,
        sku: { name: network.LoadBalancerSkuName.Standard },
        frontendIPConfigurations: [{ name: FRONTEND, publicIPAddress: { id: publicIp.id } }],
        backendAddressPools: [{ name: POOL }],
        probes: [
          {
            name: PROBE,
            protocol: network.ProbeProtocol.Http,
            port: PORTS.entryHealth,
            requestPath: '/',
            intervalInSeconds: 5,
            probeThreshold: 2,
          },
        ],
        loadBalancingRules: entryPorts(domain, rtmp).map((port) => ({
          name: `tcp-${port}`,
          protocol: network.TransportProtocol.Tcp,
          frontendIPConfiguration,
          backendAddressPool: pool,
          probe,
          frontendPort: port,
          backendPort: port,
          idleTimeoutInMinutes: idleTimeoutMinutes,
          // Who is silent for longer learns of it, and resumes.
          enableTcpReset: true,
          disableOutboundSnat: true,
        })),
        outboundRules: [
          {
            name: 'way-out',
            protocol: network.LoadBalancerOutboundRuleProtocol.All,
            frontendIPConfigurations: [frontendIPConfiguration],
            backendAddressPool: pool,
            allocatedOutboundPorts: 1024,
            idleTimeoutInMinutes: 4,
            enableTcpReset: true,
          },
        ],
      },
      { parent: this },
    );
    this.backendPoolId = pulumi.interpolate`${this.loadBalancer.id}/backendAddressPools/${POOL}`;
    this.address = publicIp.address;
    addRecord(name, domain, { address: this.address, resourceGroupName }, this);
    this.domainName = pulumi.output(domain.domainName ?? this.address);
    this.url = pulumi.interpolate`${schemeOf(domain)}://${this.domainName}`;
    this.registerOutputs({ url: this.url, address: this.address });
  }
}
