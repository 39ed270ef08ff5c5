import { describe, it } from 'node:test';
import { AzureFault } from '../support/fake-azure/azure-fault';
import { BareList } from '../support/fake-azure/fake-subscription';
import {
  type Case,
  galleryImage,
  galleryVersion,
  market,
  PATHS,
  PROVIDERS,
  provider,
  SKUS,
  scaleSet,
  sku,
  tells,
  usage,
} from './preflight-azure-world';

const withSku = (
  name: string,
  ...rest: Parameters<typeof sku> extends [string, ...infer R] ? R : never
) => ({
  [PATHS.skus]: SKUS.map((each) => (each.name === name ? sku(name, ...rest) : each)),
});
const cores = (...usages: readonly object[]) => ({ [PATHS.cores]: usages });
const MARKET = market('acme', 'sfu', 'gen2');

const SIZES: readonly Case[] = [
  {
    name: 'a size that the region does not have',
    question: { masterVmSize: 'Standard_Z2s_v9' },
    check: 'Master Node size',
    found: /^the region has no Standard_Z2s_v9$/,
    todo: /another size \(vmSize\), or another region: az vm list-skus/,
  },
  {
    name: 'a size that the subscription may not make',
    answers: withSku('Standard_F4s_v2', 4, {
      restrictions: [{ type: 'Location', reasonCode: 'NotAvailableForSubscription' }],
    }),
    check: 'Media Node size',
    found: /may not make Standard_F4s_v2 in the region: NotAvailableForSubscription/,
    todo: /Help \+ support/,
  },
  {
    name: 'a size that is not in a zone',
    answers: withSku('Standard_F4s_v2', 4, { zones: ['1', '2'] }),
    check: 'Media Node size',
    found: /^Standard_F4s_v2: not in zone 3 of the region, but in 1, 2$/,
    todo: /zones: \['1', '2'\] \(--zone here\)/,
  },
  {
    name: 'a size whose zone the subscription may not use',
    answers: withSku('Standard_F2s_v2', 2, {
      restrictions: [{ type: 'Zone', restrictionInfo: { zones: ['2'] } }],
    }),
    check: 'Master Node size',
    found: /not in zone 2 of the region, but in 1, 3$/,
    todo: /\['1', '3'\]/,
  },
  {
    name: 'a region without zones',
    question: { masters: 1, loadBalancer: undefined },
    answers: {
      [PATHS.skus]: [sku('Standard_F2s_v2', 2), sku('Standard_F4s_v2', 4, { zones: [] })],
    },
    check: 'Media Node size',
    found: /not in zone 1, 2, 3 of the region, but in none$/,
    todo: /zones: \[\] \(--no-zones here\)/,
  },
  {
    name: 'a size that earns its CPU over hours',
    question: { vmSize: 'Standard_B4s' },
    check: 'Media Node size',
    status: 'warning',
    found: /^Standard_B4s earns its CPU/,
    todo: /Standard_F4s_v2/,
  },
  {
    name: 'a size that boots no images of the second generation',
    answers: withSku('Standard_F4s_v2', 4, { capabilities: { HyperVGenerations: 'V1' } }),
    check: 'Media Node size',
    found: /boots no images of generation 2/,
    todo: /another size/,
  },
  {
    name: 'a size without Premium SSD',
    answers: withSku('Standard_F2s_v2', 2, { capabilities: { PremiumIO: 'False' } }),
    check: 'Master Node size',
    found: /takes no Premium SSD/,
    todo: /another size/,
  },
  {
    name: 'a size that cannot be spot',
    question: { spot: true },
    answers: withSku('Standard_F4s_v2', 4, { capabilities: { LowPriorityCapable: 'False' } }),
    check: 'Media Node size',
    found: /is never a spot machine/,
    todo: /Leave out spot/,
  },
  {
    name: 'a size that cannot encrypt at its host',
    answers: withSku('Standard_F4s_v2', 4, {
      capabilities: { EncryptionAtHostSupported: 'False' },
    }),
    check: 'Media Node size',
    found: /cannot encrypt at the host/,
    todo: /Leave out encryptionAtHost/,
  },
];

const QUOTAS: readonly Case[] = [
  {
    name: 'too few cores of the family, next to what runs already',
    answers: cores(usage('cores', 100), usage('standardFSv2Family', 25, 8)),
    check: 'Cores of standardFSv2Family',
    found: /^22 needed at most, the quota standardFSv2Family is 25, 8 in use$/,
    todo: /^Ask for 30 of standardFSv2Family.*--max-media-nodes, --vm-size/,
  },
  {
    name: 'too few cores of the region',
    answers: cores(usage('cores', 20), usage('standardFSv2Family', 50)),
    check: 'Cores of the region',
    found: /^22 needed at most, the quota cores is 20/,
    todo: /Ask for 22 of cores/,
  },
  {
    name: 'too few cores of spot',
    question: { spot: true },
    answers: cores(
      usage('cores', 6),
      usage('standardFSv2Family', 6),
      usage('lowPriorityCores', 12),
    ),
    check: 'Cores, spot',
    found: /^16 needed at most, the quota lowPriorityCores is 12/,
    todo: /Ask for 16/,
  },
  {
    name: 'too few public addresses',
    question: { publicAddress: undefined, loadBalancer: undefined },
    answers: { [PATHS.addresses]: [usage('StandardSkuPublicIpAddresses', 10, 6)] },
    check: 'Public addresses',
    found: /^5 needed at most, the quota StandardSkuPublicIpAddresses is 10, 6 in use$/,
    todo: /Ask for 11/,
  },
];

