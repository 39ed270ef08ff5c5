/**
 * Makes constructs/dist, what the package @sluice/constructs carries; `npm pack` runs it:
 *
 *   lib/           the constructs and the contract they share with the node, compiled
 *   everything else  the node's files as they are in the repository: lib/ finds them above itself,
 *                  as the sources do, and brings them onto machines
 */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildPage } from './build-page.mjs';
import { run } from './lib/commands.mjs';
import { ROOT, runMain } from './setup.mjs';

const DIST = path.join(ROOT, 'constructs/dist');

/** What a machine installs from: what constructs/private/node-files.ts makes an asset of. */
const NODE_FILES = ['LICENSE', 'node-image', 'package-lock.json', 'package.json', 'scripts/lib'];

await runMain(async () => {
  await buildPage();
  rmSync(DIST, { recursive: true, force: true });
  await compile();
  for (const name of NODE_FILES) {
    mkdirSync(path.dirname(path.join(DIST, name)), { recursive: true });
    cpSync(path.join(ROOT, name), path.join(DIST, name), {
      recursive: true,
      filter: (file) => !/node_modules|\.tsbuildinfo$/.test(path.relative(ROOT, file)),
    });
  }
  return 0;
});

/** Into dist/lib, without what is marked as internal. */
async function compile() {
  const scratch = mkdtempSync(path.join(tmpdir(), 'sluice-pack-'));
  try {
    const config = path.join(scratch, 'tsconfig.json');
    writeFileSync(
      config,
      JSON.stringify({
        extends: path.join(ROOT, 'constructs/tsconfig.json'),
        compilerOptions: {
          noEmit: false,
          incremental: false,
          tsBuildInfoFile: null,
          declaration: true,
          stripInternal: true,
          rootDir: ROOT,
          outDir: path.join(DIST, 'lib'),
          typeRoots: [path.join(ROOT, 'node_modules/@types')],
        },
        include: [],
        files: [path.join(ROOT, 'constructs/index.ts')],
      }),
    );
    await run(process.execPath, [path.join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', config]);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
