import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MemoryRegistry } from '../../node-image/cluster/memory-registry';
import type { Registry, RoomPlacement } from '../../node-image/cluster/registry';
import { startRedis } from '../support/redis';
import { drainOrder, nodeRecord } from './support/registry-facts';
import { connectRegistry } from './support/registry-redis';

const room = fc.constantFrom('a', 'b', 'c');
const node = fc.constantFrom('ND_1', 'ND_2');
/** Of a Room's placements so far: none, the newest, or the first. */
const which = fc.constantFrom('none', 'newest', 'first');

const step = fc.oneof(
  fc.record({ type: fc.constant('place'), room, node, which }),
  fc.record({ type: fc.constant('release'), room, node, which }),
  fc.record({ type: fc.constant('facts'), room, node, which }),
  fc.record({ type: fc.constant('beat'), room, node, which }),
  fc.record({ type: fc.constant('order'), room, node, which }),
  fc.record({ type: fc.constant('cancel'), room, node, which }),
  fc.record({ type: fc.constant('forget'), room, node, which }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Takes the steps, and says what came of each. Epochs are told by their place in the order of placement. */
async function walk(registry: Registry, steps: readonly Step[]): Promise<unknown[]> {
  const epochs = new Map<string, number[]>();
  const nth = (placement: RoomPlacement | undefined) =>
    placement && { ...placement, epoch: epochs.get(placement.room)?.indexOf(placement.epoch) };
  const orderFor = (name: string, chosen: string) => {
    const final = chosen === 'first' ? { final: 'it is terminated' } : {};
    return drainOrder(`${name} ${chosen}`, { deadlineMs: chosen === 'none' ? 5 : 10, ...final });
  };
  const take = async ({ type, room: name, node: nodeId, which: chosen }: Step) => {
    const all = epochs.get(name) ?? [];
    const epoch = chosen === 'none' ? undefined : all.at(chosen === 'newest' ? -1 : 0);
    if (type === 'place') {
      const result = await registry.place({ room: name, nodeId, replaces: epoch });
      if (result.outcome === 'outdated') return result.outcome;
      if (result.outcome === 'placed') epochs.set(name, [...all, result.placement.epoch]);
      return [result.outcome, nth(result.placement)];
    }
    if (type === 'release') return await registry.release(name, epoch ?? 0);
    if (type === 'facts') return await registry.saveFacts(name, epoch ?? 0, `by ${nodeId}`);
    if (type === 'beat') {
      const hosted = epoch === undefined ? [] : [{ room: name, epoch }];
      const obeyed = name === 'c' ? undefined : orderFor(name, chosen);
      const reply = await registry.heartbeat(nodeRecord(nodeId), hosted, obeyed);
      return [reply.restored, reply.superseded.map(nth), reply.order, reply.duplicate];
    }
    if (type === 'cancel') return await registry.cancelOrder(nodeId);
    if (type === 'forget') return await registry.forgetNode(nodeId);
    return await registry.order(nodeId, orderFor(name, chosen));
  };
  const results: unknown[] = [];
  for (const taken of steps) results.push([taken.type, await take(taken)]);
  for (const name of ['a', 'b', 'c']) results.push(nth(await registry.room(name)));
  const { nodes, recent } = await registry.snapshot();
  results.push(
    nodes.map(({ record, order }) => [record.id, order]).sort(),
    recent.map((placement) => `${placement.room} ${placement.nodeId}`).sort(),
    (await registry.rooms()).map(nth).sort((x, y) => ((x?.room ?? '') < (y?.room ?? '') ? -1 : 1)),
  );
  return JSON.parse(JSON.stringify(results));
}

test('the registry in memory and the one in Redis answer alike, whatever they are asked', async () => {
  const redis = await startRedis();
  const { registry } = await connectRegistry(redis.config);
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        await redis.command('FLUSHALL');
        const memory = new MemoryRegistry();
        assert.deepEqual(await walk(registry, steps), await walk(memory, steps));
      }),
      { numRuns: 150 },
    );
  } finally {
    await registry.close();
    await redis.close();
  }
});
