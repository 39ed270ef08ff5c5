/**
 * constructs/API.md is what the docstrings of the public API say.
 *
 *   node scripts/checks/api-docs.mjs            fails when it is not
 *   node scripts/checks/api-docs.mjs --write    writes it anew
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { run } from '../lib/commands.mjs';
import { ROOT, runMain } from '../setup.mjs';

const TARGET = path.join(ROOT, 'constructs/API.md');

/** Everything in one file, without what changes by itself: line numbers, inherited members. */
const OPTIONS = {
  '--tsconfig': 'constructs/tsconfig.json',
  '--entryPoints': 'constructs/index.ts',
  '--plugin': 'typedoc-plugin-markdown',
  '--outputFileStrategy': 'modules',
  '--readme': 'none',
  '--name': '@sluice/constructs',
  '--entryFileName': 'API',
  '--hidePageHeader': 'true',
  '--hideBreadcrumbs': 'true',
  '--disableSources': 'true',
  '--excludeExternals': 'true',
  '--excludeInternal': 'true',
  '--excludePrivate': 'true',
  '--excludeProtected': 'true',
  '--skipErrorChecking': 'true',
  '--interfacePropertiesFormat': 'table',
  '--parametersFormat': 'table',
  '--classPropertiesFormat': 'table',
  '--enumMembersFormat': 'table',
  '--logLevel': 'Error',
};

await runMain(async () => {
  const out = mkdtempSync(path.join(tmpdir(), 'sluice-api-'));
  try {
    const options = Object.entries(OPTIONS).flat();
    const typedoc = path.join(ROOT, 'node_modules/typedoc/bin/typedoc');
    await run(process.execPath, [typedoc, ...options, '--out', out], { cwd: ROOT });
    const fresh = readFileSync(path.join(out, 'API.md'), 'utf8');
    const old = existsSync(TARGET) ? readFileSync(TARGET, 'utf8') : '';
    if (process.argv.includes('--write')) {
      writeFileSync(TARGET, fresh);
      return 0;
    }
    if (fresh !== old) {
      console.error(
        'constructs/API.md is not what the docstrings say: write it anew by `node scripts/checks/api-docs.mjs --write`, and read what changed.',
      );
      return 1;
    }
    return 0;
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
});
