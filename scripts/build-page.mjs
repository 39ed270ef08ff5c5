/**
 * Bundles the pages that nodes serve: the one people join rooms on, node-image/console/page/ ->
 * node-image/console/dist/, and the one that Room composites record, node-image/jobs/egress/page/ ->
 * node-image/jobs/egress/dist/.
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
const recorded = join(root, 'node-image/jobs/egress/page');
const recordedTarget = join(root, 'node-image/jobs/egress/dist');

/**
 * Of both pages.
 *
 * @satisfies {import('esbuild').BuildOptions}
 */
const COMMON = /** @type {const} */ ({
  absWorkingDir: root,
  bundle: true,
  minify: true,
  metafile: true,
  write: false,
  define: { 'process.env.NODE_ENV': '"production"' },
  // Licences go into one file of their own, whole, instead of scattered banners.
  legalComments: 'none',
  logLevel: 'warning',
});

/**
 * Builds the pages, unless they are newer than everything they are made of.
 *
 * @param {{ force?: boolean }} [options]
 * @returns {Promise<boolean>} whether there was something to do
 */
export async function buildPage({ force = false } = {}) {
  const built = [await buildRecorded(force), await buildJoined(force)];
  return built.includes(true);
}

/** @param {boolean} force */
async function buildRecorded(force) {
  if (!force && isFresh(recorded, recordedTarget)) return false;
  const { build } = await import('esbuild');
  const { outputFiles, metafile } = await build({
    ...COMMON,
    entryPoints: { main: join(recorded, 'main.ts') },
    outdir: recordedTarget,
    format: 'esm',
    target: 'chrome120',
  });
  const files = new Map(outputFiles.map((file) => [basename(file.path), file.contents]));
  for (const name of ['index.html', 'main.css'])
    files.set(name, readFileSync(join(recorded, name)));
  files.set('licenses.txt', Buffer.from(licenses(Object.keys(metafile.inputs))));
  moveTo(recordedTarget, files);
  return true;
}

/** @param {boolean} force */
async function buildJoined(force) {
  if (!force && isFresh(source, target)) return false;

  const { build } = await import('esbuild');
  const { outputFiles, metafile } = await build({
    ...COMMON,
    entryPoints: { main: join(source, 'main.tsx') },
    outdir: join(target, 'assets'),
    // A name with the content's hash in it may be cached for ever.
    entryNames: '[name]-[hash]',
    format: 'esm',
    target: ['es2022', 'chrome111', 'firefox115', 'safari16.4'],
    jsx: 'automatic',
  });

  const files = new Map(outputFiles.map((file) => [basename(file.path), file.contents]));
  let html = readFileSync(join(source, 'index.html'), 'utf8');
  for (const name of files.keys()) {
    html = html.replace(`/meet/assets/${name.replace(/-[^-.]+\./, '.')}`, `/meet/assets/${name}`);
  }
  files.set('icon.svg', readFileSync(join(source, 'icon.svg')));
  files.set('licenses.txt', Buffer.from(licenses(Object.keys(metafile.inputs))));

  moveTo(target, files, html);
  return true;
}

/**
 * @param {string} folder
 * @param {ReadonlyMap<string, Uint8Array>} files
 * @param {string} [html] then the files are its assets
 */
function moveTo(folder, files, html) {
  // Written beside and moved over: whoever serves or builds the page meanwhile sees it whole.
  const fresh = `${folder}.${process.pid}`;
  const below = html === undefined ? fresh : join(fresh, 'assets');
  mkdirSync(below, { recursive: true });
  for (const [name, contents] of files) writeFileSync(join(below, name), contents);
  if (html !== undefined) writeFileSync(join(fresh, 'index.html'), html);
  rmSync(folder, { recursive: true, force: true });
  try {
    renameSync(fresh, folder);
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    // Another process was quicker with the same page.
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
  }
}

/**
 * @param {string} from
 * @param {string} to
 */
function isFresh(from, to) {
  const built = join(to, 'index.html');
  if (!existsSync(built)) return false;
  const inputs = readdirSync(from).map((name) => join(from, name));
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
