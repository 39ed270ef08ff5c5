/** Where Azure describes the types of resources, and under which names. */

/** A package of Azure's, and where its descriptions are. */
export interface Package {
  readonly mappers: string;
  readonly types: string;
}

export const PACKAGES: Readonly<Record<string, Package>> = {
  compute: {
    mappers: 'arm-compute-mappers/dist/commonjs/models/mappers.js',
    types: 'arm-compute-mappers/dist/commonjs/models/index.d.ts',
  },
  network: {
    mappers: 'arm-network-mappers/dist-esm/src/models/mappers.js',
    types: 'arm-network-mappers/types/arm-network.d.ts',
  },
  keyvault: {
    mappers: 'arm-keyvault-mappers/dist/commonjs/models/mappers.js',
    types: 'arm-keyvault-mappers/dist/commonjs/models/index.d.ts',
  },
  resources: {
    mappers: 'arm-resources-mappers/dist-esm/src/models/mappers.js',
    types: 'arm-resources-mappers/types/arm-resources.d.ts',
  },
  authorization: {
    mappers: 'arm-authorization-mappers/dist-esm/src/models/mappers.js',
    types: 'arm-authorization-mappers/types/arm-authorization.d.ts',
  },
  dns: {
    mappers: 'arm-dns-mappers/dist-esm/src/models/mappers.js',
    types: 'arm-dns-mappers/types/arm-dns.d.ts',
  },
  privatedns: {
    mappers: 'arm-privatedns-mappers/dist-esm/src/models/mappers.js',
    types: 'arm-privatedns-mappers/types/arm-privatedns.d.ts',
  },
  managedidentity: {
    mappers: 'arm-msi-mappers/dist/commonjs/models/mappers.js',
    types: 'arm-msi-mappers/dist/commonjs/models/index.d.ts',
  },
  redisenterprise: {
    mappers: 'arm-redisenterprise-mappers/dist-esm/src/models/mappers.js',
    types: 'arm-redisenterprise-mappers/types/arm-redisenterprisecache.d.ts',
  },
  storage: {
    mappers: 'arm-storage-mappers/dist/commonjs/models/mappers.js',
    types: 'arm-storage-mappers/dist/commonjs/models/index.d.ts',
  },
  monitor: {
    mappers: 'arm-monitor-mappers/dist-esm/src/models/mappers.js',
    types: 'arm-monitor-mappers/types/arm-monitor.d.ts',
  },
  operationalinsights: {
    mappers: 'arm-operationalinsights-mappers/dist-esm/src/models/mappers.js',
    types: 'arm-operationalinsights-mappers/types/arm-operationalinsights.d.ts',
  },
};

