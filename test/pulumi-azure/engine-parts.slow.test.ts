/** A part of a running cluster is exchanged for one of yours: over the real engine of Pulumi. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { OwnProgram } from './support/engine/own-program';

const MINE = '/subscriptions/s/resourceGroups/mine/providers';
const VNET = `${MINE}/Microsoft.Network/virtualNetworks/ours`;
/** What has to outlive the exchange of anything else. */
const KEPT = ['meet-masters-data', 'meet-secrets-cluster', 'meet-redis', 'meet-media-set'];

describe('a running Elastic cluster that is given a part of yours', {
  timeout: 15 * 60_000,
}, () => {
  let program: OwnProgram;
  let options: Record<string, string> = {
    domain: 'domain: Domain.none()',
    image: `image: NodeImage.fromImage('${MINE}/Microsoft.Compute/images/sluice')`,
  };

  const change = (changes: Record<string, string>): string[] => {
    options = { ...options, ...changes };
    program.write('ElasticCluster', Object.values(options).join(', '));
    const steps = program.pulumi.up();
    for (const name of KEPT) {
      for (const lost of ['replace', 'delete']) assert.ok(!steps.includes(`${lost} ${name}`), name);
    }
    return steps;
  };

  before(() => {
    program = new OwnProgram();
    change({});
  });

  after(() => program.close());

  test('a public address: the machine stays, and so does what else it has', () => {
    const address = `${MINE}/Microsoft.Network/publicIPAddresses/ours`;
    const entry = `entry: ClusterEntry.onMasterNode({ publicIpAddressId: '${address}' })`;
    assert.deepEqual(change({ entry }), [
      'delete meet-entry-address',
      'update meet-masters-interface',
    ]);
  });

  test('a Key Vault: the secrets are the same, and the machine is replaced at its disk', () => {
    const vault = `${MINE}/Microsoft.KeyVault/vaults/ours`;
    const secrets = `secrets: { existingVault: { vaultId: later('${vault}') } }`;
    const words = () =>
      Object.values(program.pulumi.azure.read())
        .filter(({ name }) => /-(?:cluster|api-key)-secret$/.test(name))
        .map(({ inputs }) => JSON.stringify(inputs['properties']))
        .sort();
    const before = words();
    assert.equal(before.length, 2);
    const steps = change({ secrets });
    assert.deepEqual(words(), before);
    for (const step of ['delete meet-secrets-vault', 'replace meet-masters-machine']) {
      assert.ok(steps.includes(step), String(steps));
    }
  });

  test('a network: Azure moves no machine to another one, nothing is lost, and the way back is open', () => {
    const ids = () =>
      Object.keys(program.pulumi.azure.read()).filter((id) => !id.includes('/RoleAssignment/'));
    const before = ids().sort();
    const existing = `{ virtualNetworkId: '${VNET}', mediaSubnetId: '${VNET}/subnets/a' }`;
    const without = options;
    assert.throws(
      () => change({ network: `existingNetwork: ${existing}` }),
      /SubnetsNotInSameVnet/,
    );
    assert.deepEqual(ids().sort(), before);
    options = without;
    change({});
    assert.deepEqual(ids().sort(), before);
  });
});
