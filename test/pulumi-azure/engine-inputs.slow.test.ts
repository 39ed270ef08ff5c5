/** A program of five lines by somebody else, by the real command line and engine of Pulumi. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { checkoutAt } from './support/engine/checkout';
import { PulumiProject } from './support/engine/pulumi-project';

const OUT = join(__dirname, '../../out');
const PROJECT = `name: other
runtime:
  name: nodejs
  options:
    typescript: false
    nodeargs: --import tsx
main: index.ts
`;

/** What is not as it should be comes as an Input: it is known when the program runs, and not before. */
const program = (options: string, kind = 'SingleNode') => `import * as pulumi from '@pulumi/pulumi';
import { Domain, ElasticCluster, SingleNode } from '../checkout/pulumi-azure';
const later = (value: unknown) => pulumi.output(Promise.resolve(value)) as never;
const node = new ${kind}('meet', { domain: Domain.none(), ${options} });
export const url = node.url;
`;

describe('a program of somebody else', { timeout: 15 * 60_000 }, () => {
  let pulumi: PulumiProject;
  let folder = '';

  before(() => {
    mkdirSync(OUT, { recursive: true });
    const scratch = mkdtempSync(join(OUT, 'pulumi-inputs-'));
    checkoutAt(join(scratch, 'checkout'));
    folder = join(scratch, 'program');
    mkdirSync(folder);
    writeFileSync(join(folder, 'Pulumi.yaml'), PROJECT);
    pulumi = new PulumiProject(scratch, folder);
    pulumi.must('stack', 'init', 'other');
    pulumi.must('config', 'set', 'azure-native:location', 'westeurope');
  });

  after(() => pulumi.close());

  test('deploys a Single Node, and takes it away', () => {
    writeFileSync(join(folder, 'index.ts'), program("location: later('northeurope')"));
    const planned = pulumi.preview().map(({ urn }) => urn.split('::').at(-1));
    assert.ok(planned.includes('meet-node-machine'), String(planned));
    pulumi.must('up', '--yes', '--skip-preview');
    assert.equal(pulumi.must('stack', 'output', 'url').trim(), 'http://203.0.113.9');
    pulumi.must('destroy', '--yes', '--skip-preview');
    assert.deepEqual(pulumi.azure.read(), {});
  });

  test('keeps the data disk in a resource group of yours', () => {
    const options = "location: 'westeurope', resourceGroupName: later('mine')";
    writeFileSync(join(folder, 'index.ts'), program(options, 'ElasticCluster'));
    pulumi.must('up', '--yes', '--skip-preview');
    pulumi.must('destroy', '--yes', '--skip-preview');
    const left = Object.values(pulumi.azure.read());
    assert.deepEqual(
      left.map(({ type, name, inputs }) => [type, name, inputs['resourceGroupName']]),
      [['azure-native:compute:Disk', 'meet-masters-data', 'mine']],
    );
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
      writeFileSync(join(folder, 'index.ts'), program(options));
      const { ok, output } = pulumi.run('preview');
      assert.equal(ok, false, output);
      assert.match(output, says);
      assert.deepEqual(pulumi.azure.read(), {});
    });
  }
});
