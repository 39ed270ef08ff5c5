import { setTimeout as sleep } from 'node:timers/promises';
import { RegistryUnavailableError } from '../../node-image/cluster/registry';
import { type DrainWorld, drainWorld, HOOK_MS, NOTICE_MS, within } from './drain-world';

/** Runs beside a node until it is closed. */
export interface DrainClient {
  close(): Promise<void>;
}

export type StartClient = (world: DrainWorld) => DrainClient;

/** @returns what the client did wrong; undefined: nothing. */
type Rule = (world: DrainWorld, restart: () => Promise<void>) => Promise<string | undefined>;

const OVER_MS = 3 * HOOK_MS;

const isOrdered = ({ node }: DrainWorld): Promise<boolean> =>
  within(NOTICE_MS, () => node.order !== undefined);

/** The last of a drain: the node is empty, and the machine is to go at once, and by this client. */
async function endsWhenEmpty(world: DrainWorld): Promise<string | undefined> {
  world.node.rooms = 0;
  // The heartbeats that it had were for one more span at most.
  if (!(await within(NOTICE_MS, world.isEnded))) return 'does not let an empty machine go';
  return world.group.cutOff.length > 0 ? 'leaves the end of the machine to the timeout' : undefined;
}

const held = ({ group, isEnded }: DrainWorld): string | undefined =>
  group.cutOff.length > 0 || isEnded() ? 'lets a machine end that has Rooms' : undefined;

/** A hook that was throttled is asked again, with a pause that may be longer than its own. */
async function endsWhenEmptyAfterRetry(world: DrainWorld): Promise<string | undefined> {
  world.node.rooms = 0;
  if (!(await within(2 * NOTICE_MS, world.isEnded))) return 'does not let an empty machine go';
  return world.group.cutOff.length > 0 ? 'leaves the end of the machine to the timeout' : undefined;
}

/** What whoever drains the machines of an Auto Scaling Group must do and must not do. */
export const DRAIN_RULES: Readonly<Record<string, Rule>> = {
  'leaves a machine in service alone': async ({ node, aws, metadata }) => {
    await sleep(HOOK_MS);
    if (metadata.untokened > 0) return 'asks the metadata without a token';
    if (node.order !== undefined) return 'drains a machine that stays';
    return aws.countOf('CompleteLifecycleAction') > 0 ? 'completes what nobody began' : undefined;
  },

  'does not take a metadata service that fails for an end': async ({ metadata, node }) => {
    metadata.failsWith = 500;
    await sleep(HOOK_MS);
    metadata.failsWith = undefined;
    metadata.isSilent = true;
    await sleep(HOOK_MS);
    return node.order === undefined ? undefined : 'drains a machine that stays';
  },

  'holds the machine until its node is empty, and lets it go then': async (world) => {
    world.end();
    if (!(await isOrdered(world))) return 'does not order the drain';
    await sleep(OVER_MS);
    return held(world) ?? (await endsWhenEmpty(world));
  },

  'goes on where AWS throttles': async (world) => {
    world.aws.fail('RecordLifecycleActionHeartbeat', 1);
    world.aws.fail('DescribeLifecycleHooks', 1);
    world.end();
    if (!(await isOrdered(world))) return 'does not order the drain';
    await sleep(OVER_MS);
    world.aws.fail('RecordLifecycleActionHeartbeat', 1);
    await sleep(OVER_MS);
    const problem = held(world);
    if (problem !== undefined) return problem;
    world.aws.fail('CompleteLifecycleAction', 1);
    return endsWhenEmptyAfterRetry(world);
  },

  'holds the machine while the registry hangs': async (world) => {
    const { registry } = world;
    const snapshot = registry.snapshot.bind(registry);
    registry.snapshot = async () => {
      await sleep(OVER_MS);
      throw new RegistryUnavailableError('no answer in time');
    };
    world.end();
    await sleep(OVER_MS);
    registry.snapshot = snapshot;
    return held(world);
  },

  'orders once, however often it looks': async (world) => {
    world.end();
    if (!(await isOrdered(world))) return 'does not order the drain';
    await sleep(OVER_MS);
    return world.node.orders.length > 1 ? 'orders the drain again and again' : undefined;
  },

  'leaves the order that stands as it is': async (world) => {
    const { registry, node } = world;
    const nowMs = (await registry.snapshot()).nowMs;
    await registry.order('N1', {
      id: 'DR_before',
      reason: 'scale-in',
      patienceUntilMs: nowMs + 60_000,
      deadlineMs: nowMs + 3_600_000,
      onDeadline: 'keep',
      final: 'its machine has been told to end',
    });
    world.end();
    await sleep(OVER_MS);
    if (node.order?.id !== 'DR_before') return 'takes the place of an order that is as good';
    return held(world) ?? (await endsWhenEmpty(world));
  },

  'gives Rooms the time that they are promised': async (world) => {
    world.end();
    if (!(await isOrdered(world))) return 'does not order the drain';
    const { nowMs } = await world.registry.snapshot();
    const { patienceUntilMs = 0, final } = world.node.order ?? {};
    if (final === undefined)
      return 'orders what can be cancelled, and the machine ends all the same';
    return patienceUntilMs > nowMs + HOOK_MS ? undefined : 'ends Rooms at once';
  },

  'goes on where it is restarted': async (world, restart) => {
    world.end();
    if (!(await isOrdered(world))) return 'does not order the drain';
    await restart();
    await sleep(OVER_MS);
    const problem = held(world) ?? (await endsWhenEmpty(world));
    return world.node.orders.length > 1 ? 'orders the drain anew' : problem;
  },

  'lets a machine go whose node is gone': async (world) => {
    world.end();
    if (!(await isOrdered(world))) return 'does not order the drain';
    await world.node.die();
    if (!(await within(2 * NOTICE_MS, world.isEnded))) return 'waits for a node that is gone';
    return world.group.cutOff.length > 0 ? 'leaves a dead machine to the timeout' : undefined;
  },

  'holds a machine whose node the registry has lost': async (world) => {
    world.end();
    if (!(await isOrdered(world))) return 'does not order the drain';
    const { registry } = world;
    const snapshot = registry.snapshot.bind(registry);
    registry.snapshot = async () => ({ ...(await snapshot()), nodes: [] });
    await sleep(OVER_MS);
    registry.snapshot = snapshot;
    return held(world);
  },

  'never abandons': async (world) => {
    world.end();
    if (!(await isOrdered(world))) return 'does not order the drain';
    await endsWhenEmpty(world);
    const results = world.aws.calls
      .filter(({ action }) => action === 'CompleteLifecycleAction')
      .map(({ query }) => query.get('LifecycleActionResult'));
    return results.every((result) => result === 'CONTINUE') ? undefined : 'abandons the machine';
  },
};

/** @returns what the client did wrong by this rule; undefined: nothing. */
export async function problemBy(rule: string, start: StartClient): Promise<string | undefined> {
  const check = DRAIN_RULES[rule];
  if (check === undefined) return `there is no rule ${rule}`;
  const world = await drainWorld();
  let client = start(world);
  try {
    return await check(world, async () => {
      await client.close();
      client = start(world);
    });
  } finally {
    await client.close();
    await world.close();
  }
}
