/** A High Availability cluster by the stack that is ready, over the real command line and engine of Pulumi. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { checkoutAt } from './support/engine/checkout';
import { PulumiProject } from './support/engine/pulumi-project';
import { at, listAt } from './support/read';

const OUT = join(__dirname, '../../out');
const SET = 'azure-native:compute:VirtualMachineScaleSet';
const nameIn = (urn: string) => urn.split('::').at(-1);

describe('pulumi up of a High Availability cluster', { timeout: 15 * 60_000 }, () => {
  let pulumi: PulumiProject;
  let planned: string[] = [];

  const configure = (key: string, value: string) =>
    pulumi.must('config', 'set', `sluice:${key}`, value);

  const setOf = (ending: string) => {
    const found = Object.values(pulumi.azure.read()).find(
      ({ type, name }) => type === SET && name.endsWith(ending),
    );
    assert.ok(found, ending);
    return found.inputs;
  };

  before(() => {
    mkdirSync(OUT, { recursive: true });
    const scratch = mkdtempSync(join(OUT, 'pulumi-available-'));
    checkoutAt(join(scratch, 'checkout'));
    pulumi = new PulumiProject(scratch, join(scratch, 'checkout/pulumi-azure/program'));
    pulumi.must('stack', 'init', 'meet');
    pulumi.must('config', 'set', 'azure-native:location', 'westeurope');
    configure('kind', 'highAvailability');
  });

  after(() => pulumi.close());

  test('a preview lists what will be made, and makes nothing', () => {
    const steps = pulumi.preview();
    planned = steps.map(({ urn }) => urn).filter((urn) => !urn.includes('pulumi:pulumi:Stack'));
    assert.deepEqual([...new Set(steps.map(({ op }) => op))], ['create']);
    const names = planned.map(nameIn);
    for (const name of [
      'sluice-masters-set',
      'sluice-media-set',
      'sluice-redis-database',
      'sluice-entry-balancer',
    ]) {
      assert.ok(names.includes(name), name);
    }
    assert.deepEqual(pulumi.azure.read(), {});
  });

  test('the deployment makes all of it', () => {
    pulumi.up();
    const made = pulumi.state();
    assert.deepEqual(made.map(({ urn }) => urn).sort(), [...planned].sort());
    assert.equal(
      Object.keys(pulumi.azure.read()).length,
      made.filter(({ custom }) => custom).length,
    );
    assert.equal(at(setOf('-masters-set'), 'sku.capacity'), 3);
    assert.equal(at(setOf('-media-set'), 'sku.capacity'), 1);
    assert.ok(!pulumi.stateFile('meet').includes('a-key-of-redis'));
  });

  test('a second deployment of the same changes nothing', () => {
    assert.deepEqual(pulumi.up(), []);
  });

  test('another size is an update of the set of Media Nodes alone, which keeps what it has', () => {
    // As the controller does when the load grows.
    pulumi.azure.change((all) => {
      for (const [id, each] of Object.entries(all)) {
        if (!each.name.endsWith('-media-set')) continue;
        const sku = { ...(each.inputs['sku'] as object), capacity: 5 };
        all[id] = { ...each, inputs: { ...each.inputs, sku } };
      }
    });
    configure('mediaNodesMaxCapacity', '10');
    assert.deepEqual(pulumi.up(), ['update sluice-media-set']);
    assert.equal(at(setOf('-media-set'), 'tags.sluice:max-nodes'), '10');
    assert.equal(at(setOf('-media-set'), 'sku.capacity'), 5);
  });

  test('larger machines, a name and jobs are updates, and replace neither Redis nor the address', () => {
    configure('masterNodesVmSize', 'Standard_F4s_v2');
    configure('domainName', 'meet.example.com');
    configure('letsEncryptTermsAgreed', 'true');
    configure('mediaNodesJobs', 'builtIn');
    configure('jobsRtmp', 'true');
    configure('recordingsRetentionDays', '30');
    const steps = pulumi.up();
    assert.deepEqual(steps.filter((step) => !step.startsWith('update ')).sort(), [
      'create sluice-media-machines-write-recordings',
      'create sluice-recordings',
      'create sluice-recordings-account',
      'create sluice-recordings-container',
      'create sluice-recordings-retention',
      'create sluice-recordings-service',
      'create sluice-recordings-suffix',
    ]);
    assert.ok(steps.includes('update sluice-media-set'), String(steps));
    assert.ok(steps.includes('update sluice-masters-set'), String(steps));
    const ports = Object.values(pulumi.azure.read())
      .filter(({ type }) => type.endsWith(':LoadBalancer'))
      .flatMap(({ inputs }) => listAt(inputs, 'loadBalancingRules'))
      .map((rule) => at(rule, 'frontendPort'));
    assert.deepEqual(ports, [443, 80, 1935, 1936]);
  });

  test("LiveKit's own services take the place of the nodes' jobs, and may pull their images", () => {
    for (const key of ['jobsRtmp', 'recordingsRetentionDays']) {
      pulumi.must('config', 'rm', `sluice:${key}`);
    }
    configure('mediaNodesJobs', 'liveKit');
    configure('egressImage', 'ours1.azurecr.io/egress:1.12');
    const registryId =
      '/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/ours1';
    configure('registryId', registryId);
    const steps = pulumi.up();
    assert.deepEqual(
      steps.filter((step) => !/^(?:update|delete) /.test(step)),
      ['create sluice-media-machines-pull-images'],
    );
    assert.ok(steps.includes('update sluice-media-set'), String(steps));
    const gone = steps.filter((step) => step.startsWith('delete '));
    assert.ok(
      gone.every((step) => /recordings/.test(step)),
      String(gone),
    );
    const granted = Object.values(pulumi.azure.read()).map(({ inputs }) => inputs['scope']);
    assert.ok(granted.includes(registryId));
  });

  test('zones are added to a running cluster, and never taken: Azure says so, and nothing is lost', () => {
    const before = Object.keys(pulumi.azure.read()).sort();
    configure('zones', '["1","2"]');
    assert.throws(() => pulumi.up(), /Zones cannot be removed from a scale set/);
    assert.deepEqual(Object.keys(pulumi.azure.read()).sort(), before);
    pulumi.must('config', 'rm', 'sluice:zones');
  });

  test('what is destroyed leaves nothing', () => {
    pulumi.must('destroy', '--yes', '--skip-preview');
    assert.deepEqual(pulumi.state(), []);
    assert.deepEqual(pulumi.azure.read(), {});
  });
});
