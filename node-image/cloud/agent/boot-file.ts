import { readFile } from 'node:fs/promises';
import { z } from 'zod';

/** Of what the deployment has written for the machine's start, what the agent needs. */
const bootSchema = z.object({
  region: z.string().min(1).optional(),
  signal: z.object({ stack: z.string().min(1), resource: z.string().min(1) }).optional(),
  log_group: z.string().min(1).optional(),
  /** Client id of the identity of a machine of Azure. */
  identity: z.string().min(1).optional(),
  log_ingestion: z
    .object({ endpoint: z.url(), rule: z.string().min(1), stream: z.string().min(1) })
    .optional(),
  entry: z
    .object({
      lets_encrypt: z.object({ domain: z.string(), awaited: z.boolean().default(true) }).optional(),
    })
    .optional(),
});

export type BootFile = z.output<typeof bootSchema>;

/**
 * Reads /etc/sluice/boot.json. Where there is none, nobody waits for a signal.
 *
 * @throws Error with a sentence for people where it cannot be used.
 */
export async function readBootFile(path: string): Promise<BootFile> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {};
    throw error;
  }
  try {
    return bootSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new Error(
      `${path} is not what a deployment writes; its signal must have the name of a stack and of a resource in it, log_group be the name of a log group, and log_ingestion have an endpoint, a rule and a stream`,
      { cause: error },
    );
  }
}
