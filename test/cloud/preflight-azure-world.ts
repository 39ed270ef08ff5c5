import { ArmReader } from '../../node-image/cloud/azure/preflight/arm-reader';
import {
  type PreflightQuestion,
  QUESTION_DEFAULTS,
} from '../../node-image/cloud/azure/preflight/question';
import {
  type PreflightReport,
  runPreflight,
} from '../../node-image/cloud/azure/preflight/run-preflight';
import {
  BareList,
  FakeSubscription,
  type SubscriptionAnswers,
} from '../support/fake-azure/fake-subscription';
import { assertTold, type Told } from './preflight-cases';

export const SUBSCRIPTION = '00000000-0000-0000-0000-000000000000';
export const ROOT = `/subscriptions/${SUBSCRIPTION}`;
export const GROUP = `${ROOT}/resourceGroups/meet`;
export const MEDIA_GROUP = `${ROOT}/resourceGroups/meet-media`;
const NETWORK = `${GROUP}/providers/Microsoft.Network`;
const VNET = `${NETWORK}/virtualNetworks/net`;
const NAME_SERVERS = ['ns1-01.azure-dns.com', 'ns2-01.azure-dns.net'];

export const PATHS = {
  subscriptions: '/subscriptions',
  locations: `${ROOT}/locations`,
  providers: `${ROOT}/providers`,
  skus: `${ROOT}/providers/Microsoft.Compute/skus`,
  cores: `${ROOT}/providers/Microsoft.Compute/locations/westeurope/usages`,
  addresses: `${ROOT}/providers/Microsoft.Network/locations/westeurope/usages`,
  feature: `${ROOT}/providers/Microsoft.Features/providers/Microsoft.Compute/features/EncryptionAtHost`,
  deletedVaults: `${ROOT}/providers/Microsoft.KeyVault/deletedVaults`,
  autoscale: `${ROOT}/providers/Microsoft.Insights/autoscalesettings`,
  locks: `${ROOT}/providers/Microsoft.Authorization/locks`,
  groupRights: `${GROUP}/providers/Microsoft.Authorization/permissions`,
  mediaRights: `${MEDIA_GROUP}/providers/Microsoft.Authorization/permissions`,
  dnsRights: `${ROOT}/resourceGroups/dns/providers/Microsoft.Authorization/permissions`,
  rights: `${ROOT}/providers/Microsoft.Authorization/permissions`,
  zone: `${ROOT}/resourceGroups/dns/providers/Microsoft.Network/dnsZones/example.com`,
  network: VNET,
  mediaSubnet: `${VNET}/subnets/media`,
  masterSubnet: `${VNET}/subnets/masters`,
  routes: `${NETWORK}/routeTables/routes`,
  address: `${NETWORK}/publicIPAddresses/entry`,
  balancer: `${NETWORK}/loadBalancers/entry`,
  set: `${MEDIA_GROUP}/providers/Microsoft.Compute/virtualMachineScaleSets/media`,
  identity: `${GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/node`,
  vault: `${GROUP}/providers/Microsoft.KeyVault/vaults/meet-vault`,
  managedImage: `${GROUP}/providers/Microsoft.Compute/images/node`,
  galleryImage: `${GROUP}/providers/Microsoft.Compute/galleries/nodes/images/node`,
  imageVersion: `${GROUP}/providers/Microsoft.Compute/galleries/nodes/images/node/versions/1.0.0`,
  debian: market('Debian', 'debian-12', '12-gen2'),
  debianArm: market('Debian', 'debian-12', '12-arm64'),
} as const;

export function market(publisher: string, offer: string, sku: string): string {
  return `${ROOT}/providers/Microsoft.Compute/locations/westeurope/publishers/${publisher}/artifacttypes/vmimage/offers/${offer}/skus/${sku}/versions`;
}

