import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { ClusterEntry, Domain, HighAvailabilityCluster } from '../../pulumi-azure';
import { at, bootOf, configOf, listAt, rulesOf, scriptOf } from './support/read';
import { failureOf, inWorld, SUBSCRIPTION, type World } from './support/world';

const domain = Domain.dnsZone('meet.example.com', 'example.com', { termsAgreed: true });
const IP =
  'virtualMachineProfile.networkProfile.networkInterfaceConfigurations.0.ipConfigurations.0';

describe('a High Availability cluster', () => {
  let world: World;

  before(async () => {
    world = await inWorld(() => {
      new HighAvailabilityCluster('meet', { location: 'westeurope', domain });
    });
  });

  const masters = () =>
    world.only('azure-native:compute:VirtualMachineScaleSet', 'masters-set').inputs;

  test('has 3 Master Nodes over zones, without public addresses, behind the load balancer', () => {
    assert.equal(at(masters(), 'sku.capacity'), 3);
    assert.deepEqual(masters()['zones'], ['1', '2', '3']);
    assert.equal(at(masters(), `${IP}.publicIPAddressConfiguration`), undefined);
    assert.match(
      String(at(masters(), `${IP}.loadBalancerBackendAddressPools.0.id`)),
      /\/loadBalancers\/meet-entry-a1b2c3d4\/backendAddressPools\/masters$/,
    );
    assert.deepEqual(world.all('azure-native:compute:VirtualMachine'), []);
  });

  test('replaces Master Nodes one after the other, and those that are dead', () => {
    assert.equal(at(masters(), 'upgradePolicy.mode'), 'Rolling');
    assert.equal(at(masters(), 'upgradePolicy.rollingUpgradePolicy.maxSurge'), true);
    assert.equal(at(masters(), 'automaticRepairsPolicy.repairAction'), 'Replace');
    const [ready, health] = listAt(masters(), 'virtualMachineProfile.extensionProfile.extensions');
    assert.equal(at(ready, 'type'), 'CustomScript');
    assert.equal(at(health, 'type'), 'ApplicationHealthLinux');
  });

  test('passes TCP on to machines that are well, resets silent connections, and gives a way out', () => {
    const balancer = world.only('azure-native:network:LoadBalancer').inputs;
    assert.equal(at(balancer, 'sku.name'), 'Standard');
    const rules = listAt(balancer, 'loadBalancingRules').map((rule) => [
      at(rule, 'protocol'),
      at(rule, 'frontendPort'),
      at(rule, 'backendPort'),
      at(rule, 'idleTimeoutInMinutes'),
      at(rule, 'enableTcpReset'),
      at(rule, 'disableOutboundSnat'),
    ]);
    assert.deepEqual(rules, [
      ['Tcp', 443, 443, 30, true, true],
      ['Tcp', 80, 80, 30, true, true],
    ]);
    assert.equal(at(balancer, 'probes.0.port'), 7444);
    assert.equal(at(balancer, 'probes.0.protocol'), 'Http');
    assert.equal(at(balancer, 'outboundRules.0.protocol'), 'All');
    const prefix = `/subscriptions/${SUBSCRIPTION}/resourceGroups/meet/providers/Microsoft.Network/loadBalancers/${balancer['loadBalancerName']}`;
    assert.equal(
      at(balancer, 'loadBalancingRules.0.frontendIPConfiguration.id'),
      `${prefix}/frontendIPConfigurations/clients`,
    );
    assert.equal(at(balancer, 'loadBalancingRules.0.probe.id'), `${prefix}/probes/node`);
  });

  test('ends TLS on the Master Nodes, which answer the probe beside it', () => {
    const boot = bootOf(scriptOf(at(masters(), 'virtualMachineProfile')));
    assert.deepEqual(boot['entry'], {
      tls: true,
      port: 443,
      redirect: true,
      health_port: 7444,
      lets_encrypt: { domain: 'meet.example.com', terms_agreed: true, awaited: true },
    });
    assert.deepEqual(
      rulesOf(world.only('azure-native:network:NetworkSecurityGroup', 'masters-rules')),
      [
        'Allow tcp 443 from *',
        'Allow tcp 80 from *',
        'Allow tcp 7444 from AzureLoadBalancer',
        'Deny * * from VirtualNetwork',
      ],
    );
  });

  test('has a Redis that one client fits, with TLS, in the virtual network alone', () => {
    const redis = world.only('azure-native:redisenterprise:RedisEnterprise').inputs;
    assert.equal(redis['highAvailability'], 'Enabled');
    assert.equal(redis['publicNetworkAccess'], 'Disabled');
    assert.equal(redis['minimumTlsVersion'], '1.2');
    const database = world.only('azure-native:redisenterprise:Database').inputs;
    assert.equal(database['clusteringPolicy'], 'NoCluster');
    assert.equal(database['clientProtocol'], 'Encrypted');
    assert.equal(database['evictionPolicy'], 'NoEviction');
    for (const name of ['meet-masters', 'meet-media']) {
      const config = configOf(world, name).redis;
      assert.equal(config.address, 'meet-redis-redis.westeurope.redis.azure.net:10000');
      assert.equal(config.tls.enabled, true);
      assert.deepEqual(config.cluster_addresses, []);
    }
    const endpoint = world.only('azure-native:network:PrivateEndpoint').inputs;
    assert.match(String(at(endpoint, 'subnet.id')), /\/subnets\/data$/);
    const secret = world.only('azure-native:keyvault:Secret', 'redis-password').inputs;
    assert.equal(at(secret, 'properties.value'), 'a-key-of-redis');
  });

  test('refuses one Master Node, and an entry on it', async () => {
    const failure = await failureOf(
      () =>
        new HighAvailabilityCluster('meet', {
          domain,
          masterNodes: { count: 1 },
          entry: ClusterEntry.onMasterNode(),
        }),
    );
    assert.match(failure, /masterNodes\.count: got 1, allowed is 2 or more/);
    assert.match(failure, /entry: got ClusterEntry\.onMasterNode\(\), allowed is a load balancer/);
  });
});

describe('a High Availability cluster with a Redis of yours', () => {
  test('makes none, and keeps its password in the vault', async () => {
    const world = await inWorld(() => {
      new HighAvailabilityCluster('meet', {
        domain,
        redis: { host: 'redis.example.com', password: 'of-yours', clusterMode: true },
      });
    });
    assert.deepEqual(world.all('azure-native:redisenterprise:RedisEnterprise'), []);
    assert.deepEqual(configOf(world, 'meet-media').redis.cluster_addresses, [
      'redis.example.com:6379',
    ]);
    const secret = world.only('azure-native:keyvault:Secret', 'redis-password').inputs;
    assert.equal(at(secret, 'properties.value'), 'of-yours');
  });
});
