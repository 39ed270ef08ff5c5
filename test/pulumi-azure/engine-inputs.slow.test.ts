/** A program of five lines by somebody else, by the real command line and engine of Pulumi. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { OwnProgram } from './support/engine/own-program';
import type { PulumiProject } from './support/engine/pulumi-project';

describe('a program of somebody else', { timeout: 15 * 60_000 }, () => {
  let program: OwnProgram;
  let pulumi: PulumiProject;

  before(() => {
    program = new OwnProgram();
    pulumi = program.pulumi;
  });

  after(() => program.close());

  test('deploys a Single Node, and takes it away', () => {
    program.write('SingleNode', "domain: Domain.none(), location: later('northeurope')");
    const planned = pulumi.preview().map(({ urn }) => urn.split('::').at(-1));
    assert.ok(planned.includes('meet-node-machine'), String(planned));
    pulumi.must('up', '--yes', '--skip-preview');
    assert.equal(pulumi.must('stack', 'output', 'url').trim(), 'http://203.0.113.9');
    pulumi.must('destroy', '--yes', '--skip-preview');
    assert.deepEqual(pulumi.azure.read(), {});
  });

  test('keeps the data disk and recordings in a resource group of yours', () => {
    const place = "location: 'westeurope', resourceGroupName: later('mine')";
    const jobs = 'Jobs.builtIn({ recordings: Recordings.create({ retentionDays: 30 }) })';
    program.write(
      'ElasticCluster',
      `domain: Domain.none(), ${place}, mediaNodes: { jobs: ${jobs} }`,
    );
    pulumi.must('up', '--yes', '--skip-preview');
    pulumi.must('destroy', '--yes', '--skip-preview');
    const left = Object.values(pulumi.azure.read());
    assert.deepEqual(left.map(({ name, inputs }) => [name, inputs['resourceGroupName']]).sort(), [
      ['meet-masters-data', 'mine'],
      ['meet-recordings-account', 'mine'],
      ['meet-recordings-container', 'mine'],
      ['meet-recordings-retention', 'mine'],
      ['meet-recordings-service', 'mine'],
    ]);
    pulumi.azure.change((all) => {
      for (const id of Object.keys(all)) delete all[id];
    });
  });

  for (const { what, options, says } of [
    {
      what: 'an id that is a number',
      options: 'publicIpAddressId: later(7)',
      says: /publicIpAddressId: got 7, allowed is the id of a public address, \/subscriptions/,
    },
    {
      what: 'an id of something else',
      options: "publicIpAddressId: later('/subscriptions/s/resourceGroups/g')",
      says: /publicIpAddressId: got "\/subscriptions\/s\/resourceGroups\/g", allowed is the id/,
    },
    {
      what: 'a region that is a number',
      options: 'location: later(5)',
      says: /ResourceGroup\.location/,
    },
  ]) {
    test(`${what} fails in preview with the reason, and nothing is made`, () => {
      program.write('SingleNode', `domain: Domain.none(), ${options}`);
      const { ok, output } = pulumi.run('preview');
      assert.equal(ok, false, output);
      assert.match(output, says);
      assert.deepEqual(pulumi.azure.read(), {});
    });
  }
});
