import { describe, it } from 'node:test';
import {
  balancer,
  type Case,
  CONTRIBUTOR,
  GROUP,
  MEDIA_GROUP,
  PATHS,
  subnet,
  tells,
} from './preflight-azure-world';

const id = (path: string) => ({ id: path });
const routed = (nextHopType: string) => ({
  [PATHS.routes]: {
    properties: {
      routes: [
        { properties: { addressPrefix: '10.1.0.0/16', nextHopType: 'VnetLocal' } },
        { properties: { addressPrefix: '0.0.0.0/0', nextHopType } },
      ],
    },
  },
});
const address = (rest: object, properties: object = {}) => ({
  [PATHS.address]: {
    location: 'westeurope',
    sku: { name: 'Standard' },
    ...rest,
    properties: { publicIPAllocationMethod: 'Static', ...properties },
  },
});

const SUBNETS: readonly Case[] = [
  {
    name: 'a subnet that is not there',
    answers: { [PATHS.mediaSubnet]: undefined },
    check: 'Media Node subnet',
    found: /^there is no .*subnets\/media$/,
    todo: /az network vnet subnet list/,
  },
  {
    name: 'a subnet that is too small',
    answers: {
      [PATHS.mediaSubnet]: subnet('media', {
        addressPrefix: undefined,
        addressPrefixes: ['10.0.0.0/28', 'fd00::/64'],
        ipConfigurations: Array.from({ length: 8 }, () => ({})),
      }),
    },
    check: 'Media Node subnet',
    found: /^media has 3 free addresses, and 4 are needed at most$/,
    todo: /--max-media-nodes/,
  },
  {
    name: 'a subnet that is too small for both',
    question: { masterSubnet: undefined },
    answers: { [PATHS.mediaSubnet]: subnet('media', { addressPrefix: '10.0.0.0/29' }) },
    check: 'Media Node subnet',
    found: /^media has 3 free addresses, and 7 are needed/,
    todo: /larger subnet/,
  },
  {
    name: 'a subnet that belongs to a service',
    answers: {
      [PATHS.masterSubnet]: subnet('masters', {
        delegations: [{ properties: { serviceName: 'Microsoft.Web/serverFarms' } }],
      }),
    },
    check: 'Master Node subnet',
    found: /^masters is delegated to Microsoft\.Web\/serverFarms$/,
    todo: /another subnet/,
  },
  {
    name: 'a subnet of another region',
    question: {
      masterSubnet: `${GROUP}/providers/Microsoft.Network/virtualNetworks/far/subnets/a`,
    },
    answers: {
      [`${GROUP}/providers/Microsoft.Network/virtualNetworks/far`]: { location: 'eastus' },
      [`${GROUP}/providers/Microsoft.Network/virtualNetworks/far/subnets/a`]: subnet('a'),
    },
    check: 'Master Node subnet',
    found: /^a is in eastus, and the stack in westeurope$/,
    todo: /another --location/,
  },
  {
    name: 'a subnet with a security group of its own',
    answers: {
      [PATHS.mediaSubnet]: subnet('media', { networkSecurityGroup: id('/a/strict') }),
    },
    check: 'Media Node subnet',
    status: 'warning',
    found: /security group of its own: strict$/,
    todo: /lets in the ports/,
  },
  {
    name: 'media whose answers leave by a firewall',
    answers: {
      [PATHS.mediaSubnet]: subnet('media', { routeTable: id(PATHS.routes) }),
      ...routed('VirtualAppliance'),
    },
    check: 'Media Node subnet',
    found: /sends what leaves it to VirtualAppliance$/,
    todo: /route for 0\.0\.0\.0\/0 away/,
  },
  {
    name: 'masters whose way out is dropped',
    answers: {
      [PATHS.masterSubnet]: subnet('masters', { routeTable: id(PATHS.routes) }),
      ...routed('None'),
    },
    check: 'Master Node subnet',
    found: /drops what leaves it/,
    todo: /route for 0\.0\.0\.0\/0 away/,
  },
  {
    name: 'masters behind a load balancer of yours without an explicit way out',
    answers: { [PATHS.balancer]: balancer({ outboundRules: [] }) },
    check: 'Master Node subnet',
    found: /no explicit way out/,
    todo: /az network nat gateway create/,
  },
];

