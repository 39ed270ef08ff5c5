/** The package as a stranger has it: installed into an empty project, it compiles and deploys. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { runnable } from '../docs/support/pages';
import { COMPILERS, NODE_FILES, StrangerProject } from '../support/stranger-package';
import { PulumiProject } from './support/engine/pulumi-project';

/** The blocks of docs/azure.md that go into a program of yours. */
const SNIPPETS = runnable('ts')
  .map(({ text }) => text)
  .filter((text) => text.includes("'@sluice/pulumi-azure'"));

const files = SNIPPETS.map((_, index) => `snippet-${index}.ts`);

/** Pulumi.yaml of a program that was compiled. */
const settings = (index: number) => `name: stranger
runtime:
  name: nodejs
  options:
    typescript: false
main: out/snippet-${index}.js
`;

describe('the package, installed into an empty project', { timeout: 20 * 60_000 }, () => {
  let project: StrangerProject;
  before(() => {
    // What compiles in packages of others is not needed here.
    project = new StrangerProject('pulumi-azure', ['--ignore-scripts']);
    SNIPPETS.forEach((text, index) => {
      writeFileSync(join(project.path, `snippet-${index}.ts`), text);
    });
    writeFileSync(join(project.path, 'Pulumi.yaml'), settings(0));
  });
  after(() => project?.close());

  for (const { what, options } of COMPILERS) {
    test(`compiles with ${what}`, () => {
      project.compile(files, options);
    });
  }

  test("deploys, with the node's files in a blob", () => {
    const scratch = mkdtempSync(join(tmpdir(), 'sluice-package-engine-'));
    const pulumi = new PulumiProject(scratch, project.path);
    try {
      pulumi.must('stack', 'init', 'meet');
      pulumi.must('config', 'set', 'azure-native:location', 'westeurope');
      const planned = pulumi.preview();
      assert.ok(planned.length > 40 && planned.every(({ op }) => op === 'create'));
      pulumi.must('up', '--yes', '--skip-preview');
      assert.equal(pulumi.must('stack', 'output', 'url').trim(), 'https://meet.example.com');
      const [blob] = pulumi.state().filter(({ type }) => type === 'azure-native:storage:Blob');
      const inBlob = Object.keys(filesOf(blob?.inputs?.['source']));
      for (const file of NODE_FILES) {
        assert.ok(inBlob.includes(file), `${file} is not in the blob`);
      }
      for (const index of SNIPPETS.keys()) {
        writeFileSync(join(project.path, 'Pulumi.yaml'), settings(index));
        pulumi.must('up', '--yes', '--skip-preview');
      }
      pulumi.must('destroy', '--yes', '--skip-preview');
      // The data disk and the recordings are kept, in resource groups that are kept with them.
      const left = Object.values(pulumi.azure.read()).map(({ type, name }) => `${type} ${name}`);
      assert.deepEqual(left.sort(), [
        'azure-native:compute:Disk meet-masters-data',
        'azure-native:resources:ResourceGroup meet-data',
        'azure-native:resources:ResourceGroup meet-recordings',
        'azure-native:storage:BlobContainer meet-recordings-container',
        'azure-native:storage:BlobServiceProperties meet-recordings-service',
        'azure-native:storage:ManagementPolicy meet-recordings-retention',
        'azure-native:storage:StorageAccount meet-recordings-account',
      ]);
    } finally {
      pulumi.close();
    }
  });

  test('brings nothing of Azure that the project has not asked for', () => {
    const { dependencies, peerDependencies } = JSON.parse(
      readFileSync(join(project.path, 'node_modules/@sluice/pulumi-azure/package.json'), 'utf8'),
    );
    assert.deepEqual(Object.keys(dependencies).sort(), ['@pulumi/random', 'yaml', 'zod']);
    assert.deepEqual(Object.keys(peerDependencies).sort(), [
      '@pulumi/azure-native',
      '@pulumi/pulumi',
    ]);
    assert.ok(
      !existsSync(join(project.path, 'node_modules/@sluice/pulumi-azure/node_modules/@pulumi')),
    );
  });
});

/** The files of an archive, as the state has it. Source: the engine's protocol, assets. */
function filesOf(archive: unknown): Readonly<Record<string, unknown>> {
  if (typeof archive !== 'object' || archive === null || !('assets' in archive)) return {};
  return archive.assets as Record<string, unknown>;
}
