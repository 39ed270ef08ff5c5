import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { ReadinessListener } from '../cloud/agent/readiness';

/** In the state folder of the agent. */
const READY_FILE = 'ready.json';

const schema = z.object({ failure: z.string().optional() });

/** Whether a call works through this machine's node, and else why not. */
export type Readiness = z.output<typeof schema>;

/** Tells whoever waits on this machine, such as `sluice boot --wait`. What an earlier one said is gone. */
export async function readyFile(stateFolder: string): Promise<ReadinessListener> {
  const file = join(stateFolder, READY_FILE);
  await rm(file, { force: true });
  return {
    name: file,
    tell: async (failure) => {
      await writeFile(`${file}.new`, `${JSON.stringify({ failure })}\n`, { mode: 0o600 });
      await rename(`${file}.new`, file);
      return true;
    },
  };
}

/** @returns undefined where the agent has not said it yet. @throws Error where the file cannot be used */
export async function readReadiness(stateFolder: string): Promise<Readiness | undefined> {
  const file = join(stateFolder, READY_FILE);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw new Error(`${file} is not what \`sluice agent\` writes; restart sluice-agent.service`, {
      cause: error,
    });
  }
}
