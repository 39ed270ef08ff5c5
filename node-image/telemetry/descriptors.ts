import { readdirSync, readFileSync, statSync } from 'node:fs';
import type { Usage } from '../cluster/node-record';

/** The limits of this process on open files. */
export interface DescriptorLimits {
  /** That holds. */
  readonly soft: number;
  /** That the soft one can be raised to. */
  readonly hard: number;
}

const OPEN_FILES = /^Max open files\s+(\S+)\s+(\S+)/m;
const numberOf = (text: string | undefined): number =>
  text === 'unlimited' ? Number.MAX_SAFE_INTEGER : Number(text ?? 0);

/**
 * Source: proc(5), /proc/pid/limits.
 *
 * @returns 0 for both where the system does not say.
 */
export function readDescriptorLimits(path = '/proc/self/limits'): DescriptorLimits {
  const found = OPEN_FILES.exec(textOf(path));
  return { soft: numberOf(found?.[1]), hard: numberOf(found?.[2]) };
}

/**
 * How many file descriptors this process has open, and may have. Costs microseconds where the kernel
 * counts (6.2 or later), and below a millisecond for a thousand where it does not.
 */
export function readDescriptors(): Usage {
  return { used: countOpen('/proc/self/fd'), limit: readDescriptorLimits().soft };
}

function countOpen(directory: string): number {
  try {
    return statSync(directory).size || readdirSync(directory).length;
  } catch (error) {
    // The look itself needs a descriptor: none is left, unless the system has no such directory.
    const code = error instanceof Error && 'code' in error ? error.code : '';
    return code === 'EMFILE' ? Number.MAX_SAFE_INTEGER : 0;
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
