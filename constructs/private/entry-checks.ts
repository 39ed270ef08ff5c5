import { Duration, Fn, Token } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { SignalingEntryProps } from '../signaling-entry';
import type { Problems } from './validation';

/** What the properties of an entry say against each other. */
export function checkEntry(props: SignalingEntryProps, tls: boolean, problems: Problems): void {
  problems.duration('deregistrationDelay', props.deregistrationDelay, {
    min: Duration.seconds(0),
    max: Duration.hours(1),
  });
  problems.check(props.accessLogsPrefix === undefined || props.accessLogsBucket !== undefined, {
    what: 'accessLogsPrefix',
    given: 'a prefix and no accessLogsBucket',
    allowed: 'a prefix with the bucket that it is for',
    fix: 'give accessLogsBucket, or leave out accessLogsPrefix',
  });
  problems.check(props.loadBalancerPeers === undefined || props.loadBalancer !== undefined, {
    what: 'loadBalancerPeers',
    given: 'peers of a load balancer and no loadBalancer',
    allowed: 'peers of a load balancer of yours; an own one is known by its security group',
    fix: 'give loadBalancer, or use clients to say who may come in',
  });
  const { internetFacing, addressAllocationIds } = props;
  problems.check(internetFacing !== false || addressAllocationIds === undefined, {
    what: 'internetFacing and addressAllocationIds',
    given: 'public addresses for a load balancer that has none',
    allowed: 'addresses where internetFacing is true',
    fix: 'leave out addressAllocationIds or internetFacing',
  });
  problems.check(tls || props.sslPolicy === undefined, {
    what: 'domain and sslPolicy',
    given: 'Domain.none() and an sslPolicy',
    allowed: 'an sslPolicy where there is TLS',
    fix: 'leave out sslPolicy, or give a domain with a certificate',
  });
  refuseOwnProps(props, problems);
}

/** A fixed address for each subnet. */
export function withAddresses(
  addressAllocationIds: string[],
  { subnets, isPendingLookup }: ec2.SelectedSubnets,
  problems: Problems,
): elbv2.SubnetMapping[] {
  const isList = !Token.isUnresolved(addressAllocationIds) && isPendingLookup !== true;
  problems.check(!isList || addressAllocationIds.length === subnets.length, {
    what: 'addressAllocationIds',
    given: `${addressAllocationIds.length} for ${subnets.length} subnets`,
    allowed: 'one for each subnet',
    fix: 'give as many allocation ids as vpcSubnets has subnets',
  });
  return subnets.map((subnet, index) => ({
    subnet,
    allocationId: isList ? addressAllocationIds[index] : Fn.select(index, addressAllocationIds),
  }));
}

/** What is about the load balancer itself says nothing to one of yours. */
function refuseOwnProps(props: SignalingEntryProps, problems: Problems): void {
  if (props.loadBalancer === undefined) return;
  const {
    vpcSubnets,
    internetFacing,
    addressAllocationIds,
    securityGroups,
    clients,
    crossZone,
    deletionProtection,
    accessLogsBucket,
  } = props;
  const given = Object.entries({
    vpcSubnets,
    internetFacing,
    addressAllocationIds,
    securityGroups,
    clients,
    crossZone,
    deletionProtection,
    accessLogsBucket,
  })
    .filter(([, value]) => value !== undefined)
    .map(([name]) => name);
  problems.check(given.length === 0, {
    what: `loadBalancer and ${given.join(', ')}`,
    given: 'both',
    allowed: `${given.join(', ')} only for a load balancer that is made here`,
    fix: `set this on your load balancer, and leave out ${given.join(', ')}; or leave out loadBalancer`,
  });
}
