import type { Machine } from '../boot/machine';
import { SERVICE_FILES } from '../boot/own-services';
import { askHttp } from '../doctor/ask-http';
import { parseEntry } from '../doctor/entry-facts';

const ANSWER_MS = 3000;

/**
 * Asks as a client does.
 *
 * @returns why clients do not reach the node through the HAProxy of this machine, as a part of a
 *   sentence; undefined: they do, or there is none that could be asked
 */
export async function entryProblem(machine: Machine): Promise<string | undefined> {
  const entry = parseEntry((await machine.read(SERVICE_FILES.haproxy)) ?? '');
  // Behind a load balancer it answers that alone.
  if (entry === undefined || entry.takesProxyHeader) return undefined;
  const { port, certificate } = entry;
  const answer = await askHttp({
    host: '127.0.0.1',
    port,
    timeoutMs: ANSWER_MS,
    tls: certificate !== undefined,
  });
  if (answer.kind === 'answer' && answer.status === 200) return undefined;
  const said = answer.kind === 'answer' ? `answers ${answer.status}` : 'does not answer';
  return `clients do not reach it, as HAProxy ${said} at port ${port}: see \`journalctl -u sluice-haproxy\`, and run this again.`;
}