const SETS: readonly Case[] = [
  {
    name: 'a set of the other orchestration mode',
    answers: { [PATHS.set]: scaleSet({ orchestrationMode: 'Uniform' }) },
    check: 'Scale set',
    found: /mode is Uniform, which cannot be changed; it has to be Flexible/,
    todo: /a set of its own, drain this one/,
  },
  {
    name: 'a set with an identity of the system',
    answers: { [PATHS.set]: scaleSet({}, 'SystemAssigned, UserAssigned') },
    check: 'Scale set',
    found: /identity of the kind SystemAssigned, UserAssigned/,
    todo: /user-assigned identity/,
  },
  {
    name: 'a set that Azure upgrades',
    answers: { [PATHS.set]: scaleSet({ upgradePolicy: { mode: 'Automatic' } }) },
    check: 'Scale set',
    found: /upgrade policy is Automatic/,
    todo: /upgradePolicy\.mode=Manual/,
  },
  {
    name: 'a set that says nothing before it deletes',
    answers: { [PATHS.set]: scaleSet({ virtualMachineProfile: {} }) },
    check: 'Scale set',
    status: 'warning',
    found: /says nothing before a machine is deleted/,
    todo: /--enable-terminate-notification true/,
  },
  {
    name: 'a set that an autoscale setting sizes too',
    answers: {
      [PATHS.autoscale]: [
        { name: 'off', properties: { enabled: false, targetResourceUri: PATHS.set } },
        { name: 'cpu', properties: { targetResourceUri: PATHS.set.toUpperCase() } },
      ],
    },
    check: 'Scale set',
    found: /^the autoscale setting cpu sizes it too/,
    todo: /az monitor autoscale delete --name cpu$/,
  },
  {
    name: 'an identity that is not user-assigned',
    question: { identities: [PATHS.set] },
    check: 'Identities',
    found: /is no user-assigned identity/,
    todo: /az identity create/,
  },
  {
    name: 'an identity that is not there',
    question: { identities: [PATHS.identity, `${PATHS.identity}s`] },
    check: 'Identities',
    found: /^there is no .*\/nodes$/,
    todo: /az identity create/,
  },
];

const IMAGES: readonly Case[] = [
  {
    name: 'a region without images of Debian',
    question: { image: undefined },
    answers: { [PATHS.debian]: new BareList([]) },
    check: 'Image',
    found: /^the region has no Debian:debian-12:12-gen2:latest$/,
    todo: /az vm image list --all --location westeurope --publisher Debian/,
  },
  {
    name: 'a plan whose terms nobody has accepted',
    question: { image: 'acme:sfu:gen2:1.0.0' },
    answers: {
      [`${MARKET}/1.0.0`]: {
        properties: { plan: { publisher: 'acme', product: 'sfu', name: 'gen2' } },
      },
      [plan()]: { properties: { accepted: false } },
    },
    check: 'Image',
    found: /has the plan acme:sfu:gen2, whose terms nobody has accepted/,
    todo: /az vm image terms accept --publisher acme --offer sfu --plan gen2$/,
  },
  {
    name: 'a plan, accepted, that the components do not say',
    question: { image: 'acme:sfu:gen2:1.0.0' },
    answers: {
      [`${MARKET}/1.0.0`]: {
        properties: { plan: { publisher: 'acme', product: 'sfu', name: 'gen2' } },
      },
      [plan()]: { properties: { accepted: true } },
    },
    check: 'Image',
    found: /which the components do not say/,
    todo: /without a plan/,
  },
  {
    name: 'an image that is in other regions',
    answers: { [PATHS.imageVersion]: galleryVersion('North Europe', 'East US') },
    check: 'Image',
    found: /^it is in North Europe, East US, and not in westeurope$/,
    todo: /Replicate it/,
  },
  {
    name: 'an image of the first generation',
    answers: { [PATHS.galleryImage]: galleryImage({ hyperVGeneration: 'V1' }) },
    check: 'Image',
    found: /generation V1; it has to be Generalized, of generation V2/,
    todo: /--hyper-v-generation V2/,
  },
  {
    name: 'an image for another processor',
    answers: { [PATHS.galleryImage]: galleryImage({ architecture: 'Arm64' }) },
    check: 'Image',
    found: /^it is for Arm64, and Standard_F4s_v2, Standard_F2s_v2 is not$/,
    todo: /size of its processor/,
  },
  {
    name: 'an image with a purchase plan',
    answers: { [PATHS.galleryImage]: galleryImage({ purchasePlan: { name: 'x' } }) },
    check: 'Image',
    found: /has a purchase plan/,
    todo: /without a plan/,
  },
  {
    name: 'a managed image of another region',
    question: { image: PATHS.managedImage },
    answers: { [PATHS.managedImage]: { location: 'eastus', properties: {} } },
    check: 'Image',
    found: /^it is in eastus, and managed images are of one region$/,
    todo: /az sig image-version create/,
  },
  {
    name: 'an image that is not there',
    question: { image: PATHS.managedImage },
    check: 'Image',
    found: /^there is no .*images\/node$/,
    todo: /az image list/,
  },
  {
    name: 'an id that is no image',
    question: { image: PATHS.vault },
    check: 'Image',
    found: /is no image that machines boot$/,
    todo: /a version of a gallery/,
  },
];

