import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import * as pulumi from '@pulumi/pulumi';
import { PROGRAM_KEYS, programSettings } from '../../pulumi-azure/program/settings';
import { deploy } from '../../pulumi-azure/program/stack';
import { at } from './support/read';
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

  test('asks for consent before it orders a certificate', async () => {
    const failure = await failureOf(program({ domainName: 'meet.example.com' }));
    assert.match(failure, /termsAgreed: true, once you have read/);
    assert.ok(Object.hasOwn(PROGRAM_KEYS, 'letsEncryptTermsAgreed'));
  });
});
