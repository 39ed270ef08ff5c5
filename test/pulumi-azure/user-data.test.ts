import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { before, describe, test } from 'node:test';
import { Domain, ElasticCluster, NodeImage } from '../../pulumi-azure';
import { readyCommand } from '../../pulumi-azure/private/user-data';
import { at, bootOf, scriptOf } from './support/read';
import { ALL_KINDS, shipped } from './support/shipped';
import { inWorld } from './support/world';

function shellcheck(script: string): string {
  const { stdout, error } = spawnSync('shellcheck', ['-s', 'bash', '-'], { input: script });
  if (error) throw error;
  return stdout.toString();
}

describe('what a machine runs first', () => {
  for (const kind of ALL_KINDS) {
    test(`is clean shell, and tells the node what it takes, in a ${kind}`, async () => {
      const world = await shipped(kind);
      const scripts = [
        ...world.all('azure-native:compute:VirtualMachine').map(({ inputs }) => scriptOf(inputs)),
        ...world
          .all('azure-native:compute:VirtualMachineScaleSet')
          .map(({ inputs }) => scriptOf(at(inputs, 'virtualMachineProfile'))),
      ];
      assert.ok(scripts.length > 0);
      for (const script of scripts) {
        assert.equal(shellcheck(script), '');
        assert.equal(bootOf(script)['cloud'], 'azure');
        assert.ok(Buffer.byteLength(script) < 49_000);
      }
    });
  }

  test('is told to who waits for the machine, where it fails', () => {
    // What is within its quotes is for the shell that it starts.
    assert.equal(shellcheck(`#!/bin/bash\n# shellcheck disable=SC2016\n${readyCommand(30)}\n`), '');
    assert.match(readyCommand(30), /sluice boot --wait --within 30m'$/);
    assert.match(
      readyCommand(30),
      /the first boot failed at \$\(cat \/run\/sluice-first-boot-failed\)/,
    );
  });
});

describe('with an image that has all in it', () => {
  let script: string;

  before(async () => {
    const world = await inWorld(() => {
      new ElasticCluster('meet', {
        domain: Domain.certificate('meet.example.com', {
          vaultUri: 'https://other.vault.azure.net',
          vaultId: '/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/other',
          secretName: 'meet',
        }),
        image: NodeImage.fromImage('/subscriptions/s/images/sluice'),
        masterNodes: { sshPublicKey: 'ssh-ed25519 AAAA me' },
      });
    });
    assert.deepEqual(world.all('azure-native:storage:StorageAccount'), []);
    const machine = world.only('azure-native:compute:VirtualMachine').inputs;
    assert.equal(at(machine, 'storageProfile.imageReference.id'), '/subscriptions/s/images/sluice');
    script = scriptOf(machine);
  });

  test('nothing is fetched and installed', () => {
    assert.doesNotMatch(script, /apt-get|curl .*blob/);
  });

  test('a secret of another vault is named by its URL', () => {
    const secrets = bootOf(script)['secrets'];
    assert.equal(at(secrets, 'certificate'), 'https://other.vault.azure.net/secrets/meet');
    assert.equal(at(secrets, 'api_key'), 'api-key');
  });

  test('SSH runs where somebody has a key', () => {
    assert.doesNotMatch(script, /systemctl disable/);
  });
});
