/**
 * Bundles the page people join rooms on: node-image/console/page/ -> node-image/console/dist/.
 *
 * Usage: node scripts/build-page.mjs [--force]
 */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const source = join(root, 'node-image/console/page');
const target = join(root, 'node-image/console/dist');

/**
 * Builds the page, unless it is newer than everything it is made of.
 *
 * @param {{ force?: boolean }} [options]
 * @returns {Promise<boolean>} whether there was something to do
 */
export async function buildPage({ force = false } = {}) {
  if (!force && isFresh()) return false;

  const { build } = await import('esbuild');
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: { main: join(source, 'main.tsx') },
    outdir: join(target, 'assets'),
    // A name with the content's hash in it may be cached for ever.
    entryNames: '[name]-[hash]',
    bundle: true,
    minify: true,
    metafile: true,
    write: false,
    format: 'esm',
    target: ['es2022', 'chrome111', 'firefox115', 'safari16.4'],
    jsx: 'automatic',
    define: { 'process.env.NODE_ENV': '"production"' },
    // Licences go into one file of their own, whole, instead of scattered banners.
    legalComments: 'none',
    logLevel: 'warning',
  });

  const files = new Map(outputFiles.map((file) => [basename(file.path), file.contents]));
  let html = readFileSync(join(source, 'index.html'), 'utf8');
  for (const name of files.keys()) {
    html = html.replace(`/meet/assets/${name.replace(/-[^-.]+\./, '.')}`, `/meet/assets/${name}`);
  }
  files.set('icon.svg', readFileSync(join(source, 'icon.svg')));
  files.set('licenses.txt', Buffer.from(licenses(Object.keys(metafile.inputs))));

  // Written beside and moved over: whoever serves or builds the page meanwhile sees it whole.
  const fresh = `${target}.${process.pid}`;
  mkdirSync(join(fresh, 'assets'), { recursive: true });
  for (const [name, contents] of files) writeFileSync(join(fresh, 'assets', name), contents);
  writeFileSync(join(fresh, 'index.html'), html);
  rmSync(target, { recursive: true, force: true });
  try {
    renameSync(fresh, target);
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    // Another process was quicker with the same page.
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
  }
  return true;
}

function isFresh() {
  const built = join(target, 'index.html');
  if (!existsSync(built)) return false;
  const inputs = readdirSync(source).map((name) => join(source, name));
  inputs.push(fileURLToPath(import.meta.url), join(root, 'package-lock.json'));
  const newest = Math.max(...inputs.map((path) => statSync(path).mtimeMs));
  return newest < statSync(built).mtimeMs;
}

/**
 * The licence of each package in the bundle: several ask that it goes where the code goes.
 *
 * @param {readonly string[]} inputs paths of the bundled files, relative to the project
 */
function licenses(inputs) {
  const packages = new Set();
  for (const input of inputs) {
    const found = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input);
    if (found) packages.add(found[1]);
  }
  const texts = [...packages].sort().map((folder) => {
    const path = join(root, folder);
    const { name, version, license } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'));
    const file = readdirSync(path).find((entry) => /^(licen[sc]e|copying)/i.test(entry));
    const text = file ? readFileSync(join(path, file), 'utf8').trim() : `License: ${license}`;
    return `${name} ${version}\n\n${text}\n`;
  });
  return `This page contains the following packages.\n\n${texts.join(`\n${'-'.repeat(80)}\n\n`)}`;
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const started = Date.now();
  if (await buildPage({ force: process.argv.includes('--force') })) {
    process.stdout.write(`built the page in ${Date.now() - started} ms\n`);
  }
}