/** By type of Pulumi: the class of the body, and what is in the path instead of it. */
export const SHAPES: Readonly<Record<string, { class: string; path: readonly string[] }>> = {
  'azure-native:compute:VirtualMachineScaleSet': {
    class: 'VirtualMachineScaleSet',
    path: ['vmScaleSetName'],
  },
  'azure-native:compute:VirtualMachine': { class: 'VirtualMachine', path: ['vmName'] },
  'azure-native:compute:VirtualMachineExtension': {
    class: 'VirtualMachineExtension',
    path: ['vmName', 'vmExtensionName'],
  },
  'azure-native:compute:Disk': { class: 'Disk', path: ['diskName'] },
  'azure-native:network:NetworkSecurityGroup': { class: 'NetworkSecurityGroup', path: [] },
  'azure-native:network:ApplicationSecurityGroup': { class: 'ApplicationSecurityGroup', path: [] },
  'azure-native:network:VirtualNetwork': { class: 'VirtualNetwork', path: [] },
  'azure-native:network:LoadBalancer': { class: 'LoadBalancer', path: ['loadBalancerName'] },
  'azure-native:network:NetworkInterface': { class: 'NetworkInterface', path: [] },
  'azure-native:network:PublicIPAddress': { class: 'PublicIPAddress', path: [] },
  'azure-native:network:PrivateEndpoint': { class: 'PrivateEndpoint', path: [] },
  'azure-native:network:PrivateDnsZoneGroup': {
    class: 'PrivateDnsZoneGroup',
    path: ['privateEndpointName', 'privateDnsZoneGroupName'],
  },
  'azure-native:keyvault:Vault': { class: 'VaultCreateOrUpdateParameters', path: ['vaultName'] },
  'azure-native:keyvault:Secret': {
    class: 'SecretCreateOrUpdateParameters',
    path: ['vaultName', 'secretName'],
  },
  'azure-native:resources:ResourceGroup': { class: 'ResourceGroup', path: ['resourceGroupName'] },
  'azure-native:authorization:RoleAssignment': {
    class: 'RoleAssignmentCreateParameters',
    path: ['scope', 'roleAssignmentName'],
  },
  'azure-native:authorization:RoleDefinition': {
    class: 'RoleDefinition',
    // A scope is a part of the path here, and answered by Azure in the body.
    path: ['scope', 'roleDefinitionId'],
  },
  'azure-native:dns:RecordSet': {
    class: 'RecordSet',
    path: ['zoneName', 'relativeRecordSetName', 'recordType'],
  },
  'azure-native:privatedns:PrivateZone': { class: 'PrivateZone', path: ['privateZoneName'] },
  'azure-native:privatedns:VirtualNetworkLink': {
    class: 'VirtualNetworkLink',
    path: ['privateZoneName', 'virtualNetworkLinkName'],
  },
  'azure-native:managedidentity:UserAssignedIdentity': {
    class: 'Identity',
    path: ['resourceName'],
  },
  'azure-native:redisenterprise:RedisEnterprise': { class: 'Cluster', path: ['clusterName'] },
  'azure-native:redisenterprise:Database': {
    class: 'Database',
    path: ['clusterName', 'databaseName'],
  },
  'azure-native:storage:StorageAccount': {
    class: 'StorageAccountCreateParameters',
    path: ['accountName'],
  },
  'azure-native:storage:BlobContainer': {
    class: 'BlobContainer',
    path: ['accountName', 'containerName'],
  },
  'azure-native:storage:BlobServiceProperties': {
    class: 'BlobServiceProperties',
    path: ['accountName', 'blobServicesName'],
  },
  'azure-native:storage:ManagementPolicy': {
    class: 'ManagementPolicy',
    path: ['accountName', 'managementPolicyName'],
  },
  'azure-native:monitor:MetricAlert': { class: 'MetricAlertResource', path: ['ruleName'] },
  'azure-native:monitor:ActionGroup': { class: 'ActionGroupResource', path: ['actionGroupName'] },
  'azure-native:monitor:DataCollectionEndpoint': {
    class: 'DataCollectionEndpointResource',
    path: ['dataCollectionEndpointName'],
  },
  'azure-native:monitor:DataCollectionRule': {
    class: 'DataCollectionRuleResource',
    path: ['dataCollectionRuleName'],
  },
  'azure-native:operationalinsights:Workspace': { class: 'Workspace', path: ['workspaceName'] },
  'azure-native:operationalinsights:Table': {
    class: 'Table',
    path: ['workspaceName', 'tableName'],
  },
};

/**
 * What Azure has added since the newest packages that say such things, by class and property.
 *
 * Source: REST reference of Redis Enterprise, 2025-07-01, "Redis Enterprise - Create", "Databases -
 * Create"; of Azure Monitor, 2022-06-01, "Data Collection Rules - Create".
 */
export const ADDED: Readonly<Record<string, Readonly<Record<string, readonly string[] | 'any'>>>> =
  {
    'redisenterprise.Cluster': {
      highAvailability: ['Enabled', 'Disabled'],
      publicNetworkAccess: ['Enabled', 'Disabled'],
    },
    'redisenterprise.Database': {
      clusteringPolicy: ['EnterpriseCluster', 'OSSCluster', 'NoCluster'],
      accessKeysAuthentication: ['Enabled', 'Disabled'],
    },
    'monitor.DataCollectionRuleResource': {
      dataCollectionEndpointId: 'any',
      streamDeclarations: 'any',
    },
    'monitor.DataFlow': { outputStream: 'any', transformKql: 'any' },
    // "The enum data type is currently deprecated": it names no size of the last years.
    'compute.HardwareProfile': { vmSize: 'any' },
    // Sizes of Azure Managed Redis.
    'redisenterprise.Sku': {
      name: [
        ...[0, 1, 3, 5, 10, 20, 50, 100, 150, 250].map((size) => `Balanced_B${size}`),
        ...[10, 20, 50, 100, 150, 250].map((size) => `MemoryOptimized_M${size}`),
        ...[3, 5, 10, 20, 50, 100, 150, 250].map((size) => `ComputeOptimized_X${size}`),
      ],
    },
  };
