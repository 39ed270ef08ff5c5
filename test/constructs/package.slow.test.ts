/** The package as a stranger has it: installed into an empty project, it compiles and synthesizes. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { COMPILERS, NODE_FILES, StrangerProject } from '../support/stranger-package';

const README = join(__dirname, '../../README.md');
/** As the CDK CLI does: the app is synthesized when it has been defined. */
const SYNTHESIS = {
  AWS_EC2_METADATA_DISABLED: 'true',
  CDK_VALIDATION: 'false',
  CDK_OUTDIR: 'cdk.out',
};

/** The block of README.md that defines a stack. */
function stackOfReadme(): string {
  const text = readFileSync(README, 'utf8');
  const blocks = [...text.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, block = '']) => block);
  const found = blocks.find((block) => block.includes('@sluice/constructs'));
  assert.ok(found, 'README.md has no block with @sluice/constructs');
  return found;
}

describe('the package, installed into an empty project', () => {
  let project: StrangerProject;
  before(() => {
    project = new StrangerProject('constructs');
    writeFileSync(join(project.path, 'app.ts'), stackOfReadme());
  });
  after(() => project?.close());

  for (const { what, options } of COMPILERS) {
    test(`compiles with ${what}, types of the library checked too`, () => {
      project.compile(['app.ts'], options);
    });
  }

  test("synthesizes README.md's stack, with the node's files as an asset", () => {
    project.run(process.execPath, ['out/app.js'], { env: SYNTHESIS });
    const out = join(project.path, 'cdk.out');
    const templates = readdirSync(out).filter((name) => name.endsWith('.template.json'));
    assert.equal(templates.length, 1);
    const assets = readdirSync(out).filter((name) => name.startsWith('asset.'));
    const node = assets.find((name) => existsSync(join(out, name, 'node-image/package.json')));
    assert.ok(node, assets.join(', '));
    for (const file of NODE_FILES) {
      assert.ok(existsSync(join(out, node, file)), `${file} is not in the asset`);
    }
  });

  test('brings nothing of AWS that the project has not asked for', () => {
    const { dependencies, peerDependencies } = JSON.parse(
      readFileSync(join(project.path, 'node_modules/@sluice/constructs/package.json'), 'utf8'),
    );
    assert.deepEqual(Object.keys(dependencies).sort(), ['yaml', 'zod']);
    assert.deepEqual(Object.keys(peerDependencies).sort(), ['aws-cdk-lib', 'constructs']);
    assert.ok(
      !existsSync(join(project.path, 'node_modules/@sluice/constructs/node_modules/aws-cdk-lib')),
    );
  });
});
