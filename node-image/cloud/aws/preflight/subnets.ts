import { type EC2Client, paginateDescribeVpcEndpoints } from '@aws-sdk/client-ec2';
import { type Finding, findingsOf } from '../../../findings/finding';
import { type Asked, ask, uncheckedBy } from './ask';
import type { Check } from './context';
import type { SubnetFacts } from './subnet-facts';

const MEDIA = 'Media Node subnets';
const MASTERS = 'Master Node subnets';
const PERMISSION = 'ec2:DescribeSubnets, ec2:DescribeRouteTables and ec2:DescribeVpcEndpoints';
/** What Master Nodes call. With an endpoint of each they need no way out. */
const SERVICES = [
  'autoscaling',
  'cloudformation',
  'ec2',
  'logs',
  's3',
  'secretsmanager',
  'sqs',
  'ssm',
] as const;

export const checkSubnets: Check = async ({ question, clients, subnets, caller }) => {
  const { subnets: mediaIds, masterSubnets: masterIds, maxMediaNodes, masters } = question;
  if (mediaIds.length + masterIds.length === 0) {
    return [findingsOf(MEDIA).unchecked('the deployment makes a VPC, with public subnets')];
  }
  if (!('answer' in subnets)) return [uncheckedBy(MEDIA, subnets, PERMISSION)];
  const chosen = (ids: readonly string[]) => subnets.answer.filter(({ id }) => ids.includes(id));
  const media = chosen(mediaIds);
  const ofMasters = chosen(masterIds);
  const shut = ofMasters.filter(({ wayOut }) => wayOut === 'none');
  const endpoints = await ask(() => endpointsOf(clients.ec2, shut, caller.region));
  return [
    ...(mediaIds.length === 0
      ? []
      : judgeMedia(mediaIds, media, maxMediaNodes + (masterIds.length === 0 ? masters : 0))),
    ...(masterIds.length === 0 ? [] : judgeMasters(masterIds, ofMasters, { masters, endpoints })),
    ...judgeVpcs([...media, ...ofMasters]),
  ];
};

/** @param needed - addresses that the machines take */
export function judgeMedia(
  ids: readonly string[],
  subnets: readonly SubnetFacts[],
  needed: number,
): readonly Finding[] {
  const { ok, failed, warning } = findingsOf(MEDIA);
  const findings = missing(MEDIA, ids, subnets);
  for (const { id, wayOut } of subnets) {
    if (wayOut === 'internet gateway') continue;
    findings.push(
      failed(
        `${id} is not public: ${inWords(wayOut)}`,
        'Clients send media to the machines: give it a route for 0.0.0.0/0 to an internet gateway, or take a public subnet.',
      ),
    );
  }
  const free = subnets.reduce((sum, { freeAddresses }) => sum + freeAddresses, 0);
  if (subnets.length > 0 && free < needed) {
    findings.push(
      failed(
        `${free} addresses are free, and ${needed} are needed at most`,
        'Add subnets, or take a smaller --max-media-nodes.',
      ),
    );
  }
  const zones = zonesOf(subnets);
  if (zones.length === 1) {
    findings.push(
      warning(`all in ${zones[0]}`, 'When the zone fails, all calls end: add one of another zone.'),
    );
  }
  return findings.length > 0
    ? findings
    : [ok(`public, in ${zones.join(', ')}, ${free} addresses free`)];
}

export function judgeMasters(
  ids: readonly string[],
  subnets: readonly SubnetFacts[],
  facts: { readonly masters: number; readonly endpoints: Asked<ReadonlySet<string>> },
): readonly Finding[] {
  const { ok, failed, warning } = findingsOf(MASTERS);
  const { masters, endpoints } = facts;
  const findings = missing(MASTERS, ids, subnets);
  for (const { id, wayOut } of subnets) {
    if (wayOut === 'broken') {
      findings.push(
        failed(
          `${id} has no way out: ${inWords(wayOut)}`,
          'Make a new NAT gateway, and its route.',
        ),
      );
    }
    if (wayOut === 'none') findings.push(judgeEndpoints(id, endpoints));
  }
  const zones = zonesOf(subnets);
  if (masters > 1 && zones.length === 1) {
    findings.push(
      warning(
        `all in ${zones[0]}`,
        'When the zone fails, nobody can join: add a subnet of another zone.',
      ),
    );
  }
  return findings.length > 0 ? findings : [ok(`with a way out, in ${zones.join(', ')}`)];
}

function judgeEndpoints(id: string, endpoints: Asked<ReadonlySet<string>>): Finding {
  if (!('answer' in endpoints)) return uncheckedBy(MASTERS, endpoints, PERMISSION);
  const { failed, warning } = findingsOf(MASTERS);
  const absent = SERVICES.filter((service) => !endpoints.answer.has(service));
  return absent.length === 0
    ? warning(
        `${id} has no way out, but endpoints`,
        'NodeImage.fromAsset() fetches packages from the internet: take NodeImage.baked() or fromAmi().',
      )
    : failed(
        `${id} has no way out, and its VPC no endpoints for ${absent.join(', ')}`,
        'Give it a route to a NAT gateway (33 USD a month and zone, and by the GB), or add the endpoints (7 USD a month each and zone; s3 as a gateway is free).',
      );
}

export function judgeVpcs(subnets: readonly SubnetFacts[]): readonly Finding[] {
  const vpcs = [...new Set(subnets.map(({ vpc }) => vpc))];
  return vpcs.length < 2
    ? []
    : [
        findingsOf('VPC').failed(
          `the subnets are of ${vpcs.join(', ')}`,
          'A cluster is in one VPC: give subnets of the same.',
        ),
      ];
}

const zonesOf = (subnets: readonly SubnetFacts[]): readonly string[] =>
  [...new Set(subnets.map(({ zone }) => zone))].sort();

function missing(
  title: string,
  ids: readonly string[],
  subnets: readonly SubnetFacts[],
): Finding[] {
  const absent = ids.filter((id) => !subnets.some((each) => each.id === id));
  return absent.length === 0
    ? []
    : [
        findingsOf(title).failed(
          `the region has no ${absent.join(', ')}`,
          'See what there is: aws ec2 describe-subnets',
        ),
      ];
}

function inWords(wayOut: SubnetFacts['wayOut']): string {
  if (wayOut === 'none') return 'it has no route for 0.0.0.0/0';
  if (wayOut === 'broken') return 'its route for 0.0.0.0/0 leads to a gateway that is gone';
  return `its route for 0.0.0.0/0 leads to ${wayOut === 'NAT' ? 'a NAT gateway' : 'no internet gateway'}`;
}

/** Names of services such as "ssm", of which the VPCs of the subnets have an endpoint. */
async function endpointsOf(
  client: EC2Client,
  subnets: readonly SubnetFacts[],
  region: string,
): Promise<ReadonlySet<string>> {
  const services = new Set<string>();
  if (subnets.length === 0) return services;
  const ofVpcs = { Name: 'vpc-id', Values: [...new Set(subnets.map(({ vpc }) => vpc))] };
  for await (const { VpcEndpoints = [] } of paginateDescribeVpcEndpoints(
    { client },
    { Filters: [ofVpcs] },
  )) {
    for (const { ServiceName = '', State } of VpcEndpoints) {
      const [, service] = ServiceName.split(`.${region}.`);
      if (service !== undefined && State?.toLowerCase() === 'available') services.add(service);
    }
  }
  return services;
}
