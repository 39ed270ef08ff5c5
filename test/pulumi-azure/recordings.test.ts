/** Where recordings are kept: of one's own, or of somebody else's. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { Domain, ElasticCluster, Jobs, Recordings, RecordingsStore } from '../../pulumi-azure';
import { at, configOf } from './support/read';
import { failureOf, inWorld, PLACE, type World } from './support/world';

const ROLE = 'azure-native:authorization:RoleAssignment';
const VAULT = '/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/ours';
const CONTAINER =
  '/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/ours/blobServices/default/containers/talks';

describe('a store of recordings', () => {
  let world: World;

  before(async () => {
    world = await inWorld(() => {
      new RecordingsStore('talks', PLACE);
    });
  });

  const account = () => world.only('azure-native:storage:StorageAccount').inputs;

  test('lets in who has a role, by TLS, and nobody else', () => {
    const { sku, encryption, ...inputs } = account();
    for (const [key, value] of [
      ['allowBlobPublicAccess', false],
      ['allowSharedKeyAccess', false],
      ['allowCrossTenantReplication', false],
      ['enableHttpsTrafficOnly', true],
      ['minimumTlsVersion', 'TLS1_2'],
    ] as const) {
      assert.equal(inputs[key], value, key);
    }
    assert.deepEqual(sku, { name: 'Standard_ZRS' });
    assert.equal(at(encryption, 'keySource'), 'Microsoft.Storage');
    const container = world.only('azure-native:storage:BlobContainer').inputs;
    assert.equal(container['publicAccess'], 'None');
    assert.deepEqual(world.all(ROLE), []);
  });

  test('keeps them for ever, what is deleted for a week, and all of it when the stack is deleted', () => {
    assert.deepEqual(world.all('azure-native:storage:ManagementPolicy'), []);
    const { inputs } = world.only('azure-native:storage:BlobServiceProperties');
    for (const kind of ['deleteRetentionPolicy', 'containerDeleteRetentionPolicy']) {
      assert.deepEqual(inputs[kind], { enabled: true, days: 7 });
    }
    const kept = [...world.registrations].filter(([key]) => key.includes(':storage:'));
    assert.equal(kept.length, 3);
    for (const [key, { retainOnDelete }] of kept) assert.equal(retainOnDelete, true, key);
  });

  test('deletes them after as many days as it is told, and goes with the stack where it is told', async () => {
    const short = await inWorld(() => {
      new RecordingsStore('talks', { ...PLACE, retentionDays: 30, retain: false });
    });
    const rule = at(short.only('azure-native:storage:ManagementPolicy').inputs, 'policy.rules.0');
    assert.deepEqual(at(rule, 'definition'), {
      filters: { blobTypes: ['blockBlob'], prefixMatch: ['recordings/'] },
      actions: { baseBlob: { delete: { daysAfterModificationGreaterThan: 30 } } },
    });
    const kept = [...short.registrations.values()].filter((each) => each.retainOnDelete);
    assert.deepEqual(kept, []);
  });

  test('is encrypted by a key of yours, which it may wrap by and nothing else', async () => {
    const keyed = await inWorld(() => {
      const encryptionKey = { vaultId: VAULT, keyName: 'talks' };
      new RecordingsStore('talks', { ...PLACE, encryptionKey });
    });
    const { inputs } = keyed.only('azure-native:storage:StorageAccount');
    const identity = String(at(inputs, 'identity.userAssignedIdentities.0'));
    assert.match(identity, /talks-key-identity$/);
    assert.deepEqual(at(inputs, 'encryption.keyVaultProperties'), {
      keyName: 'talks',
      keyVaultUri: 'https://ours.vault.azure.net',
    });
    assert.equal(
      at(inputs, 'encryption.encryptionIdentity.encryptionUserAssignedIdentity'),
      identity,
    );
    const grant = keyed.only(ROLE).inputs;
    assert.equal(grant['scope'], `${VAULT}/keys/talks`);
    assert.match(String(grant['roleDefinitionId']), /\/e147488a-f6f5-4113-8e2d-b22465e65bf6$/);
    // Without it what was kept could not be read.
    const { retainOnDelete } = keyed.registrations.get(`${ROLE} talks-use-key`) ?? {};
    assert.equal(retainOnDelete, true);
  });

  test('tells all that is wrong with it', async () => {
    const failure = await failureOf(() => {
      const wrong = { retentionDays: 0.5, redundancy: 'RAID', retain: 'yes' };
      const encryptionKey = { vaultId: 'ours', keyName: 'a/b' };
      new RecordingsStore('talks', { ...PLACE, ...wrong, encryptionKey } as never);
    });
    assert.match(failure, /recordings\.retentionDays: got 0\.5, allowed is a whole number/);
    assert.match(failure, /recordings\.redundancy: got "RAID", allowed is one of LRS, ZRS/);
    assert.match(failure, /recordings\.retain: got "yes", allowed is true or false/);
    assert.match(failure, /recordings\.encryptionKey\.keyName: got "a\/b", allowed is the name/);
    const vault = await failureOf(() => {
      const encryptionKey = { vaultId: 'ours', keyName: 'talks' };
      new RecordingsStore('talks', { ...PLACE, encryptionKey });
    });
    assert.match(vault, /recordings\.encryptionKey\.vaultId: got "ours", allowed is the id/);
  });
});

describe('a container of yours', () => {
  test('is written to by the Media Nodes, and not changed', async () => {
    const world = await inWorld(() => {
      const recordings = Recordings.existing({ containerId: CONTAINER });
      const mediaNodes = { jobs: Jobs.builtIn({ recordings }) };
      const cluster = new ElasticCluster('meet', { domain: Domain.none(), mediaNodes });
      assert.ok(cluster.recordings);
    });
    const grant = world.only(ROLE, 'write-recordings').inputs;
    assert.equal(grant['scope'], CONTAINER);
    assert.equal(grant['principalId'], 'principal-of-meet-media-identity');
    assert.equal(world.all('azure-native:storage:StorageAccount').length, 1);
    const { azure } = configOf(world, 'meet-media').egress.storage;
    assert.deepEqual([azure.account_name, azure.container_name], ['ours', 'talks']);
  });

  test('may be a store that several clusters share', async () => {
    const world = await inWorld(() => {
      const recordings = Recordings.existing(new RecordingsStore('talks', PLACE));
      const mediaNodes = { jobs: Jobs.builtIn({ recordings }) };
      new ElasticCluster('one', { domain: Domain.none(), mediaNodes });
    });
    const made = world.only('azure-native:storage:BlobContainer', 'talks-container');
    assert.equal(made.inputs['containerName'], 'recordings');
    assert.ok(world.only(ROLE, 'one-media-machines-write-recordings'));
  });
});
