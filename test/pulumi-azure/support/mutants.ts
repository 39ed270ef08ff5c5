/** Inputs that Azure would refuse, made by changing good ones. */

export interface Mutant {
  readonly what: string;
  readonly type: string;
  /** How the name of the resource ends. */
  readonly ending?: string;
  /** Where it is changed: `sku.capacity`. */
  readonly path: string;
  /** Undefined: it is taken away. */
  readonly to: unknown;
}

const SET = { type: 'azure-native:compute:VirtualMachineScaleSet', ending: 'media-set' };
const RULES = { type: 'azure-native:network:NetworkSecurityGroup', ending: 'media-rules' };
const BALANCER = { type: 'azure-native:network:LoadBalancer' };
const GRANT = { type: 'azure-native:authorization:RoleAssignment', ending: '-join' };
const ROLE = { type: 'azure-native:authorization:RoleDefinition' };
const RECORD = { type: 'azure-native:dns:RecordSet' };
const LINK = { type: 'azure-native:privatedns:VirtualNetworkLink' };
const IDENTITY = {
  type: 'azure-native:managedidentity:UserAssignedIdentity',
  ending: 'media-identity',
};
const REDIS = { type: 'azure-native:redisenterprise:RedisEnterprise' };
const DATABASE = { type: 'azure-native:redisenterprise:Database' };
const ACCOUNT = { type: 'azure-native:storage:StorageAccount', ending: 'recordings-account' };
const CONTAINER = { type: 'azure-native:storage:BlobContainer', ending: 'recordings-container' };
const SERVICE = { type: 'azure-native:storage:BlobServiceProperties' };
const RETENTION = { type: 'azure-native:storage:ManagementPolicy' };
const VAULT = { type: 'azure-native:keyvault:Vault' };
const PROFILE = 'virtualMachineProfile';
const NIC = `${PROFILE}.networkProfile.networkInterfaceConfigurations.0`;

