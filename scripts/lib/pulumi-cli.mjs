/**
 * Pulumi's command line and engine for tests, built from its Go modules: neither npm nor PyPI has them.
 * test/support/pulumi/go.sum pins each module. Left out is what a deployment with its state in a folder
 * does not use, and what takes most of the time to build: clouds that keep states, keys and logs, and
 * `pulumi api`.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { run, SetupError } from './commands.mjs';
import { ensureGo } from './go.mjs';
import { cacheFolder } from './host.mjs';
import { GO } from './python-tool.mjs';
import { step } from './steps.mjs';

/** Relative to the project. */
export const RECIPE = 'test/support/pulumi';

const PULUMI = 'github.com/pulumi/pulumi/pkg/v3';

/**
 * What a file of left-out/ stands for: a whole package, or the named files of one.
 *
 * @type {Readonly<Record<string, { module: string, folder: string, files?: readonly string[] }>>}
 */
const LEFT_OUT = {
  'azureblob.txt': { module: 'gocloud.dev', folder: 'blob/azureblob' },
  's3blob.txt': { module: 'gocloud.dev', folder: 'blob/s3blob' },
  'gcsblob.txt': { module: 'gocloud.dev', folder: 'blob/gcsblob' },
  's3.txt': { module: 'github.com/aws/aws-sdk-go-v2/service/s3', folder: '.' },
  'postgres.txt': { module: PULUMI, folder: 'backend/diy/postgres' },
  'authhelpers.txt': { module: PULUMI, folder: 'authhelpers' },
  'cloud-secrets.txt': { module: PULUMI, folder: 'secrets/cloud' },
  'operations.txt': {
    module: PULUMI,
    folder: 'operations',
    files: ['operations_aws.go', 'operations_cloud_aws.go', 'operations_gcp.go'],
  },
  'api-spec.txt': { module: PULUMI, folder: 'cmd/pulumi/cloud', files: ['spec.go', 'schema.go'] },
};

/**
 * Names everything that decides what comes out.
 *
 * @param {string} recipe the folder
 */
export function recipeHash(recipe) {
  const hash = createHash('sha256');
  const files = [
    'go.mod',
    'go.sum',
    'tools.go',
    ...readdirSync(path.join(recipe, 'left-out'))
      .sort()
      .map((name) => `left-out/${name}`),
  ];
  for (const name of files) {
    hash
      .update(`${name}\0`)
      .update(readFileSync(path.join(recipe, name)))
      .update('\0');
  }
  return hash.digest('hex').slice(0, 12);
}

/**
 * The version of Pulumi that go.mod names.
 *
 * @param {string} goMod its text
 */
export function pulumiVersion(goMod) {
  const version = new RegExp(`${PULUMI} (v[\\d.]+)`).exec(goMod)?.[1];
  if (!version) {
    throw new Error(`${RECIPE}/go.mod does not name ${PULUMI}`);
  }
  return version;
}

/**
 * @param {string} root the project
 * @returns {Promise<string>} what PULUMI_BIN has to be
 * @throws {import('./commands.mjs').SetupError}
 */
export async function ensurePulumi(root) {
  const recipe = path.join(root, RECIPE);
  const goMod = readFileSync(path.join(recipe, 'go.mod'), 'utf8');
  const version = pulumiVersion(goMod);
  const cache = cacheFolder(process.env, os.userInfo().homedir);
  const folder = path.join(cache, `pulumi-${version}-${process.arch}-${recipeHash(recipe)}`);
  const program = path.join(folder, 'pulumi');
  if (existsSync(program)) {
    return program;
  }
  const go = await ensureGo(/^go ([\d.]+)$/m.exec(goMod)?.[1] ?? GO.version);
  mkdirSync(cache, { recursive: true });
  const scratch = mkdtempSync(path.join(cache, '.building-pulumi-'));
  try {
    await step(`Build Pulumi ${version} for tests, once a machine (about 2 min)`, async () => {
      await build({ recipe, version, go, scratch });
      mkdirSync(folder, { recursive: true });
      // On the same file system, hence atomic.
      renameSync(path.join(scratch, 'pulumi'), program);
    });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return program;
}

/** @param {{ recipe: string, version: string, go: string, scratch: string }} what */
async function build({ recipe, version, go, scratch }) {
  const module = path.join(scratch, 'module');
  cpSync(recipe, module, { recursive: true });
  const env = {
    ...process.env,
    GOTOOLCHAIN: 'local',
    // What it fetches can be removed by whoever has fetched it.
    GOFLAGS: '-mod=mod -modcacherw',
    GOWORK: 'off',
    CGO_ENABLED: '0',
    // Gone afterwards: it is of no use to anybody else.
    GOCACHE: path.join(scratch, 'cache'),
    GOMODCACHE: path.join(scratch, 'modules'),
  };
  const modules = [...new Set(Object.values(LEFT_OUT).map(({ module: name }) => name))];
  for (const [index, name] of modules.entries()) {
    const { stdout } = spawnSync(go, ['mod', 'download', '-json', name], {
      cwd: module,
      env,
      encoding: 'utf8',
    });
    const found = JSON.parse(stdout);
    if (found.Error) {
      throw new SetupError(
        `Go cannot fetch ${name}, a part of Pulumi that tests need: ${found.Error}. Check the network and GOPROXY, and run it again.`,
      );
    }
    // Go takes no other files for those that it has checked, but another folder for a module.
    const copy = path.join(scratch, `left-out-${index}`);
    cpSync(found.Dir, copy, {
      recursive: true,
      filter: (file) => !/_test\.go$|\/testdata(\/|$)/.test(file),
    });
    leaveOut(path.join(module, 'left-out'), name, copy);
    await run(go, ['mod', 'edit', `-replace=${name}=${copy}`], { cwd: module, env });
  }
  const stamp = `-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=${version}`;
  const args = [
    'build',
    '-trimpath',
    '-gcflags=all=-N -l',
    `-ldflags=-s -w ${stamp}`,
    '-o',
    path.join(scratch, 'pulumi'),
    `${PULUMI}/cmd/pulumi`,
  ];
  await run(go, args, { cwd: module, env });
}

/**
 * Replaces what is left out of a module by what stands for it.
 *
 * @param {string} stubs folder
 * @param {string} module
 * @param {string} copy where it is
 */
function leaveOut(stubs, module, copy) {
  for (const [stub, { module: of, folder, files }] of Object.entries(LEFT_OUT)) {
    if (of !== module) continue;
    const where = path.join(copy, folder);
    for (const name of files ?? readdirSync(where)) {
      if (name.endsWith('.go')) rmSync(path.join(where, name));
    }
    cpSync(path.join(stubs, stub), path.join(where, 'left_out.go'));
  }
}
