/**
 * LiveKit's framework of agents for Node.js, which tests run workers of: in the user's cache folder,
 * as its 290 MB are of no use to who does not run these tests.
 */
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { run } from './commands.mjs';
import { cacheFolder } from './host.mjs';
import { npmEnvironment } from './npm-packages.mjs';
import { step } from './steps.mjs';

/** What is installed, with every version; relative to the project. */
export const AGENTS_JS = 'test/support/agents-js';

/**
 * Where it is kept; other versions, another folder. Pure.
 *
 * @param {string} cache
 * @param {string} lockfile its text
 */
export function agentsFolder(cache, lockfile) {
  const hash = createHash('sha256').update(lockfile).digest('hex').slice(0, 12);
  return path.join(cache, `agents-js-${hash}`);
}

/**
 * @param {string} root the project
 * @returns {Promise<{ AGENTS_JS_FOLDER: string }>} what the environment of the tests needs
 * @throws {SetupError}
 */
export async function ensureAgentsJs(root) {
  const source = path.join(root, AGENTS_JS);
  const lockfile = readFileSync(path.join(source, 'package-lock.json'), 'utf8');
  const folder = agentsFolder(cacheFolder(process.env, os.userInfo().homedir), lockfile);
  // Written last: without it an installation was interrupted.
  const complete = path.join(folder, 'complete');
  if (!existsSync(complete)) {
    await step("Install LiveKit's agents for Node.js, once a machine (up to 1 min)", async () => {
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(folder, { recursive: true });
      for (const name of ['package.json', 'package-lock.json']) {
        copyFileSync(path.join(source, name), path.join(folder, name));
      }
      const env = npmEnvironment(root, process.env);
      await run('npm', ['ci', '--ignore-scripts'], { cwd: folder, env });
      writeFileSync(complete, '');
    });
  }
  return { AGENTS_JS_FOLDER: folder };
}