/** All that there is to ask of, and all of it in order. */
export const QUESTION: PreflightQuestion = {
  subscription: SUBSCRIPTION,
  location: 'West Europe',
  resourceGroup: 'meet',
  mediaResourceGroup: 'meet-media',
  domain: 'meet.example.com',
  dnsZone: 'example.com',
  dnsZoneResourceGroup: 'dns',
  vmSize: QUESTION_DEFAULTS.vmSize,
  masterVmSize: QUESTION_DEFAULTS.masterVmSize,
  maxMediaNodes: 4,
  masters: 3,
  zones: QUESTION_DEFAULTS.zones,
  spot: false,
  encryptionAtHost: true,
  observability: true,
  subnet: PATHS.mediaSubnet,
  masterSubnet: PATHS.masterSubnet,
  publicAddress: PATHS.address,
  loadBalancer: PATHS.balancer,
  scaleSet: PATHS.set,
  identities: [PATHS.identity],
  image: PATHS.imageVersion,
  vault: PATHS.vault,
};

export interface SkuOptions {
  readonly family?: string;
  readonly zones?: readonly string[];
  readonly restrictions?: readonly object[];
  readonly capabilities?: Readonly<Record<string, string>>;
}

export const sku = (name: string, vcpus: number, options: SkuOptions = {}) => ({
  resourceType: 'virtualMachines',
  name,
  family: options.family ?? 'standardFSv2Family',
  locationInfo: [{ location: 'westeurope', zones: options.zones ?? ['3', '1', '2'] }],
  capabilities: Object.entries({
    vCPUs: String(vcpus),
    CpuArchitectureType: 'x64',
    HyperVGenerations: 'V1,V2',
    LowPriorityCapable: 'True',
    EncryptionAtHostSupported: 'True',
    PremiumIO: 'True',
    ...options.capabilities,
  }).map(([key, value]) => ({ name: key, value })),
  restrictions: options.restrictions ?? [],
});

export const SKUS = [
  { resourceType: 'disks', name: 'Premium_LRS' },
  sku('Standard_F2s_v2', 2),
  sku('Standard_F4s_v2', 4),
  sku('Standard_B4s', 4, { family: 'standardBSFamily' }),
  sku('Standard_D4ps_v6', 4, {
    family: 'standardDPSv6Family',
    capabilities: { CpuArchitectureType: 'Arm64', HyperVGenerations: 'V2' },
  }),
];

export const usage = (value: string, limit: number, currentValue = 0) => ({
  unit: 'Count',
  name: { value, localizedValue: value },
  limit,
  currentValue,
});

export const provider = (namespace: string, registrationState = 'Registered') => ({
  namespace,
  registrationState,
  resourceTypes: [{ resourceType: 'redisEnterprise', locations: ['North Europe', 'West Europe'] }],
});

export const PROVIDERS = [
  ...['Compute', 'Network', 'KeyVault', 'Storage', 'ManagedIdentity', 'Cache'],
  ...['Insights', 'AlertsManagement', 'OperationalInsights'],
];

export const subnet = (name: string, rest: object = {}) => ({
  id: `${VNET}/subnets/${name}`,
  name,
  properties: { addressPrefix: '10.0.0.0/24', ipConfigurations: [], delegations: [], ...rest },
});

export const balancer = (rest: object = {}, rule: object = {}) => ({
  location: 'westeurope',
  sku: { name: 'Standard' },
  properties: {
    frontendIPConfigurations: [{ properties: { publicIPAddress: { id: PATHS.address } } }],
    loadBalancingRules: [
      {
        name: 'https',
        properties: {
          protocol: 'Tcp',
          frontendPort: 443,
          idleTimeoutInMinutes: 30,
          enableTcpReset: true,
          ...rule,
        },
      },
    ],
    outboundRules: [{ name: 'out' }],
    ...rest,
  },
});

export const scaleSet = (rest: object = {}, identity = 'UserAssigned') => ({
  identity: { type: identity },
  properties: {
    orchestrationMode: 'Flexible',
    upgradePolicy: { mode: 'Manual' },
    virtualMachineProfile: {
      scheduledEventsProfile: { terminateNotificationProfile: { enable: true } },
    },
    ...rest,
  },
});

export const OWNER = { actions: ['*'], notActions: [] };
/** Source: Azure built-in roles, Contributor. */
export const CONTRIBUTOR = {
  actions: ['*'],
  notActions: [
    'Microsoft.Authorization/*/Delete',
    'Microsoft.Authorization/*/Write',
    'Microsoft.Authorization/elevateAccess/Action',
  ],
};

