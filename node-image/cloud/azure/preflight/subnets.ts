import { z } from 'zod';
import type { Asked } from '../../../findings/asked';
import { type Finding, findingsOf } from '../../../findings/finding';
import { ask, uncheckedBy } from './ask';
import { type Check, isHere, type PreflightContext } from './context';
import { hasOutboundRules } from './load-balancer';
import type { PreflightQuestion } from './question';

const MEDIA = 'Media Node subnet';
const MASTERS = 'Master Node subnet';
const PERMISSION = 'Microsoft.Network/virtualNetworks/subnets/read';
const API = '2024-05-01';
/** Azure keeps so many addresses of each subnet. Source: "Virtual network FAQ". */
const KEPT = 5;

const ID = z.object({ id: z.string() });
const SUBNET = z.object({
  properties: z.object({
    addressPrefix: z.string().optional(),
    addressPrefixes: z.array(z.string()).default([]),
    ipConfigurations: z.array(z.unknown()).default([]),
    delegations: z
      .array(z.object({ properties: z.object({ serviceName: z.string() }) }))
      .default([]),
    natGateway: ID.optional(),
    networkSecurityGroup: ID.optional(),
    routeTable: ID.optional(),
  }),
});
const TABLE = z.object({
  properties: z.object({
    routes: z
      .array(
        z.object({
          properties: z.object({ addressPrefix: z.string(), nextHopType: z.string() }),
        }),
      )
      .default([]),
  }),
});

/** What is known of a subnet. */
interface SubnetFacts {
  readonly location: string;
  readonly freeAddresses: number;
  readonly delegatedTo: string | undefined;
  readonly hasNat: boolean;
  readonly securityGroup: string | undefined;
  /** Where all that has no nearer route goes: "Internet", "VirtualAppliance", "None". */
  readonly defaultRoute: string;
}

export const checkSubnets: Check = async (context) => {
  const { question } = context;
  const { subnet, masterSubnet, masters, maxMediaNodes } = question;
  if (subnet === undefined && masterSubnet === undefined) {
    return [findingsOf(MEDIA).unchecked('the deployment makes a network, with its subnets')];
  }
  const mastersApart = masterSubnet !== undefined && masterSubnet !== subnet;
  const media = masters === 0 ? 1 : maxMediaNodes;
  const findings: Finding[] = [];
  if (subnet !== undefined) {
    const needed = media + (mastersApart ? 0 : masters);
    const asked = await ask(() => fetchSubnet(context, subnet));
    findings.push(...judgeSubnet(MEDIA, { id: subnet, asked, needed }, context, judgeMediaWay));
  }
  const ofMasters = masterSubnet ?? subnet;
  if (masters > 0 && ofMasters !== undefined) {
    const needed = mastersApart ? masters : 0;
    const asked = await ask(() => fetchSubnet(context, ofMasters));
    const rules = await wayOutOfBalancer(context);
    findings.push(
      ...judgeSubnet(MASTERS, { id: ofMasters, asked, needed }, context, (facts) =>
        judgeMasterWay(facts, question, rules),
      ),
    );
  }
  return findings;
};

type Bad = readonly [found: string, todo: string];

function judgeSubnet(
  title: string,
  facts: {
    readonly id: string;
    readonly asked: Asked<SubnetFacts | undefined>;
    readonly needed: number;
  },
  { caller }: PreflightContext,
  judgeWay: (subnet: SubnetFacts) => readonly Bad[],
): readonly Finding[] {
  const { id, asked, needed } = facts;
  const name = id.split('/').at(-1);
  const { ok, failed, warning } = findingsOf(title);
  if (!('answer' in asked)) return [uncheckedBy(title, asked, PERMISSION)];
  const subnet = asked.answer;
  if (subnet === undefined) {
    return [failed(`there is no ${id}`, 'See its id: az network vnet subnet list --query "[].id"')];
  }
  const bad: Bad[] = [...judgeWay(subnet)];
  if (!isHere(subnet.location, caller)) {
    bad.push([
      `${name} is in ${subnet.location}, and the stack in ${caller.location}`,
      'Machines are in networks of their own region: give a subnet of it, or another --location.',
    ]);
  }
  if (subnet.delegatedTo !== undefined) {
    bad.push([
      `${name} is delegated to ${subnet.delegatedTo}`,
      'Machines cannot be in it: give another subnet.',
    ]);
  }
  if (subnet.freeAddresses < needed) {
    bad.push([
      `${name} has ${Math.max(0, subnet.freeAddresses)} free addresses, and ${needed} are needed at most`,
      'Give a larger subnet, or take a smaller --max-media-nodes.',
    ]);
  }
  const findings = bad.map(([found, todo]) => failed(found, todo));
  if (subnet.securityGroup !== undefined) {
    findings.push(
      warning(
        `${name} has a security group of its own: ${subnet.securityGroup}`,
        'What it denies is denied, whatever the rules of the machines allow: see that it lets in the ports that the README lists, and the cluster among itself.',
      ),
    );
  }
  return findings.length > 0 ? findings : [ok(`${name}, ${subnet.freeAddresses} addresses free`)];
}

