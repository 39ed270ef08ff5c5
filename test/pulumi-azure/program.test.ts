import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import * as pulumi from '@pulumi/pulumi';
import { PROGRAM_KEYS, programSettings } from '../../pulumi-azure/program/settings';
import { deploy } from '../../pulumi-azure/program/stack';
import { at, bootOf, configOf, listAt, scriptOf } from './support/read';
import { failureOf, inWorld } from './support/world';

const program = (config: Record<string, string>) => () => {
  pulumi.runtime.setAllConfig(
    Object.fromEntries(Object.entries(config).map(([key, value]) => [`sluice:${key}`, value])),
  );
  deploy(programSettings());
};

afterEach(() => {
  pulumi.runtime.setAllConfig({});
});

describe('the stack that is ready', () => {
  test('is an Elastic cluster, and needs no configuration', async () => {
    const world = await inWorld(program({}));
    assert.ok(world.only('sluice:azure:ElasticCluster'));
    const set = world.only('azure-native:compute:VirtualMachineScaleSet').inputs;
    assert.equal(at(set, 'tags.sluice:max-nodes'), '4');
  });

  test('is resized by its configuration', async () => {
    const world = await inWorld(
      program({ mediaNodesMaxCapacity: '10', mediaNodesHeadroomRooms: '5', zones: '["1"]' }),
    );
    const set = world.only('azure-native:compute:VirtualMachineScaleSet').inputs;
    assert.equal(at(set, 'tags.sluice:max-nodes'), '10');
    assert.equal(at(set, 'tags.sluice:headroom-rooms'), '5');
    assert.deepEqual(set['zones'], ['1']);
  });

  test('comes in all sizes', async () => {
    const single = await inWorld(program({ kind: 'singleNode' }));
    assert.ok(single.only('sluice:azure:SingleNode'));
    const available = await inWorld(program({ kind: 'highAvailability' }));
    assert.ok(available.only('sluice:azure:HighAvailabilityCluster'));
  });

  test('refuses keys that nobody reads, and kinds that there are not', async () => {
    const misspelt = await failureOf(program({ mediaNodeMaxCapacity: '10' }));
    assert.match(misspelt, /got sluice:mediaNodeMaxCapacity, allowed is one of kind, /);
    assert.match(misspelt, /mediaNodesMaxCapacity/);
    const kind = await failureOf(program({ kind: 'huge' }));
    assert.match(
      kind,
      /sluice:kind: got "huge", allowed is elastic, highAvailability or singleNode/,
    );
  });

  test('has no alarms, and sends no journal, unless asked for', async () => {
    const world = await inWorld(program({}));
    for (const type of ['monitor:MetricAlert', 'operationalinsights:Workspace']) {
      assert.deepEqual(world.all(`azure-native:${type}`), []);
    }
  });

  for (const kind of ['elastic', 'highAvailability']) {
    test(`of kind ${kind} sends the journal to a workspace, and writes to whom it is told`, async () => {
      const world = await inWorld(
        program({
          kind,
          logRetentionDays: '90',
          alarmEmails: 'ops@example.com, b@example.com',
          alarmActionGroupIds: '["/groups/on-call"]',
          alarmFullAtCpu: '80',
        }),
      );
      assert.equal(
        world.only('azure-native:operationalinsights:Workspace').inputs['retentionInDays'],
        90,
      );
      const { inputs } = world.only('azure-native:monitor:ActionGroup');
      assert.deepEqual(
        listAt(inputs, 'emailReceivers').map((each) => at(each, 'emailAddress')),
        ['ops@example.com', 'b@example.com'],
      );
      const full = world.only('azure-native:monitor:MetricAlert', 'no-headroom').inputs;
      assert.equal(at(full, 'criteria.allOf.0.threshold'), 80);
      assert.equal(at(full, 'actions.0.actionGroupId'), '/groups/on-call');
      assert.ok(world.only('azure-native:monitor:ScheduledQueryRule', 'drain-stuck'));
    });
  }

  test('sends the journal of a Single Node to a workspace of yours', async () => {
    const workspace =
      '/subscriptions/s/resourceGroups/g/providers/Microsoft.OperationalInsights/workspaces/ours';
    const world = await inWorld(program({ kind: 'singleNode', logWorkspaceId: workspace }));
    assert.deepEqual(world.all('azure-native:operationalinsights:Workspace'), []);
    const table = world.only('azure-native:operationalinsights:Table').inputs;
    assert.equal(table['workspaceName'], 'ours');
    assert.equal(table['retentionInDays'], 30);
  });

  test('keeps its data disk in a resource group of yours, or where it is told to', async () => {
    const kept = async (config: Record<string, string>) => {
      const { registrations } = await inWorld(program(config));
      return registrations.get('azure-native:compute:Disk sluice-masters-data')?.retainOnDelete;
    };
    assert.equal(await kept({}), false);
    assert.equal(await kept({ retainData: 'true' }), true);
    assert.equal(await kept({ resourceGroup: 'ours' }), true);
  });

  test('records, and takes encoders, where it is told to', async () => {
    const world = await inWorld(
      program({
        mediaNodesJobs: 'builtIn',
        jobsRtmp: 'true',
        jobsQueueMinutes: '3',
        recordingsRetentionDays: '30',
        alarmEmails: 'ops@example.com',
        logRetentionDays: '30',
      }),
    );
    const { ingress, sluice, egress } = configOf(world, 'sluice-masters');
    assert.equal(ingress.rtmp_port, 1935);
    assert.equal(sluice.jobs.queue, 180_000);
    assert.equal(egress.storage.azure.container_name, 'recordings');
    const policy = world.only('azure-native:storage:ManagementPolicy').inputs;
    const days = 'policy.rules.0.definition.actions.baseBlob.delete';
    assert.deepEqual(at(policy, days), { daysAfterModificationGreaterThan: 30 });
    assert.ok(world.only('azure-native:monitor:ScheduledQueryRule', 'jobs-refused'));
    // As the data disk: nobody looks for what is left of a trial.
    const account = 'azure-native:storage:StorageAccount sluice-recordings-account';
    assert.equal(world.registrations.get(account)?.retainOnDelete, false);
  });

  test('of a Single Node records into a container of yours', async () => {
    const containerId =
      '/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/ours/blobServices/default/containers/talks';
    const world = await inWorld(
      program({
        kind: 'singleNode',
        mediaNodesJobs: 'builtIn',
        recordingsContainerId: containerId,
      }),
    );
    const { azure } = configOf(world, 'sluice-node').egress.storage;
    assert.deepEqual([azure.account_name, azure.container_name], ['ours', 'talks']);
  });

  test("has LiveKit's own services do the jobs, of images that its registry gives to machines", async () => {
    const registryId =
      '/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/ours1';
    const vault = '/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/ours';
    const config = {
      mediaNodesJobs: 'liveKit',
      egressImage: 'ours1.azurecr.io/egress:1.12',
      ingressImage: 'registry.example.com/media/ingress:1.4',
      jobsRtmpUrl: 'rtmp://rtmp.example.com/live',
      registryId,
      registrySecretVaultId: vault,
      registrySecretName: 'login',
    };
    const world = await inWorld(program(config));
    const { egress, ingress } = configOf(world, 'sluice-media');
    assert.equal(egress.image, config.egressImage);
    assert.equal(ingress.image, config.ingressImage);
    assert.equal(configOf(world, 'sluice-masters').ingress.rtmp_base_url, config.jobsRtmpUrl);
    const set = world.only('azure-native:compute:VirtualMachineScaleSet', 'media-set').inputs;
    const script = scriptOf(at(set, 'virtualMachineProfile'));
    assert.match(script, /install\.sh --livekit-services$/m);
    const login = 'https://ours.vault.azure.net/secrets/login';
    assert.equal(at(bootOf(script), 'secrets.registry'), login);
    const grant = (ending: string) =>
      world.only('azure-native:authorization:RoleAssignment', ending).inputs['scope'];
    assert.equal(grant('pull-images'), registryId);
    assert.equal(grant('read-registry'), `${vault}/secrets/login`);

    const wrong = await failureOf(
      program({ ...config, registryId: 'ours', registrySecretName: '', jobsQueueMinutes: '3' }),
    );
    assert.match(wrong, /got liveKit, and sluice:jobsQueueMinutes, allowed is builtIn with them/);
    assert.match(wrong, /sluice:registrySecretName/);
    const named = await failureOf(program({ ...config, registryId: 'ours' }));
    assert.match(named, /jobs\.registryId: got "ours", allowed is the id of a registry/);
  });

  test('refuses what says something of jobs where there are none', async () => {
    const failure = await failureOf(
      program({
        jobsRtmp: 'true',
        recordingsRetentionDays: '30',
        recordingsContainerId: 'talks',
      }),
    );
    assert.match(
      failure,
      /sluice:mediaNodesJobs: got nothing, and sluice:jobsRtmp, sluice:recordingsRetentionDays, sluice:recordingsContainerId, allowed is builtIn/,
    );
    assert.match(failure, /got both, allowed is only one of sluice:recordingsRetentionDays/);
    const kind = await failureOf(program({ mediaNodesJobs: 'yes' }));
    assert.match(kind, /sluice:mediaNodesJobs: got "yes", allowed is builtIn, liveKit or none/);
  });

  test('has its certificate from a vault of yours', async () => {
    const vault = '/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/ours';
    const world = await inWorld(
      program({
        domainName: 'meet.example.com',
        certificateVaultId: vault,
        certificateName: 'meet',
      }),
    );
    const boot = bootOf(scriptOf(world.only('azure-native:compute:VirtualMachine').inputs));
    assert.equal(at(boot, 'secrets.certificate'), 'https://ours.vault.azure.net/secrets/meet');
    assert.equal(at(boot, 'entry.lets_encrypt'), undefined);
  });

  test('says all that contradicts in it at once', async () => {
    const failure = await failureOf(
      program({
        kind: 'singleNode',
        alarmEmails: 'ops@example.com',
        certificateVaultId: 'ours',
        certificatePem: 'PEM',
        alarmEmail: 'ops@example.com',
      }),
    );
    assert.match(failure, /keys: got sluice:alarmEmail, allowed is one of kind, /);
    assert.match(
      failure,
      /sluice:alarmEmails: got ops@example\.com, allowed is a cluster: a Single/,
    );
    assert.match(failure, /got no sluice:certificateName, allowed is all of them, or none/);
    assert.match(failure, /sluice:certificateVaultId: got "ours", allowed is the id of a vault/);
    assert.match(failure, /sluice:domainName: got none, and a certificate/);
    const emails = await failureOf(program({ alarmEmails: 'ops' }));
    assert.match(emails, /emails: got "ops", allowed is addresses such as/);
    const days = await failureOf(program({ logRetentionDays: '1' }));
    assert.match(days, /logGroup\.retentionDays: got 1, allowed is a whole number from 4 to 730/);
  });

  test('asks for consent before it orders a certificate', async () => {
    const failure = await failureOf(program({ domainName: 'meet.example.com' }));
    assert.match(failure, /termsAgreed: true, once you have read/);
    assert.ok(Object.hasOwn(PROGRAM_KEYS, 'letsEncryptTermsAgreed'));
  });
});