export const MUTANTS: readonly Mutant[] = [
  { ...SET, what: 'a misspelt property', path: 'orchestrationModes', to: 'Flexible' },
  { ...SET, what: 'a mode that there is not', path: 'orchestrationMode', to: 'Flexibel' },
  { ...SET, what: 'a capacity that is a text', path: 'sku.capacity', to: '3' },
  { ...SET, what: 'a mode of upgrades in small letters', path: 'upgradePolicy.mode', to: 'manual' },
  { ...SET, what: 'zones that are no list', path: 'zones', to: '1' },
  { ...SET, what: 'an identity of the system', path: 'identity.type', to: 'SystemAssigned' },
  { ...SET, what: 'overprovisioning', path: 'overprovision', to: true },
  { ...SET, what: 'five fault domains', path: 'platformFaultDomainCount', to: 5 },
  {
    ...SET,
    what: 'caching that there is not',
    path: `${PROFILE}.storageProfile.osDisk.caching`,
    to: 'Read',
  },
  {
    ...SET,
    what: 'an OS disk without a way to be made',
    path: `${PROFILE}.storageProfile.osDisk.createOption`,
    to: undefined,
  },
  {
    ...SET,
    what: 'a kind of disk that there is not',
    path: `${PROFILE}.storageProfile.osDisk.managedDisk.storageAccountType`,
    to: 'Premium',
  },
  {
    ...SET,
    what: 'a notice of an hour',
    path: `${PROFILE}.scheduledEventsProfile.terminateNotificationProfile.notBeforeTimeout`,
    to: 'PT60M',
  },
  {
    ...SET,
    what: 'a notice in minutes',
    path: `${PROFILE}.scheduledEventsProfile.terminateNotificationProfile.notBeforeTimeout`,
    to: '15',
  },
  {
    ...SET,
    what: 'no API version of the network',
    path: `${PROFILE}.networkProfile.networkApiVersion`,
    to: undefined,
  },
  { ...SET, what: 'an interface without a name', path: `${NIC}.name`, to: undefined },
  {
    ...SET,
    what: 'a public address of another SKU',
    path: `${NIC}.ipConfigurations.0.publicIPAddressConfiguration.sku.name`,
    to: 'Premium',
  },
  { ...SET, what: 'a subnet by its name', path: `${NIC}.ipConfigurations.0.subnet`, to: 'media' },
  {
    ...SET,
    what: 'a long prefix',
    path: `${PROFILE}.osProfile.computerNamePrefix`,
    to: 'meet-media-nodes',
  },
  { ...RULES, what: 'a protocol that there is not', path: 'securityRules.0.protocol', to: 'UDPP' },
  { ...RULES, what: 'a priority below 100', path: 'securityRules.0.priority', to: 99 },
  { ...RULES, what: 'a priority twice', path: 'securityRules.1.priority', to: 100 },
  { ...RULES, what: 'a rule for no direction', path: 'securityRules.0.direction', to: undefined },
  {
    ...RULES,
    what: 'a range that ends before it begins',
    path: 'securityRules.2.destinationPortRange',
    to: '60000-50000',
  },
  {
    ...RULES,
    what: 'a port above 65535',
    path: 'securityRules.2.destinationPortRange',
    to: '50000-70000',
  },
  { ...BALANCER, what: 'a SKU that there is not', path: 'sku.name', to: 'standard-v2' },
  {
    ...BALANCER,
    what: 'an idle time of two hours',
    path: 'loadBalancingRules.0.idleTimeoutInMinutes',
    to: 120,
  },
  {
    ...BALANCER,
    what: 'a rule without a protocol',
    path: 'loadBalancingRules.0.protocol',
    to: undefined,
  },
  {
    ...BALANCER,
    what: 'a probe of another balancer',
    path: 'loadBalancingRules.0.probe.id',
    to: '/x/probes/node',
  },
  { ...BALANCER, what: 'a port that is a text', path: 'probes.0.port', to: '7444' },
  { ...VAULT, what: 'a tenant that is no UUID', path: 'properties.tenantId', to: 'example.com' },
  { ...VAULT, what: 'a SKU family that there is not', path: 'properties.sku.family', to: 'B' },
  {
    ...VAULT,
    what: 'a name that is too long',
    path: 'vaultName',
    to: 'meet-secrets-for-all-of-us',
  },
  {
    ...GRANT,
    what: 'a kind of principal that there is not',
    path: 'principalType',
    to: 'Identity',
  },
  { ...GRANT, what: 'a right without a role', path: 'roleDefinitionId', to: undefined },
  {
    ...ROLE,
    what: 'rights that are a text',
    path: 'permissions.0.actions',
    to: 'Microsoft.Compute/virtualMachines/delete',
  },
  { ...ROLE, what: 'places that are misspelt', path: 'assignableScope', to: [] },
  { ...RECORD, what: 'an address under a wrong name', path: 'aRecords.0.ipAddress', to: '1.2.3.4' },
  { ...RECORD, what: 'a time to live that is a text', path: 'ttl', to: '60' },
  {
    ...LINK,
    what: 'a network by its bare id',
    path: 'virtualNetwork',
    to: '/subscriptions/x/virtualNetworks/net',
  },
  { ...IDENTITY, what: 'an identity that says its client', path: 'clientId', to: 'x' },
  { ...REDIS, what: 'a size of Redis that there is not', path: 'sku.name', to: 'Balanced_B2' },
  { ...REDIS, what: 'replicas by true', path: 'highAvailability', to: true },
  {
    ...DATABASE,
    what: 'shards under a name that there is not',
    path: 'clusteringPolicy',
    to: 'None',
  },
  { ...DATABASE, what: 'a port that is a text', path: 'port', to: '10000' },
  { ...DATABASE, what: 'clients in clear', path: 'clientProtocol', to: 'PlainText' },
  { ...ACCOUNT, what: 'a kind of account that there is not', path: 'kind', to: 'StorageV3' },
  { ...ACCOUNT, what: 'a version of TLS by its number', path: 'minimumTlsVersion', to: '1.2' },
  { ...ACCOUNT, what: 'copies that there are not', path: 'sku.name', to: 'Standard_ZGRS' },
  { ...ACCOUNT, what: 'keys by a text', path: 'allowSharedKeyAccess', to: 'no' },
  { ...ACCOUNT, what: 'a key of nobody', path: 'encryption.keySource', to: 'KeyVault' },
  {
    ...ACCOUNT,
    what: 'an identity by its bare id',
    path: 'encryption.encryptionIdentity',
    to: '/x',
  },
  {
    ...SERVICE,
    what: 'deleted recordings that are kept for ever',
    path: 'deleteRetentionPolicy.days',
    to: 3650,
  },
  {
    ...RETENTION,
    what: 'a rule of retention without a name',
    path: 'policy.rules.0.name',
    to: undefined,
  },
  {
    ...RETENTION,
    what: 'an action that there is not',
    path: 'policy.rules.0.definition.actions.baseBlob.remove',
    to: { daysAfterModificationGreaterThan: 30 },
  },
  {
    ...RETENTION,
    what: 'a retention in words',
    path: 'policy.rules.0.definition.actions.baseBlob.delete.daysAfterModificationGreaterThan',
    to: '30 days',
  },
  { ...BALANCER, what: 'RTMP by UDP in words', path: 'loadBalancingRules.2.protocol', to: 'RTMP' },
  { ...CONTAINER, what: 'access that there is not', path: 'publicAccess', to: 'Private' },
];

/** The inputs with the mutation. */
export function mutated(
  inputs: Readonly<Record<string, unknown>>,
  { path, to }: Mutant,
): Record<string, unknown> {
  const copy: Record<string, unknown> = structuredClone({ ...inputs });
  const steps = path.split('.');
  const last = steps.pop() ?? '';
  let target: unknown = copy;
  for (const step of steps) {
    target = typeof target === 'object' && target !== null ? Reflect.get(target, step) : undefined;
  }
  if (typeof target !== 'object' || target === null) throw new Error(`${path}: there is nothing`);
  if (to === undefined) Reflect.deleteProperty(target, last);
  else Reflect.set(target, last, to);
  return copy;
}
