/** A package of this repository as a stranger has it: packed, and installed into an empty project. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const REPOSITORY = join(__dirname, '../..');

/** How strangers compile. */
export const COMPILERS = [
  { what: 'nodenext', options: ['--module', 'nodenext'] },
  {
    what: 'the older CommonJS',
    options: [
      '--module',
      'commonjs',
      '--moduleResolution',
      'node10',
      '--ignoreDeprecations',
      '6.0',
    ],
  },
] as const;

/** What every stack needs on a machine. */
export const NODE_FILES = [
  'package.json',
  'package-lock.json',
  'LICENSE',
  'scripts/lib/worker-build.mjs',
  'node-image/lifecycle/main.ts',
  'node-image/image/install.sh',
  'node-image/console/dist/index.html',
];

const manifestOf = (folder: string) =>
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));

export class StrangerProject {
  readonly path: string;
  readonly #source: string;

  /**
   * @param folder - of the package, in this repository
   * @param npmOptions - of its installation besides
   */
  constructor(folder: string, npmOptions: readonly string[] = []) {
    this.#source = join(REPOSITORY, folder);
    this.path = mkdtempSync(join(tmpdir(), 'sluice-package-'));
    this.run('npm', ['pack', '--pack-destination', this.path], { cwd: this.#source });
    const [tarball = ''] = readdirSync(this.path).filter((name) => name.endsWith('.tgz'));
    const { name, peerDependencies, devDependencies } = manifestOf(this.#source);
    const peers = Object.keys(peerDependencies).map((peer) => [peer, devDependencies[peer]]);
    const { typescript, '@types/node': types } = manifestOf(REPOSITORY).devDependencies;
    const manifest = {
      name: 'stranger',
      private: true,
      dependencies: { [name]: `file:${tarball}`, ...Object.fromEntries(peers) },
      devDependencies: { '@types/node': types, typescript },
    };
    writeFileSync(join(this.path, 'package.json'), JSON.stringify(manifest));
    const quiet = ['--no-audit', '--no-fund', '--prefer-offline'];
    this.run('npm', ['install', ...quiet, ...npmOptions]);
  }

  /** Types of the library are checked too. */
  compile(files: readonly string[], options: readonly string[]): void {
    const tsc = join(this.path, 'node_modules/typescript/bin/tsc');
    const common = ['--strict', '--target', 'es2022', '--types', 'node', '--skipLibCheck', 'false'];
    this.run(process.execPath, [tsc, ...common, ...options, '--outDir', 'out', ...files]);
  }

  /** Fails with what it printed unless it ends with 0. */
  run(
    command: string,
    args: readonly string[],
    { cwd = this.path, env = {} }: { cwd?: string; env?: Readonly<Record<string, string>> } = {},
  ): void {
    const { status, stdout, stderr } = spawnSync(command, args, {
      cwd,
      encoding: 'utf8',
      env: { ...process.env, ...env },
    });
    assert.equal(status, 0, `${command} ${args.join(' ')}\n${stdout}\n${stderr}`);
  }

  /** What was packed goes too. Idempotent. */
  close(): void {
    rmSync(this.path, { recursive: true, force: true });
    rmSync(join(this.#source, 'dist'), { recursive: true, force: true });
  }
}
