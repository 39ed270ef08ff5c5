/**
 * The lockfile names every optional dependency, those of other platforms too. npm leaves one out
 * when the registry in use does not answer for it, and from then on `npm ci` fails for everybody.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { missingOptional } from '../lib/stamp.mjs';
import { ROOT } from '../setup.mjs';

const lock = JSON.parse(readFileSync(path.join(ROOT, 'package-lock.json'), 'utf8'));
const missing = missingOptional(lock);
for (const { from, name, range } of missing) {
  console.error(
    `package-lock.json misses ${name}@${range}, an optional dependency of ${from}: add it by \`npm install --package-lock-only\` against a complete registry.`,
  );
}
process.exitCode = missing.length === 0 ? 0 : 1;
