/**
 * Prints which properties of CloudFormation resource types can only be set at creation: changing one
 * replaces the resource. They are from the resource schemas that cfn-lint carries.
 *
 *   node scripts/create-only.mjs AWS::EC2::Volume...
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { SetupError } from './lib/commands.mjs';
import { CFN_LINT, ensurePythonTool } from './lib/python-tool.mjs';
import { runMain } from './setup.mjs';

await runMain(async () => {
  const types = process.argv.slice(2);
  const [, script] = await ensurePythonTool(CFN_LINT);
  const schemas = schemaFolder(path.dirname(path.dirname(script)));
  /** @type {Record<string, string>} */
  const files = read(path.join(schemas, 'providers/us-east-1.json'));
  /** @type {Record<string, string[]>} */
  const createOnly = {};
  for (const type of [...new Set(types)].sort()) {
    const file = files[type];
    if (file === undefined) {
      throw new SetupError(
        `cfn-lint has no schema for ${type}: give types such as AWS::EC2::Volume.`,
      );
    }
    /** @type {{ createOnlyProperties?: string[] }} */
    const { createOnlyProperties = [] } = read(path.join(schemas, 'resources', `${file}.json`));
    createOnly[type] = createOnlyProperties
      .map((pointer) => pointer.replace(/^\/properties\//, '').replaceAll('/', '.'))
      .sort();
  }
  console.log(JSON.stringify(createOnly, null, 2));
  return 0;
});

/** @param {string} environment the virtual environment of cfn-lint */
function schemaFolder(environment) {
  const lib = path.join(environment, 'lib');
  const [python = ''] = readdirSync(lib).filter((name) => name.startsWith('python'));
  return path.join(lib, python, 'site-packages/cfnlint/data/schemas');
}

/** @param {string} file */
function read(file) {
  return JSON.parse(readFileSync(file, 'utf8'));
}
