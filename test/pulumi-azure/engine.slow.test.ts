/** The stack that is ready, by the real command line and engine of Pulumi, without a network. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { checkoutAt } from './support/engine/checkout';
import { PulumiProject, type StateResource } from './support/engine/pulumi-project';
import { at } from './support/read';

const OUT = join(__dirname, '../../out');
const SET = 'azure-native:compute:VirtualMachineScaleSet';

const types = (all: readonly StateResource[]) => all.map(({ type }) => type);
const nameIn = (urn: string) => urn.split('::').at(-1);

describe('pulumi up of the stack that is ready', { timeout: 20 * 60_000 }, () => {
  let pulumi: PulumiProject;
  let planned: string[] = [];

  before(() => {
    mkdirSync(OUT, { recursive: true });
    const scratch = mkdtempSync(join(OUT, 'pulumi-engine-'));
    checkoutAt(join(scratch, 'checkout'));
    pulumi = new PulumiProject(scratch, join(scratch, 'checkout/pulumi-azure/program'));
    pulumi.must('stack', 'init', 'meet');
    pulumi.must('config', 'set', 'azure-native:location', 'westeurope');
  });

  after(() => pulumi.close());

  test('a preview lists what will be made, and makes nothing', () => {
    const steps = pulumi.preview();
    planned = steps.map(({ urn }) => urn).filter((urn) => !urn.includes('pulumi:pulumi:Stack'));
    assert.deepEqual([...new Set(steps.map(({ op }) => op))], ['create']);
    for (const name of ['sluice', 'sluice-masters-machine', 'sluice-media-set', 'sluice-network']) {
      assert.ok(
        planned.some((urn) => nameIn(urn) === name),
        name,
      );
    }
    assert.deepEqual(pulumi.azure.read(), {});
    assert.deepEqual(pulumi.state(), []);
  });

  test('the deployment makes all of it', () => {
    pulumi.must('up', '--yes', '--skip-preview');
    assert.deepEqual(
      pulumi
        .state()
        .map(({ urn }) => urn)
        .sort(),
      [...planned].sort(),
    );
    const made = Object.values(pulumi.azure.read());
    const custom = pulumi.state().filter((each) => each.custom);
    assert.deepEqual(made.map(({ type }) => type).sort(), types(custom).sort());
    assert.equal(JSON.parse(pulumi.must('stack', 'output', '--json')).url, 'http://203.0.113.9');
  });

  test('no secret is in clear in the state', () => {
    const secrets = Object.values(pulumi.azure.read()).filter(({ type }) =>
      type.endsWith(':Secret'),
    );
    const words = secrets
      .filter(({ name }) => !name.endsWith('-config-secret'))
      .map(({ inputs }) => String(at(inputs, 'properties.value')));
    assert.ok(words.length >= 3, String(words.length));
    const state = pulumi.stateFile('meet');
    for (const word of words) assert.ok(!state.includes(word), word);
  });

  test('a second deployment of the same changes nothing', () => {
    assert.deepEqual(pulumi.preview(), []);
    pulumi.must('up', '--yes', '--skip-preview', '--expect-no-changes');
  });

  test('another size is an update of the scale set alone, which keeps the machines it has', () => {
    // As the controller does when the load grows.
    pulumi.azure.change((all) => {
      for (const [id, each] of Object.entries(all)) {
        if (each.type !== SET) continue;
        const sku = { ...(each.inputs['sku'] as object), capacity: 3 };
        all[id] = { ...each, inputs: { ...each.inputs, sku } };
      }
    });
    pulumi.must('config', 'set', 'sluice:mediaNodesMaxCapacity', '10');
    const steps = pulumi.preview().map(({ op, urn }) => `${op} ${nameIn(urn)}`);
    assert.deepEqual(steps, ['update sluice-media-set']);
    pulumi.must('up', '--yes', '--skip-preview');
    const [set] = Object.values(pulumi.azure.read()).filter(({ type }) => type === SET);
    assert.equal(at(set, 'inputs.tags.sluice:max-nodes'), '10');
    assert.equal(at(set, 'inputs.sku.capacity'), 3);
  });

  for (const { what, key, value, says } of [
    {
      what: 'a size that cannot be',
      key: 'mediaNodesMinCapacity',
      value: '11',
      says: /got minCapacity 11, maxCapacity 10, allowed is minCapacity up to maxCapacity/,
    },
    {
      what: 'a word for a number',
      key: 'mediaNodesMaxCapacity',
      value: 'ten',
      says: /mediaNodesMaxCapacity/,
    },
    {
      what: 'a kind that there is not',
      key: 'kind',
      value: 'huge',
      says: /sluice:kind: got "huge", allowed is elastic, highAvailability or singleNode/,
    },
    {
      what: 'a key that nobody reads',
      key: 'mediaNodeMaxCapacity',
      value: '10',
      says: /got sluice:mediaNodeMaxCapacity, allowed is one of kind, /,
    },
  ]) {
    test(`${what} fails in preview with the reason`, () => {
      pulumi.must('config', 'set', `sluice:${key}`, value);
      const { ok, output } = pulumi.run('preview');
      if (key === 'mediaNodesMaxCapacity') pulumi.must('config', 'set', `sluice:${key}`, '10');
      else pulumi.must('config', 'rm', `sluice:${key}`);
      assert.equal(ok, false, output);
      assert.match(output, says);
    });
  }

  test('what is destroyed leaves nothing', () => {
    pulumi.must('destroy', '--yes', '--skip-preview');
    assert.deepEqual(pulumi.state(), []);
    assert.deepEqual(pulumi.azure.read(), {});
  });
});
