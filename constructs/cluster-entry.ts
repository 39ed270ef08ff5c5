import { Token } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import {
  type ClientEntry,
  type EntrySurroundings,
  loadBalancerEntry,
  masterNodeEntry,
} from './private/client-entry';
import { warnOfNoRtmp } from './private/rtmp-listeners';
import { SignalingEntry, type SignalingEntryOptions } from './signaling-entry';
import type { ISignalingEntry } from './signaling-entry-existing';

/** How clients come in to a cluster. */
export abstract class ClusterEntry {
  /** A Network Load Balancer that ends TLS, in front of all Master Nodes. */
  static loadBalancer(options: SignalingEntryOptions = {}): ClusterEntry {
    return new OwnLoadBalancer(options);
  }

  /** An entry that is defined elsewhere: its target group gets the Master Nodes. */
  static existing(entry: ISignalingEntry): ClusterEntry {
    return new ExistingEntry(entry);
  }

  /**
   * The only Master Node itself, which ends TLS, at a public address that stays: 0.005 USD an hour.
   * With `Domain.letsEncrypt()`, `Domain.ownCertificate()`, `Domain.route53()` or `Domain.none()`.
   */
  static onMasterNode(): ClusterEntry {
    return new MasterNodeEntry();
  }

  /** @internal */
  abstract _bind(scope: Construct, around: EntrySurroundings): ClientEntry;
}

class OwnLoadBalancer extends ClusterEntry {
  constructor(private readonly options: SignalingEntryOptions) {
    super();
  }

  override _bind(scope: Construct, { network, domain, rtmp }: EntrySurroundings): ClientEntry {
    const entry = new SignalingEntry(scope, 'Entry', {
      // With a load balancer of yours there is nothing to put into subnets.
      ...(this.options.loadBalancer === undefined && {
        vpcSubnets: { subnets: network.entrySubnets.subnets },
      }),
      ...this.options,
      rtmp: this.options.rtmp ?? rtmp,
      vpc: network.vpc,
      domain,
    });
    return loadBalancerEntry(entry, entry.tls);
  }
}

class ExistingEntry extends ClusterEntry {
  constructor(private readonly entry: ISignalingEntry) {
    super();
  }

  override _bind(scope: Construct, { rtmp }: EntrySurroundings): ClientEntry {
    const { url, rtmpTargetGroup } = this.entry;
    if (rtmp && rtmpTargetGroup === undefined) warnOfNoRtmp(scope);
    return loadBalancerEntry(this.entry, Token.isUnresolved(url) || url.startsWith('https:'));
  }
}

class MasterNodeEntry extends ClusterEntry {
  override _bind(scope: Construct, { domain, rtmp }: EntrySurroundings): ClientEntry {
    return masterNodeEntry(scope, domain, rtmp);
  }
}
