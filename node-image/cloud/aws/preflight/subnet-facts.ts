import {
  type EC2Client,
  paginateDescribeRouteTables,
  paginateDescribeSubnets,
  type RouteTable,
} from '@aws-sdk/client-ec2';

/** Where a subnet sends what is for the internet. */
export type WayOut = 'internet gateway' | 'NAT' | 'other' | 'broken' | 'none';

export interface SubnetFacts {
  readonly id: string;
  readonly vpc: string;
  readonly zone: string;
  readonly freeAddresses: number;
  readonly wayOut: WayOut;
}

/** By filters: one that is not there would be an error of the whole call. */
export async function fetchSubnets(
  client: EC2Client,
  ids: readonly string[],
): Promise<readonly SubnetFacts[]> {
  if (ids.length === 0) return [];
  const subnets: Omit<SubnetFacts, 'wayOut'>[] = [];
  const wanted = { Name: 'subnet-id', Values: [...new Set(ids)] };
  for await (const { Subnets = [] } of paginateDescribeSubnets({ client }, { Filters: [wanted] })) {
    for (const each of Subnets) {
      subnets.push({
        id: each.SubnetId ?? '',
        vpc: each.VpcId ?? '',
        zone: each.AvailabilityZone ?? '',
        freeAddresses: each.AvailableIpAddressCount ?? 0,
      });
    }
  }
  if (subnets.length === 0) return [];
  const tables: RouteTable[] = [];
  const ofVpcs = { Name: 'vpc-id', Values: [...new Set(subnets.map(({ vpc }) => vpc))] };
  for await (const { RouteTables = [] } of paginateDescribeRouteTables(
    { client },
    { Filters: [ofVpcs] },
  )) {
    tables.push(...RouteTables);
  }
  return subnets.map((each) => ({ ...each, wayOut: wayOutOf(each, tables) }));
}

/** A subnet that no table names has the main one of its VPC. */
export function wayOutOf(
  { id, vpc }: Pick<SubnetFacts, 'id' | 'vpc'>,
  tables: readonly RouteTable[],
): WayOut {
  const own = tables.find(({ Associations = [] }) =>
    Associations.some(({ SubnetId }) => SubnetId === id),
  );
  const main = tables.find(
    ({ VpcId, Associations = [] }) => VpcId === vpc && Associations.some(({ Main }) => Main),
  );
  const route = (own ?? main)?.Routes?.find(
    ({ DestinationCidrBlock }) => DestinationCidrBlock === '0.0.0.0/0',
  );
  if (route === undefined) return 'none';
  // A gateway that was deleted leaves its route behind.
  if (route.State === 'blackhole') return 'broken';
  if (route.GatewayId?.startsWith('igw-') === true) return 'internet gateway';
  return route.NatGatewayId === undefined ? 'other' : 'NAT';
}