const ENTRY: readonly Case[] = [
  {
    name: 'an address of the Basic SKU',
    answers: address({ sku: undefined }, { publicIPAllocationMethod: 'Dynamic' }),
    check: 'Public address of the entry',
    found: /^it is Basic, Dynamic, IPv4; it has to be Standard, Static, IPv4$/,
    todo: /az network public-ip create --sku Standard/,
  },
  {
    name: 'an address of IPv6',
    answers: address({}, { publicIPAddressVersion: 'IPv6' }),
    check: 'Public address of the entry',
    found: /^it is Standard, Static, IPv6/,
    todo: /--version IPv4/,
  },
  {
    name: 'an address of another region',
    answers: address({ location: 'East US' }),
    check: 'Public address of the entry',
    found: /^it is in East US$/,
    todo: /region of the stack/,
  },
  {
    name: 'an address that something else has',
    answers: address({}, { ipConfiguration: id('/somebody/else') }),
    check: 'Public address of the entry',
    status: 'warning',
    found: /^it is in use: \/somebody\/else$/,
    todo: /take it away from there/,
  },
  {
    name: 'an address that is not there',
    answers: { [PATHS.address]: undefined },
    check: 'Public address of the entry',
    found: /^there is no/,
    todo: /az network public-ip list/,
  },
  {
    name: 'a load balancer of the Basic SKU',
    answers: { [PATHS.balancer]: { ...balancer(), sku: { name: 'Basic' } } },
    check: 'Load balancer',
    found: /^its SKU is Basic/,
    todo: /--sku Standard/,
  },
  {
    name: 'a load balancer without a public address',
    answers: {
      [PATHS.balancer]: balancer({ frontendIPConfigurations: [{ properties: {} }] }),
    },
    check: 'Load balancer',
    found: /no public address/,
    todo: /Standard and static/,
  },
  {
    name: 'a load balancer without a rule for 443',
    answers: { [PATHS.balancer]: balancer({}, { protocol: 'Udp' }) },
    check: 'Load balancer',
    found: /no rule for TCP 443/,
    todo: /az network lb rule create/,
  },
  {
    name: 'a load balancer that soon forgets what is silent',
    answers: { [PATHS.balancer]: balancer({}, { idleTimeoutInMinutes: 4 }) },
    check: 'Load balancer',
    status: 'warning',
    found: /^https forgets what is silent for 4 minutes/,
    todo: /--name https --idle-timeout 30 --enable-tcp-reset true$/,
  },
  {
    name: 'a load balancer that forgets without a word',
    answers: { [PATHS.balancer]: balancer({}, { enableTcpReset: false }) },
    check: 'Load balancer',
    status: 'warning',
    found: /no TCP reset/,
    todo: /--enable-tcp-reset true/,
  },
  {
    name: 'a load balancer of another region',
    answers: { [PATHS.balancer]: { ...balancer(), location: 'eastus' } },
    check: 'Load balancer',
    found: /^it is in eastus$/,
    todo: /region of the stack/,
  },
];

