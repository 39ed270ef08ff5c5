import { z } from 'zod';
import type { Registry } from './registry';

/** Document of the registry with the nodes that have left in order. */
export const DEPARTURES_DOCUMENT = 'departures';
/** So many are remembered, the newest: whoever looks does so every few seconds. */
const REMEMBERED = 200;
/** How often it is tried again where another node was faster: as many as leave may do so at once. */
const ATTEMPTS = REMEMBERED;

const departures = z.object({ format: z.literal(1), nodes: z.array(z.string()) });

/**
 * Writes down that a node leaves because somebody told it to: one that is gone without that has
 * died. Before its record is taken away. Never rejects: without the registry nobody learns of it.
 */
export async function noteDeparture(
  registry: Pick<Registry, 'document' | 'writeDocument'>,
  nodeId: string,
): Promise<void> {
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const document = await registry.document(DEPARTURES_DOCUMENT);
      const nodes = [...parse(document?.value), nodeId].slice(-REMEMBERED);
      const text = JSON.stringify({ format: 1, nodes } satisfies z.infer<typeof departures>);
      if (await registry.writeDocument(DEPARTURES_DOCUMENT, text, document?.version ?? 0)) return;
    }
  } catch {
    // The registry is away.
  }
}

/** Ids of the nodes that have left in order, the newest ones. @throws RegistryUnavailableError */
export async function departedNodes(
  registry: Pick<Registry, 'document'>,
): Promise<ReadonlySet<string>> {
  return new Set(parse((await registry.document(DEPARTURES_DOCUMENT))?.value));
}

function parse(text: string | undefined): readonly string[] {
  if (text === undefined) return [];
  try {
    return departures.parse(JSON.parse(text)).nodes;
  } catch {
    // Of another version.
    return [];
  }
}
