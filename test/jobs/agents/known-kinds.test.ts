import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { MemoryRegistry } from '../../../node-image/cluster/memory-registry';
import { KnownKinds } from '../../../node-image/jobs/agents/known-kinds';
import { log } from '../../media/support/media';
import { until } from '../../support/wait';

const GREETER = { type: 0, agentName: 'greeter', deployment: '' };
const SCRIBE = { type: 0, agentName: 'scribe', deployment: '' };

let registry: MemoryRegistry;
let open: KnownKinds[];
let nowMs: number;

beforeEach(() => {
  registry = new MemoryRegistry();
  open = [];
  nowMs = 1_000_000;
});
afterEach(async () => {
  for (const one of open) one.close();
  await registry.close();
});

function known(given: Partial<ConstructorParameters<typeof KnownKinds>[0]> = {}): KnownKinds {
  const one = new KnownKinds({ registry, log, now: () => nowMs, lookMs: 60_000, ...given });
  open.push(one);
  return one;
}

test('many workers of a kind that come at once are told of by one write', async () => {
  let writes = 0;
  const kinds = known({
    registry: {
      document: (name) => registry.document(name),
      writeDocument: (...given) => {
        writes += 1;
        return registry.writeDocument(...given);
      },
      onEvent: (listener) => registry.onEvent(listener),
    },
  });
  const other = known();
  await Promise.all(Array.from({ length: 100 }, () => kinds.announce(GREETER)));
  assert.equal(writes, 1);
  await until('the other node to know', () => other.has(GREETER));
  // Those that stay are told of again in time, and those that do not are forgotten.
  nowMs += 11 * 60_000;
  await kinds.announce(GREETER);
  assert.equal(writes, 2);
  nowMs += 61 * 60_000;
  assert.deepEqual([kinds.has(GREETER), kinds.any], [false, false]);
});

test('a kind that is told of while the node reads what was before is known all the same', async () => {
  let readBefore: (() => void) | undefined;
  let reads = 0;
  const reader = known({
    registry: {
      document: async (name) => {
        const read = await registry.document(name);
        reads += 1;
        // The first answer takes until the second kind stands written.
        if (reads === 1) await new Promise<void>((resolve) => (readBefore = resolve));
        return read;
      },
      writeDocument: (...given) => registry.writeDocument(...given),
      onEvent: (listener) => registry.onEvent(listener),
    },
  });
  const writer = known();
  await writer.announce(GREETER);
  await until('the first to be read', () => readBefore);
  await writer.announce(SCRIBE);
  await new Promise((resolve) => setTimeout(resolve, 50));
  readBefore?.();
  await until('both to be known', () => reader.has(GREETER) && reader.has(SCRIBE));
});
