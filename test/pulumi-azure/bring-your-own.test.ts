/** What there is already is used as it is, what is asked for is made so, and nothing is made twice. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  ClusterEntry,
  Domain,
  ElasticCluster,
  type ElasticClusterArgs,
  HighAvailabilityCluster,
  type MachineIdentity,
  Network,
  NodeImage,
  RedisStore,
  SingleNode,
} from '../../pulumi-azure';
import { at, bootOf, configOf, listAt, rulesOf, scriptOf } from './support/read';
import { failureOf, inWorld, PLACE, type World } from './support/world';

const OURS = '/subscriptions/s/resourceGroups/ours/providers';
const VNET = `${OURS}/Microsoft.Network/virtualNetworks/ours`;
const ADDRESS = `${OURS}/Microsoft.Network/publicIPAddresses/ours`;
const VAULT = `${OURS}/Microsoft.KeyVault/vaults/ours`;
const IMAGE = `${OURS}/Microsoft.Compute/galleries/ours/images/sluice/versions/1.0.0`;
const group = (name: string) => `${OURS}/Microsoft.Network/networkSecurityGroups/${name}`;

const location = 'westeurope';
const image = NodeImage.fromImage(IMAGE);
const domain = Domain.none();

const elastic = (args: Partial<ElasticClusterArgs> = {}): Promise<World> =>
  inWorld(() => {
    new ElasticCluster('meet', { location, domain, image, ...args });
  });
const highly = (args: Partial<ElasticClusterArgs> = {}): Promise<World> =>
  inWorld(() => {
    new HighAvailabilityCluster('meet', { location, domain, image, ...args });
  });

const machineOf = (world: World) => world.only('azure-native:compute:VirtualMachine').inputs;
const setOf = (world: World, ending = 'media-set') =>
  world.only('azure-native:compute:VirtualMachineScaleSet', ending).inputs;
const PROFILE = 'virtualMachineProfile';
const NIC = `${PROFILE}.networkProfile.networkInterfaceConfigurations.0`;

describe('a resource group', () => {
  test('of yours has all that is made, and one for Media Nodes those', async () => {
    const one = await elastic({ resourceGroupName: 'ours' });
    assert.deepEqual(one.all('azure-native:resources:ResourceGroup'), []);
    const groups = (world: World) =>
      new Set(world.resources.flatMap(({ inputs }) => inputs['resourceGroupName'] ?? []));
    assert.deepEqual([...groups(one)], ['ours']);
    const two = await elastic({ resourceGroupName: 'ours', mediaResourceGroupName: 'media' });
    assert.equal(setOf(two)['resourceGroupName'], 'media');
    assert.equal(machineOf(two)['resourceGroupName'], 'ours');
    assert.deepEqual([...groups(two)].sort(), ['media', 'ours']);
  });

  test('is made by your choices where there is none', async () => {
    const world = await elastic({ tags: { team: 'calls' } });
    const made = world.all('azure-native:resources:ResourceGroup');
    assert.deepEqual(made.map(({ name }) => name).sort(), ['meet', 'meet-data', 'meet-media']);
    for (const { inputs } of made) {
      assert.equal(inputs['location'], location);
      assert.deepEqual(inputs['tags'], { team: 'calls' });
    }
    assert.deepEqual(machineOf(world)['tags'], { team: 'calls' });
  });
});

describe('subnets', () => {
  test('of yours are each for what it was given for', async () => {
    const world = await highly({
      existingNetwork: {
        virtualNetworkId: VNET,
        mediaSubnetId: `${VNET}/subnets/a`,
        masterSubnetId: `${VNET}/subnets/b`,
        dataSubnetId: `${VNET}/subnets/c`,
      },
    });
    assert.deepEqual(world.all('azure-native:network:VirtualNetwork'), []);
    const subnet = `${NIC}.ipConfigurations.0.subnet.id`;
    assert.equal(at(setOf(world), subnet), `${VNET}/subnets/a`);
    assert.equal(at(setOf(world, 'masters-set'), subnet), `${VNET}/subnets/b`);
    const endpoint = world.only('azure-native:network:PrivateEndpoint').inputs;
    assert.equal(at(endpoint, 'subnet.id'), `${VNET}/subnets/c`);
    const link = world.only('azure-native:privatedns:VirtualNetworkLink').inputs;
    assert.equal(at(link, 'virtualNetwork.id'), VNET);
  });

  test('of a network that you have made are shared by clusters', async () => {
    const world = await inWorld(() => {
      const network = new Network('net', { ...PLACE, addressSpace: '10.9.0.0/16' });
      new ElasticCluster('one', { location, domain, image, network });
      new SingleNode('two', { location, domain, image, network });
    });
    const { inputs } = world.only('azure-native:network:VirtualNetwork');
    assert.deepEqual(at(inputs, 'addressSpace.addressPrefixes'), ['10.9.0.0/16']);
    for (const nic of world.all('azure-native:network:NetworkInterface')) {
      assert.match(
        String(at(nic.inputs, 'ipConfigurations.0.subnet.id')),
        /\/net-vnet\/subnets\/(?:media|masters)$/,
      );
    }
  });
});

describe('network security groups', () => {
  test('of yours are put before the machines, and none is made', async () => {
    const world = await elastic({
      masterNodes: { networkSecurityGroupId: group('masters') },
      mediaNodes: { networkSecurityGroupId: group('media') },
    });
    assert.deepEqual(world.all('azure-native:network:NetworkSecurityGroup'), []);
    const nic = world.only('azure-native:network:NetworkInterface').inputs;
    assert.equal(at(nic, 'networkSecurityGroup.id'), group('masters'));
    assert.equal(at(setOf(world), `${NIC}.networkSecurityGroup.id`), group('media'));
    const single = await inWorld(() => {
      const networkSecurityGroupId = group('single');
      new SingleNode('meet', { location, domain, image, networkSecurityGroupId });
    });
    assert.deepEqual(single.all('azure-native:network:NetworkSecurityGroup'), []);
  });

  test('are made for one role where the other has one of yours', async () => {
    const world = await elastic({ mediaNodes: { networkSecurityGroupId: group('media') } });
    assert.equal(
      world.only('azure-native:network:NetworkSecurityGroup').name,
      'meet-masters-rules',
    );
  });
});

describe('a public address', () => {
  const ADDRESSES = 'azure-native:network:PublicIPAddress';
  test('of yours is that of the Master Node, of the load balancer, of a Single Node', async () => {
    const ip = 'ipConfigurations.0.publicIPAddress.id';
    const entry = ClusterEntry.onMasterNode({ publicIpAddressId: ADDRESS });
    const master = await elastic({ entry });
    assert.deepEqual(master.all(ADDRESSES), []);
    assert.equal(at(master.only('azure-native:network:NetworkInterface').inputs, ip), ADDRESS);
    const balanced = await highly({
      entry: ClusterEntry.loadBalancer({ publicIpAddressId: ADDRESS }),
    });
    assert.deepEqual(balanced.all(ADDRESSES), []);
    assert.equal(
      at(
        balanced.only('azure-native:network:LoadBalancer').inputs,
        'frontendIPConfigurations.0.publicIPAddress.id',
      ),
      ADDRESS,
    );
    const single = await inWorld(() => {
      new SingleNode('meet', { location, domain, image, publicIpAddressId: ADDRESS });
    });
    assert.deepEqual(single.all(ADDRESSES), []);
    assert.equal(at(single.only('azure-native:network:NetworkInterface').inputs, ip), ADDRESS);
  });

  test('is made in the zones that you say, or in none', async () => {
    const zonesWith = async (zones: string[]) =>
      (await highly({ entry: ClusterEntry.loadBalancer({ zones }) })).only(ADDRESSES).inputs[
        'zones'
      ];
    assert.deepEqual(await zonesWith(['2']), ['2']);
    assert.equal(await zonesWith([]), undefined);
  });
});

describe('a Redis', () => {
  const redis = { host: 'redis.example.com', port: 6380, password: 'of-yours' };

  test('of yours leaves none, and no disk for one, on an Elastic Master Node', async () => {
    const world = await elastic({ redis });
    assert.deepEqual(world.all('azure-native:compute:Disk'), []);
    const boot = bootOf(scriptOf(machineOf(world)));
    assert.equal(boot['redis'], undefined);
    assert.equal(boot['data_volume'], undefined);
    assert.deepEqual(listAt(machineOf(world), 'storageProfile.dataDisks'), []);
    const open = rulesOf(world.only('azure-native:network:NetworkSecurityGroup', 'masters-rules'));
    assert.ok(!open.some((rule) => rule.includes('6379')));
    const nic = world.only('azure-native:network:NetworkInterface').inputs;
    assert.match(String(at(nic, 'ipConfigurations.0.publicIPAddress.id')), /meet-entry-address$/);
    for (const role of ['meet-masters', 'meet-media']) {
      assert.equal(configOf(world, role).redis.address, 'redis.example.com:6380');
    }
  });

  test('of Azure is made as you say, in a private zone of yours', async () => {
    const privateZoneId = `${OURS}/Microsoft.Network/privateDnsZones/privatelink.redis.azure.net`;
    const world = await inWorld(() => {
      const network = new Network('net', PLACE);
      const own = new RedisStore('redis', {
        ...PLACE,
        virtualNetworkId: network.virtualNetworkId,
        subnetId: network.dataSubnetId,
        skuName: 'Balanced_B5',
        privateZoneId,
      });
      new ElasticCluster('meet', { location, domain, image, network, redis: own });
    });
    assert.equal(
      at(world.only('azure-native:redisenterprise:RedisEnterprise').inputs, 'sku.name'),
      'Balanced_B5',
    );
    assert.deepEqual(world.all('azure-native:privatedns:PrivateZone'), []);
    assert.equal(
      configOf(world, 'meet-media').redis.address,
      'redis-redis.westeurope.redis.azure.net:10000',
    );
  });

  test('of its own is on a disk of the Elastic Master Node', async () => {
    const boot = bootOf(scriptOf(machineOf(await elastic({ dataVolume: { sizeGib: 64 } }))));
    assert.deepEqual(boot['redis'], { server: true });
  });
});

describe('a Key Vault', () => {
  test('of yours has the secrets of the cluster, under names of their own', async () => {
    const world = await elastic({
      secrets: { existingVault: { vaultId: VAULT, secretPrefix: 'meet-' } },
    });
    assert.deepEqual(world.all('azure-native:keyvault:Vault'), []);
    for (const { name, inputs } of world.all('azure-native:keyvault:Secret')) {
      assert.equal(inputs['vaultName'], 'ours', name);
      assert.match(String(inputs['secretName']), /^meet-/);
    }
    const boot = bootOf(scriptOf(machineOf(world)));
    assert.equal(boot['vault'], 'https://ours.vault.azure.net');
    assert.equal(at(boot, 'secrets.api_key'), 'meet-api-key');
  });

  test('of its own keeps what was deleted for as long as you say', async () => {
    const world = await elastic({ secrets: { softDeleteDays: 30 } });
    const { inputs } = world.only('azure-native:keyvault:Vault');
    assert.equal(at(inputs, 'properties.softDeleteRetentionInDays'), 30);
  });
});

describe('a certificate and a zone', () => {
  const certificate = {
    vaultId: VAULT,
    vaultUri: 'https://ours.vault.azure.net',
    secretName: 'meet',
  };

  test('of yours are read by the Master Nodes alone, and get the record', async () => {
    const world = await highly({
      domain: Domain.certificate('meet.example.com', certificate, {
        zone: { zoneName: 'example.com', resourceGroupName: 'dns' },
      }),
    });
    const readers = world
      .all('azure-native:authorization:RoleAssignment')
      .filter(({ inputs }) => inputs['scope'] === `${VAULT}/secrets/meet`)
      .map(({ inputs }) => inputs['principalId']);
    assert.deepEqual(readers, ['principal-of-meet-masters-identity']);
    const record = world.only('azure-native:dns:RecordSet').inputs;
    assert.equal(record['resourceGroupName'], 'dns');
    assert.equal(record['zoneName'], 'example.com');
    const boot = bootOf(scriptOf(at(setOf(world, 'masters-set'), PROFILE)));
    assert.equal(at(boot, 'entry.lets_encrypt'), undefined);
  });

  test("of Let's Encrypt go without a zone: you make the record", async () => {
    const world = await highly({
      domain: Domain.letsEncrypt('meet.example.com', { termsAgreed: true }),
    });
    assert.deepEqual(world.all('azure-native:dns:RecordSet'), []);
    const boot = bootOf(scriptOf(at(setOf(world, 'masters-set'), PROFILE)));
    assert.equal(at(boot, 'entry.lets_encrypt.awaited'), false);
  });

  test('are none where nobody wants any', async () => {
    const world = await highly();
    assert.deepEqual(world.all('azure-native:dns:RecordSet'), []);
    const boot = bootOf(scriptOf(at(setOf(world, 'masters-set'), PROFILE)));
    assert.deepEqual(boot['entry'], { tls: false, port: 80, redirect: false, health_port: 7444 });
  });
});

describe('an image', () => {
  const reference = 'storageProfile.imageReference';
  test('of yours has the node in it: nothing is uploaded', async () => {
    const world = await elastic();
    assert.deepEqual(world.all('azure-native:storage:StorageAccount'), []);
    assert.deepEqual(at(machineOf(world), reference), { id: IMAGE });
    assert.deepEqual(at(setOf(world), `${PROFILE}.${reference}`), { id: IMAGE });
  });

  test('is of one role alone where that was said, and gets the files where it has none', async () => {
    const world = await elastic({
      image: NodeImage.fromFiles({ imageId: `${OURS}/images/debian` }),
      mediaNodes: { image },
    });
    assert.equal(world.all('azure-native:storage:StorageAccount').length, 1);
    assert.deepEqual(at(machineOf(world), reference), { id: `${OURS}/images/debian` });
    assert.deepEqual(at(setOf(world), `${PROFILE}.${reference}`), { id: IMAGE });
  });

  test('is Debian 12 where none was given', async () => {
    const world = await inWorld(() => {
      new ElasticCluster('meet', { location, domain });
    });
    assert.equal(at(machineOf(world), `${reference}.offer`), 'debian-12');
  });
});

describe('an identity', () => {
  const identity = (name: string): MachineIdentity => ({
    id: `${OURS}/Microsoft.ManagedIdentity/userAssignedIdentities/${name}`,
    principalId: `principal-of-${name}`,
    clientId: `client-of-${name}`,
  });

  test('of yours is that of the machines, and gets the rights of a new one', async () => {
    const world = await elastic({
      masterNodes: { identity: identity('masters') },
      mediaNodes: { identity: identity('media') },
    });
    assert.deepEqual(world.all('azure-native:managedidentity:UserAssignedIdentity'), []);
    const rights = (all: World, start: string) =>
      all
        .all('azure-native:authorization:RoleAssignment')
        .filter(({ inputs }) => String(inputs['principalId']).startsWith(start))
        .map(({ inputs }) => String(inputs['scope']).replace(/^.*\//, ''))
        .sort();
    const usual = await elastic();
    for (const role of ['masters', 'media']) {
      assert.deepEqual(
        rights(world, `principal-of-${role}`),
        rights(usual, `principal-of-meet-${role}-identity`),
      );
    }
    assert.deepEqual(at(machineOf(world), 'identity.userAssignedIdentities'), [
      identity('masters').id,
    ]);
    assert.equal(configOf(world, 'meet-masters').sluice.cloud.identity, 'client-of-masters');
    assert.equal(bootOf(scriptOf(machineOf(world)))['identity'], 'client-of-masters');
  });

  test('is not one for both: Media Nodes would have the rights of the controller', async () => {
    const both = { identity: identity('both') };
    const failure = await failureOf(
      () => new ElasticCluster('meet', { location, domain, masterNodes: both, mediaNodes: both }),
    );
    assert.match(failure, /masterNodes\.identity and mediaNodes\.identity: got the same one/);
  });
});