const RIGHTS: readonly Case[] = [
  {
    name: 'a deployer who may write no roles',
    answers: { [PATHS.mediaRights]: [CONTRIBUTOR] },
    check: 'Rights to write roles',
    found:
      /^on resourceGroups meet-media you may not Microsoft\.Authorization\/roleAssignments\/write, Microsoft\.Authorization\/roleDefinitions\/write$/,
    todo: /User Access Administrator \(or Owner\).*--scope .*resourceGroups\/meet-media/,
  },
  {
    name: 'a deployer who may make no machines',
    answers: {
      [PATHS.groupRights]: [
        CONTRIBUTOR,
        { actions: ['Microsoft.Authorization/*'] },
        { actions: ['Microsoft.Network/*'] },
      ].map((each) => (each === CONTRIBUTOR ? { actions: ['*/read'] } : each)),
    },
    check: 'Rights to deploy',
    found: /^on resourceGroups meet you may not Microsoft\.Compute\/virtualMachineScaleSets\/write/,
    todo: /Contributor/,
  },
  {
    name: 'a deployer who may make no resource groups',
    question: { resourceGroup: undefined, mediaResourceGroup: undefined },
    answers: {
      [PATHS.rights]: [
        { actions: ['*'], notActions: ['Microsoft.Resources/subscriptions/resourceGroups/*'] },
      ],
    },
    check: 'Rights to deploy',
    found: /^on subscriptions .* you may not Microsoft\.Resources\/.*\/resourceGroups\/write$/,
    todo: /--scope \/subscriptions\/00000000-0000-0000-0000-000000000000 --assignee/,
  },
  {
    name: 'a deployer who may not write into the DNS zone',
    answers: { [PATHS.dnsRights]: [{ actions: ['*/read'] }] },
    check: 'Rights to deploy',
    found: /^on resourceGroups dns you may not Microsoft\.Network\/dnsZones\/A\/write$/,
    todo: /resourceGroups\/dns/,
  },
  {
    name: 'a resource group that is not there',
    answers: { [GROUP]: undefined },
    check: 'Resource groups',
    found: /^there is no meet in the subscription$/,
    todo: /az group create --name meet/,
  },
  {
    name: 'a lock by which the controller can delete nothing',
    answers: locked(`${MEDIA_GROUP.toUpperCase()}`, 'CanNotDelete'),
    check: 'Resource groups',
    found: /^by the lock keep on MEET-MEDIA the controller can delete no machine/,
    todo: /az lock delete --ids/,
  },
  {
    name: 'a lock by which nothing can be made',
    answers: locked(GROUP, 'ReadOnly'),
    check: 'Resource groups',
    found: /^the lock keep lets nothing be made in meet$/,
    todo: /az lock delete/,
  },
  {
    name: 'a lock by which nothing can be replaced',
    answers: locked(GROUP, 'CanNotDelete'),
    check: 'Resource groups',
    status: 'warning',
    found: /^by the lock keep on meet nothing can be replaced/,
    todo: /az lock delete/,
  },
];

const ZONES: readonly Case[] = [
  {
    name: 'a domain that is not of the zone',
    question: { domain: 'meet.example.org' },
    check: 'DNS zone',
    found: /^meet\.example\.org is not in it: it is example\.com$/,
    todo: /ends with \.example\.com/,
  },
  {
    name: 'a zone that is not there',
    answers: { [PATHS.zone]: undefined },
    check: 'DNS zone',
    found: /^there is no public zone example\.com in the resource group dns$/,
    todo: /az network dns zone list/,
  },
  {
    name: 'a zone that is not delegated',
    resolveNs: async () => [],
    check: 'DNS zone',
    found: /^example\.com is not delegated/,
    todo: /ns1-01\.azure-dns\.com/,
  },
  {
    name: 'a zone that others serve',
    resolveNs: async () => ['ns.registrar.example'],
    check: 'DNS zone',
    found: /^example\.com is served by others: ns\.registrar\.example$/,
    todo: /ns1-01\.azure-dns\.com, ns2-01\.azure-dns\.net/,
  },
];

function locked(scope: string, level: string) {
  const lock = (where: string, name: string, its = level) => ({
    id: `${where}/providers/Microsoft.Authorization/locks/${name}`,
    name,
    properties: { level: its },
  });
  return { [PATHS.locks]: [lock(`${GROUP}s`, 'of-another', 'ReadOnly'), lock(scope, 'keep')] };
}

describe('sluice preflight azure tells of', () => {
  for (const one of [...SUBNETS, ...ENTRY, ...RIGHTS, ...ZONES]) it(one.name, () => tells(one));
});
