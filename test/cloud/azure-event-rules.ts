import { setTimeout as sleep } from 'node:timers/promises';
import { recordOf } from '../cluster/core-support';
import { type EventWorld, eventWorld, NOTICE_MS } from './azure-event-world';
import { LOOK_MS, within } from './drain-world';

/** Runs beside a node until it is closed. */
export interface EventClient {
  close(): Promise<void>;
}

export type StartEventClient = (world: EventWorld) => EventClient;

/** @returns what the client did wrong; undefined: nothing. */
type Rule = (world: EventWorld, restart: () => Promise<void>) => Promise<string | undefined>;

/** What a client is given to notice, ms: much longer than it takes. */
const SOON_MS = 3000;
/** What it is given to do something wrong, ms. */
const WATCHED_MS = 12 * LOOK_MS;
/** The process of a node that is gone for so long counts as gone, ms. */
export const GONE_MS = 300;

const isOrdered = ({ node }: EventWorld): Promise<boolean> =>
  within(SOON_MS, () => node.order !== undefined);
const isGone = ({ set, machineId }: EventWorld) => set.gone.includes(machineId);
const terminate = ({ set, machineId }: EventWorld) => set.delete(machineId);

/** The node is empty, and Azure is told so at once. */
async function endsWhenEmpty(world: EventWorld): Promise<string | undefined> {
  world.node.rooms = 0;
  if (!(await within(SOON_MS, () => isGone(world)))) return 'does not let an empty machine go';
  return undefined;
}