export const galleryVersion = (...regions: readonly string[]) => ({
  properties: { publishingProfile: { targetRegions: regions.map((name) => ({ name })) } },
});

export const galleryImage = (rest: object = {}) => ({
  properties: { osState: 'Generalized', hyperVGeneration: 'V2', architecture: 'x64', ...rest },
});

const GOOD: SubscriptionAnswers = {
  [PATHS.subscriptions]: [
    { subscriptionId: 'another', displayName: 'Another', state: 'Enabled' },
    { subscriptionId: SUBSCRIPTION, displayName: 'Calls', state: 'Enabled' },
  ],
  [PATHS.locations]: [{ name: 'northeurope' }, { name: 'eastus' }, { name: 'westeurope' }],
  [PATHS.providers]: PROVIDERS.map((name) => provider(`Microsoft.${name}`)),
  [PATHS.skus]: SKUS,
  [PATHS.cores]: [
    usage('cores', 100),
    usage('standardFSv2Family', 50),
    usage('lowPriorityCores', 20),
    usage('standardBSFamily', 50),
    usage('standardDPSv6Family', 50),
  ],
  [PATHS.addresses]: [usage('PublicIPAddresses', 10), usage('StandardSkuPublicIpAddresses', 20)],
  [PATHS.feature]: { properties: { state: 'Registered' } },
  [PATHS.deletedVaults]: [],
  [PATHS.autoscale]: [],
  [PATHS.locks]: [],
  [PATHS.groupRights]: [OWNER],
  [PATHS.mediaRights]: [OWNER],
  [PATHS.dnsRights]: [OWNER],
  [PATHS.rights]: [OWNER],
  [GROUP]: { name: 'meet' },
  [MEDIA_GROUP]: { name: 'meet-media' },
  [PATHS.zone]: { properties: { nameServers: NAME_SERVERS.map((name) => `${name}.`) } },
  [PATHS.network]: { location: 'westeurope' },
  [PATHS.mediaSubnet]: subnet('media'),
  [PATHS.masterSubnet]: subnet('masters'),
  [PATHS.address]: {
    location: 'westeurope',
    sku: { name: 'Standard' },
    properties: { ipAddress: '203.0.113.9', publicIPAllocationMethod: 'Static' },
  },
  [PATHS.balancer]: balancer(),
  [PATHS.set]: scaleSet(),
  [PATHS.identity]: { properties: { clientId: 'client' } },
  [PATHS.vault]: { properties: { enableRbacAuthorization: true } },
  [PATHS.imageVersion]: galleryVersion('North Europe', 'West Europe'),
  [PATHS.galleryImage]: galleryImage(),
  [PATHS.debian]: new BareList([{ name: '0.20260101.1' }, { name: '0.20260901.1' }]),
  [`${PATHS.debian}/0.20260901.1`]: { properties: {} },
  [PATHS.debianArm]: new BareList([{ name: '0.20260901.1' }]),
  [`${PATHS.debianArm}/0.20260901.1`]: { properties: {} },
};

export interface WorldOptions {
  /** What is asked otherwise. */
  readonly question?: Partial<PreflightQuestion>;
  /** What Azure answers otherwise. */
  readonly answers?: SubscriptionAnswers;
  readonly resolveNs?: (name: string) => Promise<readonly string[]>;
  /** What the token is. @default - the one that counts */
  readonly token?: string;
}

export interface World extends PreflightReport {
  /** Method and path of each call. */
  readonly calls: readonly string[];
}

export async function preflight(options: WorldOptions = {}): Promise<World> {
  const { question, answers, resolveNs = async () => NAME_SERVERS } = options;
  const fake = await FakeSubscription.start({ ...GOOD, ...answers });
  const token = options.token ?? fake.token;
  const credential = {
    getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3_600_000 }),
  };
  try {
    const report = await runPreflight({
      question: { ...QUESTION, ...question },
      arm: new ArmReader({ endpoint: fake.url, credential, ca: fake.ca }),
      resolveNs,
    });
    return { ...report, calls: fake.calls };
  } finally {
    await fake.close();
  }
}

/** One thing that is out of order, and how it is told. */
export interface Case extends WorldOptions, Told {}

export const tells = async (one: Case): Promise<void> => assertTold(await preflight(one), one);
