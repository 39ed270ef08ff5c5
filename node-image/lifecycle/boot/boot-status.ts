import { readFile } from 'node:fs/promises';
import { z } from 'zod';

/** How the last boot ended, for `sluice agent`, which tells the cloud. */
export const BOOT_STATUS_FILE = '/run/sluice/boot-status.json';

const schema = z.discriminatedUnion('state', [
  z.object({ state: z.literal('done') }),
  z.object({ state: z.literal('failed'), reason: z.string() }),
]);

export type BootStatus = z.output<typeof schema>;

/** @returns undefined where no boot has ended yet. @throws Error where the file cannot be used */
export async function readBootStatus(path: string): Promise<BootStatus | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw new Error(`${path} is not what \`sluice boot\` writes; run that again`, { cause: error });
  }
}
