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
  tells,
} from './preflight-azure-world';

const MARKET = market('acme', 'sfu', 'gen2');

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
  for (const one of [...IMAGES, ...SUBSCRIPTION]) it(one.name, () => tells(one));
});