/** What whoever answers Scheduled Events must do and must not do. */
export const EVENT_RULES: Readonly<Record<string, Rule>> = {
  'holds the machine until its node is empty, and lets it go then': async (world) => {
    terminate(world);
    if (!(await isOrdered(world))) return 'does not order the drain';
    await sleep(WATCHED_MS);
    return isGone(world) ? 'lets a machine end that has Rooms' : endsWhenEmpty(world);
  },

  'leaves machines alone that nothing happens to': async ({ set, node, otherId }) => {
    set.delete(otherId);
    await sleep(WATCHED_MS);
    if (node.order !== undefined) return 'drains a machine that stays';
    return set.approved.length > 0 ? 'approves what is about another machine' : undefined;
  },

  'lets an event of several machines start when all of them are empty': async (world) => {
    const { announce, node, set, registry, machineId, otherId } = world;
    const other = (state: 'serving' | 'drained') =>
      registry.heartbeat(recordOf('N2', { machineId: otherId, state }), [], undefined);
    await other('serving');
    announce({ EventType: 'Reboot', Resources: [machineId, otherId] });
    if (!(await isOrdered(world))) return 'does not order the drain';
    node.rooms = 0;
    await sleep(WATCHED_MS);
    if (set.approved.length > 0) return 'lets another machine restart that has Rooms';
    await registry.order('N2', { ...orderOf(world), id: 'DR_2' });
    await other('drained');
    return (await within(SOON_MS, () => set.approved.length > 0))
      ? undefined
      : 'does not let empty machines restart';
  },

  'has the node serve again when the maintenance is over': async (world) => {
    const { announce, forget, node, set, registry } = world;
    announce({ EventType: 'Redeploy' });
    if (!(await isOrdered(world))) return 'does not order the drain';
    if (node.order?.final !== undefined) return 'ends a machine for good that comes back';
    node.rooms = 0;
    if (!(await within(SOON_MS, () => set.approved.length > 0))) return 'does not approve';
    forget();
    const orders = async () => (await registry.snapshot()).nodes.map(({ order }) => order);
    for (const untilMs = performance.now() + SOON_MS; performance.now() < untilMs; ) {
      if ((await orders()).every((order) => order === undefined)) return undefined;
      await sleep(LOOK_MS);
    }
    return 'leaves the node drained for ever';
  },

  'lets a short pause happen': async ({ announce, node, set }) => {
    announce({ EventType: 'Freeze', DurationInSeconds: 2 });
    if (!(await within(SOON_MS, () => set.approved.length > 0))) return 'holds the pause up';
    return node.order === undefined ? undefined : 'moves Rooms for a pause of two seconds';
  },

  'moves Rooms at once where Azure takes a spot machine': async (world) => {
    const { announce, node, registry } = world;
    announce({ EventType: 'Preempt', NotBefore: new Date(Date.now() + 30_000).toUTCString() });
    if (!(await isOrdered(world))) return 'does not order the drain';
    const { nowMs } = await registry.snapshot();
    const { deadlineMs = 0, patienceUntilMs = 0 } = node.order ?? {};
    if (deadlineMs > nowMs + 29_000) return 'takes more time than Azure gives';
    return patienceUntilMs > nowMs ? 'waits for Rooms to end by themselves' : undefined;
  },

  'gives Rooms the time that Azure gives': async (world) => {
    terminate(world);
    if (!(await isOrdered(world))) return 'does not order the drain';
    const { nowMs } = await world.registry.snapshot();
    const { deadlineMs = 0, patienceUntilMs = 0, final } = world.node.order ?? {};
    if (final === undefined) {
      return 'orders what can be cancelled, and the machine ends all the same';
    }
    if (deadlineMs > nowMs + NOTICE_MS) return 'takes more time than Azure gives';
    return patienceUntilMs < nowMs + NOTICE_MS / 2 ? 'ends Rooms at once' : undefined;
  },

  'orders once, however often it looks': async (world) => {
    terminate(world);
    if (!(await isOrdered(world))) return 'does not order the drain';
    await sleep(WATCHED_MS);
    return world.node.orders.length > 1 ? 'orders the drain again and again' : undefined;
  },

  'does not take a metadata service that fails for an answer': async (world) => {
    const { metadata, node, set, announce } = world;
    metadata.failsWith = 429;
    await sleep(WATCHED_MS);
    if (node.order !== undefined) return 'drains a machine that stays';
    metadata.failsWith = undefined;
    announce({ EventType: 'Reboot' });
    if (!(await isOrdered(world))) return 'does not order the drain';
    metadata.failsWith = 500;
    await sleep(WATCHED_MS);
    const { nodes } = await world.registry.snapshot();
    if (nodes.some(({ order }) => order === undefined)) return 'takes silence for the end of it';
    return set.approved.length > 0 ? 'approves although the node has Rooms' : undefined;
  },

  'lets a machine go whose node is gone': async (world) => {
    terminate(world);
    if (!(await isOrdered(world))) return 'does not order the drain';
    await world.node.die();
    return (await within(SOON_MS, () => isGone(world)))
      ? undefined
      : 'waits for a node that is gone';
  },

  'holds a machine whose node the registry has lost': async (world) => {
    terminate(world);
    if (!(await isOrdered(world))) return 'does not order the drain';
    const { registry } = world;
    const snapshot = registry.snapshot.bind(registry);
    registry.snapshot = async () => ({ ...(await snapshot()), nodes: [] });
    await sleep(WATCHED_MS);
    registry.snapshot = snapshot;
    return isGone(world) ? 'lets a machine end that has Rooms' : undefined;
  },

  'goes on where it is restarted': async (world, restart) => {
    terminate(world);
    if (!(await isOrdered(world))) return 'does not order the drain';
    await restart();
    await sleep(WATCHED_MS);
    if (isGone(world)) return 'lets a machine end that has Rooms';
    const problem = await endsWhenEmpty(world);
    return world.node.orders.length > 1 ? 'orders the drain anew' : problem;
  },
};

const orderOf = ({ node }: EventWorld) => {
  if (node.order === undefined) throw new Error('there is no order');
  return node.order;
};

/** @returns what the client did wrong by this rule; undefined: nothing. */
export async function problemOfEvents(
  rule: string,
  start: StartEventClient,
): Promise<string | undefined> {
  const check = EVENT_RULES[rule];
  if (check === undefined) return `there is no rule ${rule}`;
  const world = await eventWorld();
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
