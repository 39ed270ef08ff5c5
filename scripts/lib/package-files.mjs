/**
 * Makes the folder dist of a package that deploys nodes:
 *
 *   lib/           the package and the contract it shares with the node, compiled
 *   everything else  the node's files as they are in the repository: lib/ finds them above itself,
 *                  as the sources do, and brings them onto machines
 */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { run } from './commands.mjs';

/** What a machine installs from: what NodeImage.fromFiles() brings, on either cloud. */
const NODE_FILES = ['LICENSE', 'node-image', 'package-lock.json', 'package.json', 'scripts/lib'];

/**
 * @param {string} root the project
 * @param {string} folder of the package, such as `constructs`
 * @throws {import('./commands.mjs').SetupError} with what the compiler says
 */
export async function makeDist(root, folder) {
  const dist = path.join(root, folder, 'dist');
  rmSync(dist, { recursive: true, force: true });
  await compile(root, folder, path.join(dist, 'lib'));
  for (const name of NODE_FILES) {
    mkdirSync(path.dirname(path.join(dist, name)), { recursive: true });
    cpSync(path.join(root, name), path.join(dist, name), {
      recursive: true,
      filter: (file) => !/node_modules|\.tsbuildinfo$/.test(path.relative(root, file)),
    });
  }
}

/**
 * Without what is marked as internal.
 *
 * @param {string} root
 * @param {string} folder
 * @param {string} outDir
 */
async function compile(root, folder, outDir) {
  const scratch = mkdtempSync(path.join(tmpdir(), 'sluice-pack-'));
  try {
    const config = path.join(scratch, 'tsconfig.json');
    writeFileSync(
      config,
      JSON.stringify({
        extends: path.join(root, folder, 'tsconfig.json'),
        compilerOptions: {
          noEmit: false,
          incremental: false,
          tsBuildInfoFile: null,
          declaration: true,
          stripInternal: true,
          rootDir: root,
          outDir,
          typeRoots: [path.join(root, 'node_modules/@types')],
        },
        include: [],
        files: [path.join(root, folder, 'index.ts')],
      }),
    );
    await run(process.execPath, [path.join(root, 'node_modules/typescript/bin/tsc'), '-p', config]);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
