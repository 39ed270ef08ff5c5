/**
 * A program that speaks over Redis as LiveKit's services do, for tests: of ours, with LiveKit's own Go
 * modules. test/support/livekit-services/go.sum pins each.
 */
import { createHash } from 'node:crypto';
import {
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
import { run } from './commands.mjs';
import { ensureGo } from './go.mjs';
import { cacheFolder } from './host.mjs';
import { step } from './steps.mjs';

/** Relative to the project. */
export const SERVICES = 'test/support/livekit-services';

/**
 * @param {string} root the project
 * @returns {Promise<{ LIVEKIT_SERVICES_BIN: string }>} what the environment of the tests needs
 * @throws {import('./commands.mjs').SetupError}
 */
export async function ensureLiveKitServices(root) {
  const source = path.join(root, SERVICES);
  const cache = cacheFolder(process.env, os.userInfo().homedir);
  const program = path.join(
    cache,
    `livekit-services-${process.arch}-${sourceHash(source)}`,
    'livekit-services',
  );
  if (!existsSync(program)) {
    const goMod = readFileSync(path.join(source, 'go.mod'), 'utf8');
    const go = await ensureGo(/^go ([\d.]+)$/m.exec(goMod)?.[1] ?? '');
    mkdirSync(cache, { recursive: true });
    const scratch = mkdtempSync(path.join(cache, '.building-livekit-services-'));
    try {
      await step(
        "Build what speaks as LiveKit's services do, once a machine (about 1 min)",
        async () => {
          const made = path.join(scratch, 'livekit-services');
          const args = [
            'build',
            '-trimpath',
            '-gcflags=all=-N -l',
            '-ldflags=-s -w',
            '-o',
            made,
            '.',
          ];
          await run(go, args, { cwd: source, env: goEnvironment(scratch) });
          mkdirSync(path.dirname(program), { recursive: true });
          // On the same file system, hence atomic.
          renameSync(made, program);
        },
      );
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  }
  return { LIVEKIT_SERVICES_BIN: program };
}

/**
 * Names everything that decides what comes out.
 *
 * @param {string} folder
 */
function sourceHash(folder) {
  const hash = createHash('sha256');
  for (const name of readdirSync(folder).sort()) {
    hash
      .update(`${name}\0`)
      .update(readFileSync(path.join(folder, name)))
      .update('\0');
  }
  return hash.digest('hex').slice(0, 12);
}

/** @param {string} scratch folder that is gone afterwards, with what was fetched */
function goEnvironment(scratch) {
  return {
    ...process.env,
    GOTOOLCHAIN: 'local',
    GOFLAGS: '-mod=readonly -modcacherw',
    GOWORK: 'off',
    CGO_ENABLED: '0',
    GOCACHE: path.join(scratch, 'cache'),
    GOMODCACHE: path.join(scratch, 'modules'),
  };
}
