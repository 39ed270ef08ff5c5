import { Token } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type { Problems } from './validation';

/**
 * The subnets of a VPC that were asked for. Where there are none such, that is a problem, and all
 * its subnets stand in for them, so that the other problems are found too.
 */
export function chooseSubnets(
  vpc: ec2.IVpc,
  what: string,
  selection: ec2.SubnetSelection,
  problems: Problems,
): ec2.SelectedSubnets {
  try {
    const selected = vpc.selectSubnets(selection);
    if (selected.isPendingLookup === true || selected.subnets.length > 0) return selected;
    problems.add(noSubnets(vpc, what, 'a selection with no subnet in it'));
    return selected;
  } catch (error) {
    problems.add(noSubnets(vpc, what, error instanceof Error ? error.message : String(error)));
    return vpc.selectSubnets({
      subnets: [...vpc.publicSubnets, ...vpc.privateSubnets, ...vpc.isolatedSubnets],
    });
  }
}

/** Clients send to machines in these subnets: those known to be private are a problem. */
export function mustBePublic(
  vpc: ec2.IVpc,
  what: string,
  { subnets, isPendingLookup }: ec2.SelectedSubnets,
  problems: Problems,
): void {
  if (isPendingLookup === true) return;
  const hidden = new Set([...vpc.privateSubnets, ...vpc.isolatedSubnets]);
  const wrong = subnets.filter((subnet) => hidden.has(subnet));
  if (wrong.length === 0) return;
  problems.add({
    what,
    given: `private subnets: ${wrong.map((subnet) => subnet.node.path).join(', ')}`,
    allowed: 'public subnets, as clients send media to the address of the machine itself',
    fix: 'give { subnetType: ec2.SubnetType.PUBLIC }, or subnets with a route to an internet gateway',
  });
}

/** The first subnet of each zone: a load balancer takes no second one. */
export function onePerZone(selected: ec2.SelectedSubnets): ec2.SelectedSubnets {
  // Of a list that is a token nothing is known.
  if (selected.isPendingLookup === true || Token.isUnresolved(selected.subnetIds)) return selected;
  const zones = selected.subnets.map(zoneOf);
  const subnets = selected.subnets.filter(
    (_subnet, index) => zones[index] === undefined || zones.indexOf(zones[index]) === index,
  );
  return subnets.length === selected.subnets.length ? selected : pick(selected, subnets);
}

/** The zones of subnets, each once; undefined where they are not all known. */
export function zonesOf(selected: ec2.SelectedSubnets): readonly string[] | undefined {
  if (selected.isPendingLookup === true || Token.isUnresolved(selected.subnetIds)) return undefined;
  const zones = selected.subnets.map(zoneOf);
  const known = zones.filter((zone) => zone !== undefined && !Token.isUnresolved(zone));
  if (known.length < zones.length) return undefined;
  return [...new Set(known)].filter((zone) => zone !== undefined);
}

function pick(selected: ec2.SelectedSubnets, subnets: ec2.ISubnet[]): ec2.SelectedSubnets {
  const { internetConnectivityEstablished, hasPublic } = selected;
  return {
    subnets,
    subnetIds: subnets.map((subnet) => subnet.subnetId),
    // As for subnets whose zone is not known, it is an error only to ask.
    get availabilityZones() {
      return subnets.map((subnet) => subnet.availabilityZone);
    },
    internetConnectivityEstablished,
    hasPublic,
  };
}

/** One that was imported by its id alone does not say. */
function zoneOf(subnet: ec2.ISubnet): string | undefined {
  try {
    return subnet.availabilityZone;
  } catch {
    return undefined;
  }
}

function noSubnets(vpc: ec2.IVpc, what: string, given: string) {
  const has = [
    `${vpc.publicSubnets.length} public`,
    `${vpc.privateSubnets.length} private with a way out`,
    `${vpc.isolatedSubnets.length} isolated`,
  ].join(', ');
  return {
    what,
    given,
    allowed: `subnets that the VPC has: ${has}`,
    fix: `give ${what} a selection that matches some of them`,
  };
}
