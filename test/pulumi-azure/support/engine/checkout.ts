import { cpSync, mkdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const REPOSITORY = join(__dirname, '../../../..');

/** What of the repository a deployment reads. */
const PARTS = [
  'LICENSE',
  'node-image',
  'package-lock.json',
  'package.json',
  'pulumi-azure',
  'scripts/lib',
];

/**
 * Copies what a deployment reads: nothing of it changes during a test, and Pulumi writes beside its
 * project. The folder is below the repository, whose packages are found from there.
 */
export function checkoutAt(folder: string): void {
  for (const part of PARTS) {
    mkdirSync(dirname(join(folder, part)), { recursive: true });
    cpSync(join(REPOSITORY, part), join(folder, part), {
      recursive: true,
      filter: (file) => !/node_modules|\/dist\/lib|\.tsbuildinfo$/.test(relative(REPOSITORY, file)),
    });
  }
}
