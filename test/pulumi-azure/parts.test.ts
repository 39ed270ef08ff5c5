import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  ClusterSecrets,
  Domain,
  ElasticCluster,
  Network,
  NodeSettings,
  Turn,
} from '../../pulumi-azure';
import { at, configOf, rulesOf } from './support/read';
import { failureOf, inWorld, PLACE } from './support/world';

const GROUP = '/subscriptions/s/resourceGroups/ours/providers';
const VNET = `${GROUP}/Microsoft.Network/virtualNetworks/ours`;

describe('a network', () => {
  test('of its own has subnets of which none has a way out by default', async () => {
    const world = await inWorld(
      () => new Network('net', { ...PLACE, addressSpace: '10.8.0.0/20' }),
    );
    const { inputs } = world.only('azure-native:network:VirtualNetwork');
    assert.deepEqual(inputs['subnets'], [
      { name: 'media', addressPrefix: '10.8.0.0/22', defaultOutboundAccess: false },
      { name: 'masters', addressPrefix: '10.8.4.0/22', defaultOutboundAccess: false },
      { name: 'data', addressPrefix: '10.8.8.0/22', defaultOutboundAccess: false },
    ]);
  });

  test('of yours is used as it is', async () => {
    const world = await inWorld(() => {
      const existing = { virtualNetworkId: VNET, mediaSubnetId: `${VNET}/subnets/one` };
      new ElasticCluster('meet', { domain: Domain.none(), existingNetwork: existing });
    });
    assert.deepEqual(world.all('azure-native:network:VirtualNetwork'), []);
    const nic = world.only('azure-native:network:NetworkInterface').inputs;
    assert.equal(at(nic, 'ipConfigurations.0.subnet.id'), `${VNET}/subnets/one`);
  });

  test('refuses what is no network at once, and ids that are none in preview', async () => {
    const plain = await failureOf(
      () => new Network('net', { ...PLACE, addressSpace: '10.0.0.1/16' }),
    );
    assert.match(plain, /addressSpace: got "10\.0\.0\.1\/16", allowed is a network of IPv4/);
    const later = await failureOf(
      () =>
        new ElasticCluster('meet', {
          domain: Domain.none(),
          existingNetwork: { virtualNetworkId: 'ours', mediaSubnetId: `${VNET}/subnets/one` },
        }),
    );
    assert.match(later, /existing\.virtualNetworkId: got "ours", allowed is the id of a virtual/);
  });
});

describe('secrets', () => {
  test('go into a vault of yours under names of their own', async () => {
    const world = await inWorld(
      () =>
        new ClusterSecrets('meet-secrets', {
          ...PLACE,
          existingVault: { vaultId: `${GROUP}/Microsoft.KeyVault/vaults/ours` },
          apiKey: { key: 'APImine', secret: 'of-32-characters-or-more-in-all-cases' },
        }),
    );
    assert.deepEqual(world.all('azure-native:keyvault:Vault'), []);
    const { inputs } = world.only('azure-native:keyvault:Secret', 'api-key-secret');
    assert.equal(inputs['vaultName'], 'ours');
    assert.equal(inputs['resourceGroupName'], 'ours');
    assert.equal(inputs['secretName'], 'meet-secrets-api-key');
    assert.deepEqual(JSON.parse(String(at(inputs, 'properties.value'))), {
      key: 'APImine',
      secret: 'of-32-characters-or-more-in-all-cases',
    });
  });

  test('that are too short are refused in preview, and not shown', async () => {
    const failure = await failureOf(
      () => new ClusterSecrets('meet-secrets', { ...PLACE, clusterSecret: 'not-to-be-seen' }),
    );
    assert.match(failure, /clusterSecret: got a secret \(not shown\), allowed is 32 characters/);
    assert.doesNotMatch(failure, /not-to-be-seen/);
  });
});

describe('a domain', () => {
  test('that is not in its zone is refused in preview', async () => {
    const failure = await failureOf(
      () =>
        new ElasticCluster('meet', {
          domain: Domain.dnsZone('meet.example.org', 'example.com', { termsAgreed: true }),
        }),
    );
    assert.match(failure, /domain and zone: got meet\.example\.org in the zone example\.com/);
  });
});

describe('TURN', () => {
  test('of yours closes the ports of the own one, and keeps its secret in the vault', async () => {
    const world = await inWorld(() => {
      const turn = Turn.existing(
        [{ host: 'turn.example.com', protocol: 'tls' }],
        'shared-with-turn',
      );
      new ElasticCluster('meet', { domain: Domain.none(), turn });
    });
    const open = rulesOf(world.only('azure-native:network:NetworkSecurityGroup', 'media-rules'));
    assert.ok(!open.some((rule) => /3478|30000/.test(rule)));
    const { rtc, turn } = configOf(world, 'meet-media');
    assert.equal(turn.enabled, false);
    assert.equal(rtc.turn_servers[0]?.host, 'turn.example.com');
    const { inputs } = world.only('azure-native:keyvault:Secret', 'turn-secret');
    assert.equal(at(inputs, 'properties.value'), 'shared-with-turn');
  });
});

describe('settings', () => {
  test('with unknown keys, and secrets, are refused', async () => {
    const failure = await failureOf(() => {
      new ElasticCluster('meet', {
        domain: Domain.none(),
        settings: NodeSettings.fromObject({ romm: {}, keys: { key: 'not-to-be-seen-by-anybody' } }),
      });
    });
    assert.match(failure, /settings: got the unknown key romm/);
    assert.match(failure, /settings\.keys: got a secret \(not shown\).*keep it in Key Vault/);
    assert.doesNotMatch(failure, /not-to-be-seen/);
  });
});
