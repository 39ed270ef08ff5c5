/** Go, for programs that tests are run against. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { findProgram } from './commands.mjs';
import { versionAtLeast } from './host.mjs';
import { ensurePythonTool, GO } from './python-tool.mjs';

/**
 * @param {string} oldest version that will do
 * @returns {Promise<string>} the machine's Go, or one of PyPI
 */
export async function ensureGo(oldest) {
  const own = findProgram('go', process.env);
  if (own) {
    const { stdout } = spawnSync(own, ['env', 'GOVERSION'], {
      encoding: 'utf8',
      env: { ...process.env, GOTOOLCHAIN: 'local' },
    });
    const version = /^go(\d+\.\d+(?:\.\d+)?)/.exec(stdout ?? '')?.[1];
    if (version && versionAtLeast(version, oldest)) {
      return own;
    }
  }
  const [python] = await ensurePythonTool(GO);
  const packages = path.join(path.dirname(path.dirname(python)), 'lib');
  const [version = ''] = readdirSync(packages);
  // The compiler itself: what is in bin/ names the folder that it was made in.
  return path.join(packages, version, 'site-packages/go/bin/go');
}
