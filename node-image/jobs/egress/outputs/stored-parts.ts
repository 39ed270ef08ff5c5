import { appendFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Storage } from '../upload/storage';
import type { Segment } from './playlist';

/** The pieces of a file that are stored while it is recorded, and taken away when it is whole. */
export interface StoredParts {
  /** The first thing that went wrong for good. */
  readonly failure: Error | undefined;
  /** A segment is complete on the disk. */
  segment(segment: Segment): void;
  /** All that is on the disk is stored: nothing more is written there. @throws Error */
  done(): Promise<void>;
  /**
   * What the runs before this one have stored, on this disk.
   *
   * @returns of each run its files, in their order; each run by itself can be read
   */
  before(folder: string): Promise<string[][]>;
  remove(): Promise<void>;
  /** Nothing more is stored. Idempotent. */
  close(): void;
}

/**
 * Fetches pieces that are parts of one file each run.
 *
 * @param name - of a run and the number of a piece in it, as the storage calls it
 * @param keys - those that were found are added
 * @returns a file for each run that has stored any
 */
export async function fetchParts(
  storage: Storage,
  folder: string,
  runs: number,
  name: (run: number) => (at: number) => string,
  keys: string[],
): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const files: string[] = [];
  for (let run = 0; run < runs; run += 1) {
    const file = join(folder, String(run));
    for (let at = 0; ; at += 1) {
      const key = name(run)(at);
      const bytes = await storage.get(key);
      if (bytes === undefined) break;
      await appendFile(file, bytes);
      keys.push(key);
      if (at === 0) files.push(file);
    }
  }
  return files;
}
