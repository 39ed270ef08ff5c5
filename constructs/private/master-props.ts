import { Size, Token } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type { MasterNodesProps } from '../master-nodes';
import { NodeArchitecture } from '../node-architecture';
import { zoneOf } from './data-volume';
import { chooseSubnets, zonesOf } from './subnets';
import { isKnown, type Problems } from './validation';

/** What EBS makes of gp3. */
const VOLUME_BOUNDS = { min: Size.gibibytes(1), max: Size.gibibytes(16_384) };

/** The default machine of an architecture. */
export function defaultMasterType(architecture: NodeArchitecture | undefined): ec2.InstanceType {
  return new ec2.InstanceType(architecture === NodeArchitecture.ARM_64 ? 'c7g.large' : 'c7i.large');
}

/** True where all subnets are public ones of the VPC; else what the subnets say themselves. */
export function areKnownPublic(vpc: ec2.IVpc, { subnets }: ec2.SelectedSubnets): true | undefined {
  const open = new Set(vpc.publicSubnets);
  return subnets.length > 0 && subnets.every((subnet) => open.has(subnet)) ? true : undefined;
}

/** Finds what is wrong with the properties, and answers the subnets. */
export function checkMasterNodes(
  vpc: ec2.IVpc,
  props: MasterNodesProps & { readonly count: number },
  problems: Problems,
): ec2.SelectedSubnets {
  const { count } = props;
  problems.integer('count', count, { min: 1, max: 100 });
  for (const name of ['dataVolume', 'addressRecord'] as const) {
    problems.check(props[name] === undefined || !isKnown(count) || count === 1, {
      what: `count and ${name}`,
      given: `count ${count} and ${name}`,
      allowed: `${name} with a count of 1`,
      fix: `leave out ${name}, or give count 1`,
    });
  }
  problems.size('dataVolume.size', props.dataVolume?.size, VOLUME_BOUNDS);
  const subnets = chooseSubnets(
    vpc,
    'vpcSubnets',
    props.vpcSubnets ?? { subnetType: ec2.SubnetType.PUBLIC },
    problems,
  );
  const isOne = !isKnown(count) || count === 1;
  const zones = knownZones(subnets);
  problems.check(isOne || zones === undefined || zones.length > 1, {
    what: 'count and vpcSubnets',
    given: `count ${count} in ${zones?.length === 1 ? `the one zone ${zones[0]}` : 'no zone'}`,
    allowed: 'subnets in two zones or more, as a zone may fail',
    fix: 'give subnets of more zones, or count 1',
  });
  return subnets;
}

/** Undefined where some are known only at deployment, or not said of subnets that were imported. */
function knownZones(subnets: ec2.SelectedSubnets): readonly string[] | undefined {
  if (subnets.isPendingLookup) return undefined;
  const zones = subnets.subnets.map(zoneOf);
  const isKnownAll = zones.every((zone) => zone !== undefined && !Token.isUnresolved(zone));
  return isKnownAll ? zonesOf(subnets) : undefined;
}
