/**
 * Runs cfn-lint over CloudFormation templates: errors and warnings count.
 *
 *   node scripts/lint-templates.mjs TEMPLATE.json...
 *
 * Exit code 0: nothing found; otherwise cfn-lint's own, with what it found on stdout.
 */
import { spawnSync } from 'node:child_process';
import { SetupError } from './lib/commands.mjs';
import { CFN_LINT, ensurePythonTool } from './lib/python-tool.mjs';
import { runMain } from './setup.mjs';

/**
 * What is not asked for, and why.
 *
 * W3005: CDK names dependencies that a reference implies too; they do no harm.
 */
const IGNORED = ['W3005'];

await runMain(async () => {
  const templates = process.argv.slice(2);
  if (templates.length === 0) {
    throw new SetupError('lint-templates takes the paths of templates, and was given none.');
  }
  const [python, script] = await ensurePythonTool(CFN_LINT);
  const { status, error } = spawnSync(
    python,
    [
      script,
      '--non-zero-exit-code',
      'warning',
      '--format',
      'json',
      // The template's own region is not known; this one has every service.
      '--regions',
      'us-east-1',
      '--ignore-checks',
      ...IGNORED,
      '--template',
      ...templates,
    ],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
  if (error) {
    throw new SetupError(`cfn-lint cannot be started: ${error.message}`);
  }
  return status ?? 1;
});