const SUBSCRIPTION: readonly Case[] = [
  {
    name: 'a provider that is not registered',
    answers: {
      [PATHS.providers]: PROVIDERS.map((name) =>
        provider(`Microsoft.${name}`, name === 'ManagedIdentity' ? 'NotRegistered' : undefined),
      ),
    },
    check: 'Resource providers',
    found: /^Microsoft\.ManagedIdentity is NotRegistered/,
    todo: /az provider register --wait --namespace Microsoft\.ManagedIdentity$/,
  },
  {
    name: 'a provider that only alarms take',
    answers: {
      [PATHS.providers]: PROVIDERS.filter((name) => name !== 'Insights').map((name) =>
        provider(`Microsoft.${name}`),
      ),
    },
    check: 'Resource providers',
    found: /^Microsoft\.Insights is unknown in the subscription$/,
    todo: /--namespace Microsoft\.Insights$/,
  },
  {
    name: 'a region without Azure Managed Redis',
    answers: {
      [PATHS.providers]: PROVIDERS.map((name) => ({
        ...provider(`Microsoft.${name}`),
        resourceTypes: [{ resourceType: 'redisEnterprise', locations: ['East US'] }],
      })),
    },
    check: 'Azure Managed Redis',
    found: /^the region westeurope has none$/,
    todo: /a Redis of yours: redis/,
  },
  {
    name: 'encryption at host that is not registered',
    answers: { [PATHS.feature]: { properties: { state: 'NotRegistered' } } },
    check: 'Encryption at host',
    found: /EncryptionAtHost is NotRegistered$/,
    todo: /az feature register --namespace Microsoft\.Compute --name EncryptionAtHost/,
  },
  {
    name: 'a vault by access policies',
    answers: { [PATHS.vault]: { properties: {} } },
    check: 'Key Vault',
    found: /^meet-vault goes by access policies/,
    todo: /--enable-rbac-authorization true/,
  },
  {
    name: 'a vault that is shut to networks',
    answers: {
      [PATHS.vault]: {
        properties: { enableRbacAuthorization: true, networkAcls: { defaultAction: 'Deny' } },
      },
    },
    check: 'Key Vault',
    status: 'warning',
    found: /not open to all networks/,
    todo: /service endpoint or a private endpoint/,
  },
  {
    name: 'a vault that was deleted',
    answers: { [PATHS.vault]: undefined, ...deleted(false) },
    check: 'Key Vault',
    found: /^meet-vault was deleted, and its name is kept until 2026-12-01T00:00:00Z$/,
    todo: /az keyvault recover --name meet-vault --location northeurope; .*az keyvault purge/,
  },
  {
    name: 'a vault that was deleted and is kept by purge protection',
    answers: { [PATHS.vault]: undefined, ...deleted(true) },
    check: 'Key Vault',
    found: /was deleted/,
    todo: /recover .*; it cannot be purged before$/,
  },
  {
    name: 'a vault that never was',
    answers: { [PATHS.vault]: undefined },
    check: 'Key Vault',
    found: /^there is no .*meet-vault$/,
    todo: /az keyvault list/,
  },
  {
    name: 'what may not be read',
    answers: { [PATHS.skus]: new AzureFault('AuthorizationFailed', 'you may not', 403) },
    check: 'Media Node size',
    status: 'unchecked',
    found: /^Azure does not say: ArmError, 403 AuthorizationFailed: you may not$/,
    todo: /Allow Microsoft\.Compute\/skus\/read .*\(the role Reader has it\)/,
  },
];

function plan(): string {
  const root = PATHS.providers;
  return `${root}/Microsoft.MarketplaceOrdering/offerTypes/virtualmachine/publishers/acme/offers/sfu/plans/gen2/agreements/current`;
}

function deleted(purgeProtectionEnabled: boolean) {
  const facts = { location: 'northeurope', scheduledPurgeDate: '2026-12-01T00:00:00Z' };
  return {
    [PATHS.deletedVaults]: [
      { name: 'another', properties: facts },
      { name: 'Meet-Vault', properties: { ...facts, purgeProtectionEnabled } },
    ],
  };
}

describe('sluice preflight azure tells of', () => {
  for (const one of [...SIZES, ...QUOTAS, ...SETS, ...IMAGES, ...SUBSCRIPTION]) {
    it(one.name, () => tells(one));
  }
});