/** Clients send media to the machines' own addresses, and answers have to leave by them. */
function judgeMediaWay({ defaultRoute }: SubnetFacts): readonly Bad[] {
  return defaultRoute === 'Internet'
    ? []
    : [
        [
          `a route sends what leaves it to ${defaultRoute}`,
          'Answers to clients have to leave by the public addresses of the machines: take the route for 0.0.0.0/0 away, or give another subnet.',
        ],
      ];
}

/** Source: "Default outbound access in Azure": new networks have none, and nobody should rely on it. */
function judgeMasterWay(
  { defaultRoute, hasNat }: SubnetFacts,
  { loadBalancer }: PreflightQuestion,
  balancer: Asked<boolean>,
): readonly Bad[] {
  if (defaultRoute === 'None') {
    return [
      [
        'a route drops what leaves it',
        'Master Nodes call Azure and fetch packages: take the route for 0.0.0.0/0 away.',
      ],
    ];
  }
  // Without a load balancer of yours, an only master has a public address, and several have the
  // outbound rule of the one that is made.
  const isLedOut = loadBalancer === undefined || hasNat || defaultRoute !== 'Internet';
  if (isLedOut || !('answer' in balancer) || balancer.answer) return [];
  return [
    [
      'it has no explicit way out, and Azure gives none by itself',
      'Give it a NAT gateway, or your load balancer an outbound rule: az network nat gateway create, az network vnet subnet update --nat-gateway',
    ],
  ];
}

async function wayOutOfBalancer({ question, arm }: PreflightContext): Promise<Asked<boolean>> {
  const { loadBalancer } = question;
  if (loadBalancer === undefined) return { answer: false };
  return ask(() => hasOutboundRules(arm, loadBalancer));
}

async function fetchSubnet(
  { arm }: PreflightContext,
  id: string,
): Promise<SubnetFacts | undefined> {
  const [network = ''] = id.split(/\/subnets\//i);
  const [subnet, whole] = await Promise.all([
    arm.find(SUBNET, id, API),
    arm.find(z.object({ location: z.string() }), network, API),
  ]);
  if (subnet === undefined || whole === undefined) return undefined;
  const { properties } = subnet;
  const table = properties.routeTable && (await arm.find(TABLE, properties.routeTable.id, API));
  const route = table?.properties.routes.find(
    (each) => each.properties.addressPrefix === '0.0.0.0/0',
  );
  return {
    location: whole.location,
    freeAddresses: sizeOf(properties) - KEPT - properties.ipConfigurations.length,
    delegatedTo: properties.delegations[0]?.properties.serviceName,
    hasNat: properties.natGateway !== undefined,
    securityGroup: properties.networkSecurityGroup?.id.split('/').at(-1),
    defaultRoute: route?.properties.nextHopType ?? 'Internet',
  };
}

/** Addresses of IPv4. */
function sizeOf({
  addressPrefix,
  addressPrefixes,
}: {
  readonly addressPrefix?: string | undefined;
  readonly addressPrefixes: readonly string[];
}): number {
  const all = addressPrefix === undefined ? addressPrefixes : [addressPrefix];
  return all
    .filter((prefix) => !prefix.includes(':'))
    .reduce((sum, prefix) => sum + 2 ** (32 - Number(prefix.split('/')[1])), 0);
}
