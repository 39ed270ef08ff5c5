import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { Domain, ElasticCluster } from '../../pulumi-azure';
import { at, bootOf, configOf, listAt, rulesOf, scriptOf, secretText } from './support/read';
import { failureOf, inWorld, SUBSCRIPTION, type World } from './support/world';

const domain = Domain.dnsZone('meet.example.com', 'example.com', { termsAgreed: true });

describe('an Elastic cluster of five lines', () => {
  let world: World;
  let url: string | undefined;

  before(async () => {
    world = await inWorld(() => {
      const cluster = new ElasticCluster('meet', {
        location: 'westeurope',
        domain,
        mediaNodes: { minCapacity: 1, maxCapacity: 5 },
      });
      cluster.url.apply((text) => {
        url = text;
      });
    });
  });

  const set = () => world.only('azure-native:compute:VirtualMachineScaleSet').inputs;
  const machine = () => world.only('azure-native:compute:VirtualMachine').inputs;

  test('is found at its name, which points to the address of the Master Node', () => {
    assert.equal(url, 'https://meet.example.com');
    const record = world.only('azure-native:dns:RecordSet').inputs;
    assert.equal(record['relativeRecordSetName'], 'meet');
    assert.equal(at(record, 'aRecords.0.ipv4Address'), '203.0.113.9');
    const nic = world.only('azure-native:network:NetworkInterface').inputs;
    assert.match(String(at(nic, 'ipConfigurations.0.publicIPAddress.id')), /meet-entry-address$/);
  });

  test('has Media Nodes in a Flexible set over zones, with a public address each', () => {
    assert.equal(set()['orchestrationMode'], 'Flexible');
    assert.equal(set()['platformFaultDomainCount'], 1);
    assert.deepEqual(set()['zones'], ['1', '2', '3']);
    assert.deepEqual(set()['sku'], { name: 'Standard_F4s_v2', tier: 'Standard', capacity: 1 });
    assert.equal(at(set(), 'upgradePolicy.mode'), 'Manual');
    const ip =
      'virtualMachineProfile.networkProfile.networkInterfaceConfigurations.0.ipConfigurations.0';
    assert.equal(at(set(), `${ip}.publicIPAddressConfiguration.sku.name`), 'Standard');
    assert.match(String(at(set(), `${ip}.subnet.id`)), /\/subnets\/media$/);
    assert.deepEqual(world.all('azure-native:insights:AutoscaleSetting'), []);
  });

  test('tells the controller its limits by tags, which change no machine', () => {
    assert.deepEqual(set()['tags'], {
      'sluice:min-nodes': '1',
      'sluice:max-nodes': '5',
      'sluice:target-load': '0.6',
      'sluice:headroom-rooms': '2',
    });
  });

  test('lets Azure tell a Media Node 15 minutes before it is deleted by others', () => {
    assert.deepEqual(
      at(set(), 'virtualMachineProfile.scheduledEventsProfile.terminateNotificationProfile'),
      { enable: true, notBeforeTimeout: 'PT15M' },
    );
  });

  test('is deployed only when a call through each machine works', () => {
    const extension = world.only('azure-native:compute:VirtualMachineExtension').inputs;
    const ofSet = at(set(), 'virtualMachineProfile.extensionProfile.extensions.0');
    for (const each of [extension, ofSet]) {
      assert.equal(at(each, 'publisher'), 'Microsoft.Azure.Extensions');
      assert.equal(at(each, 'type'), 'CustomScript');
      assert.match(
        String(at(each, 'settings.commandToExecute')),
        /^timeout 31m .*sluice boot --wait/,
      );
    }
  });

  test('keeps Redis on a disk that outlives the Master Node and the stack', () => {
    const disk = world.only('azure-native:compute:Disk').inputs;
    assert.equal(disk['diskSizeGB'], 20);
    assert.deepEqual(disk['zones'], ['1']);
    assert.deepEqual(machine()['zones'], ['1']);
    const [attached] = listAt(machine(), 'storageProfile.dataDisks');
    assert.equal(at(attached, 'lun'), 0);
    assert.equal(at(attached, 'createOption'), 'Attach');
    assert.equal(at(attached, 'deleteOption'), 'Detach');
    assert.match(String(at(attached, 'managedDisk.id')), /meet-masters-data$/);
    const boot = bootOf(scriptOf(machine()));
    assert.deepEqual(boot['data_volume'], { lun: 0, mount: '/var/lib/sluice' });
    assert.deepEqual(boot['redis'], { server: true });
    for (const name of ['meet-masters', 'meet-media']) {
      assert.equal(configOf(world, name).redis.address, '10.0.64.4:6379');
    }
  });

  test('tells the controller where the set is', () => {
    const { cloud, scaling } = configOf(world, 'meet-masters').sluice;
    assert.equal(cloud.kind, 'azure');
    assert.equal(cloud.subscription, SUBSCRIPTION);
    assert.equal(cloud.resource_group, 'meet-media');
    assert.equal(cloud.media_group, set()['vmScaleSetName']);
    assert.equal(cloud.identity, 'client-of-meet-masters-identity');
    assert.equal(scaling.group, 'azure');
  });

  test('lets the controller act on the resource group of the Media Nodes, where nothing else is', () => {
    const role = world.only('azure-native:authorization:RoleDefinition').inputs;
    const scope = `/subscriptions/${SUBSCRIPTION}/resourceGroups/meet-media`;
    const network = `/subscriptions/${SUBSCRIPTION}/resourceGroups/meet`;
    assert.deepEqual(role['assignableScopes'], [scope, network]);
    const subnet = `${network}/providers/Microsoft.Network/virtualNetworks/meet-network-vnet/subnets/media`;
    assert.equal(
      world.only('azure-native:authorization:RoleAssignment', '-join').inputs['scope'],
      subnet,
    );
    assert.deepEqual(at(role, 'permissions.0.actions'), [
      'Microsoft.Compute/virtualMachineScaleSets/read',
      'Microsoft.Compute/virtualMachineScaleSets/write',
      'Microsoft.Compute/virtualMachineScaleSets/virtualMachines/read',
      'Microsoft.Compute/virtualMachines/read',
      'Microsoft.Compute/virtualMachines/instanceView/read',
      'Microsoft.Compute/virtualMachines/delete',
      'Microsoft.Compute/virtualMachines/write',
      'Microsoft.ManagedIdentity/userAssignedIdentities/assign/action',
      'Microsoft.Network/applicationSecurityGroups/joinIpConfiguration/action',
      'Microsoft.Network/networkSecurityGroups/join/action',
      'Microsoft.Network/virtualNetworks/subnets/join/action',
    ]);
    const inGroup = world
      .all('azure-native:authorization:RoleAssignment')
      .filter(({ inputs }) => inputs['scope'] === scope);
    assert.deepEqual(
      inGroup.map(({ inputs }) => inputs['principalId']),
      ['principal-of-meet-masters-identity'],
    );
    assert.equal(machine()['resourceGroupName'], 'meet');
  });

  test('lets machines read their own secrets and files, and nothing else', () => {
    const scopes = (owner: string) =>
      world
        .all('azure-native:authorization:RoleAssignment')
        .filter(({ inputs }) => inputs['principalId'] === `principal-of-meet-${owner}-identity`)
        .map(({ inputs }) => String(inputs['scope']).replace(/^.*\//, ''))
        .sort();
    const both = ['api-key', 'cluster-secret', 'redis-password'];
    assert.deepEqual(scopes('media'), [...both, 'config-media', 'node-files'].sort());
    assert.deepEqual(
      scopes('masters'),
      [...both, 'config-master', 'node-files', 'meet-media', 'media'].sort(),
    );
  });

  test('opens what PORT_USES says, as ranges, and closes the virtual network', () => {
    const media = world.only('azure-native:network:NetworkSecurityGroup', 'media-rules');
    const nodes = 'meet-media-nodes+meet-masters-nodes';
    assert.deepEqual(rulesOf(media), [
      `Allow tcp 7880 from ${nodes}`,
      `Allow tcp 7870 from ${nodes}`,
      'Allow udp 50000-50063 from *',
      'Allow tcp 7881-7944 from *',
      'Allow udp 3478 from *',
      'Allow tcp 3478 from *',
      'Allow udp 443 from *',
      `Allow udp 30000-39999 from ${nodes}`,
      `Allow udp 40000-40999 from ${nodes}`,
      'Deny * * from VirtualNetwork',
    ]);
    const masters = world.only('azure-native:network:NetworkSecurityGroup', 'masters-rules');
    assert.deepEqual(rulesOf(masters), [
      'Allow tcp 443 from *',
      'Allow tcp 80 from *',
      'Allow tcp 7444 from AzureLoadBalancer',
      'Allow tcp 6379 from meet-masters-nodes+meet-media-nodes',
      'Deny * * from VirtualNetwork',
    ]);
  });

  test('has no secret in custom data, in sluice.yaml or in tags', () => {
    const secrets = world
      .all('azure-native:keyvault:Secret')
      .filter(({ inputs }) => at(inputs, 'properties.contentType') !== 'application/yaml')
      .map(secretText);
    assert.equal(secrets.length, 3);
    const told = [
      scriptOf(machine()),
      scriptOf(at(set(), 'virtualMachineProfile')),
      JSON.stringify(set()['tags']),
      ...world
        .all('azure-native:keyvault:Secret')
        .filter(({ name }) => name.endsWith('-config-secret'))
        .map(secretText),
    ].join('\n');
    for (const secret of secrets) assert.ok(!told.includes(secret));
  });

  test('lets nobody log in', () => {
    assert.match(scriptOf(machine()), /^systemctl disable --quiet --now ssh/m);
    assert.equal(at(machine(), 'osProfile.linuxConfiguration.disablePasswordAuthentication'), true);
    assert.match(
      String(at(machine(), 'osProfile.linuxConfiguration.ssh.publicKeys.0.keyData')),
      /^ssh-ed25519 AAAA/,
    );
  });
});

describe('an Elastic cluster', () => {
  test('says all that is wrong at once, before anything is made', async () => {
    const failure = await failureOf(
      () =>
        new ElasticCluster('meet', {
          domain: Domain.letsEncrypt('https://meet', { termsAgreed: false }),
          masterNodes: { count: 3 },
          mediaNodes: {
            minCapacity: 5,
            maxCapacity: 2,
            drain: { patienceMinutes: 90, deadlineMinutes: 60 },
            scaling: { targetLoad: 6 },
          },
        }),
    );
    assert.match(failure, /^meet: /);
    for (const part of [
      /masterNodes\.count: got 3, allowed is 1 in an ElasticCluster; leave it out/,
      /minCapacity and maxCapacity: got minCapacity 5, maxCapacity 2/,
      /drain\.patienceMinutes and drain\.deadlineMinutes: got/,
      /scaling\.targetLoad: got 6, allowed is a number from 0\.05 to 1/,
      /domain: got "https:\/\/meet", allowed is a host name/,
      /termsAgreed: true, once you have read/,
    ]) {
      assert.match(failure, part);
    }
  });
});
