import type { AzureGroup } from '../../node-image/cloud/azure/azure-group';
import { tooManyRequests } from '../support/fake-azure/azure-fault';
import type { FakeScaleSetOptions } from '../support/fake-azure/fake-scale-set';
import { type AzureWorld, azureWorld } from './azure-group-world';

/** What a controller needs of whoever speaks to the scale set. Each may reject, to be asked again. */
export interface GroupClient {
  wanted(): Promise<number>;
  ids(): Promise<readonly string[]>;
  grow(count: number): Promise<void>;
  end(id: string): Promise<void>;
}

export type StartGroupClient = (world: AzureWorld) => GroupClient;

export const clientOf = (group: AzureGroup): GroupClient => ({
  wanted: async () => (await group.describe()).wanted,
  ids: async () => (await group.describe()).machines.map(({ id }) => id),
  grow: (count) => group.grow(count),
  end: (id) => group.terminate(id),
});

interface Rule {
  readonly machines: number;
  readonly options?: FakeScaleSetOptions;
  /** @returns what the client did wrong; undefined: nothing. */
  readonly check: (client: GroupClient, world: AzureWorld) => Promise<string | undefined>;
}

const MINUTE = 60_000;
const firstOf = ({ set }: AzureWorld): string => set.machines[0]?.name ?? '';
/** As a controller goes on where something did not work. */
const tried = (work: Promise<unknown>): Promise<unknown> => work.catch(() => undefined);

/** What whoever scales a set in Flexible orchestration must do and must not do. */
export const GROUP_RULES: Readonly<Record<string, Rule>> = {
  'ends exactly the machine that it is told': {
    machines: 3,
    check: async (client, world) => {
      const id = firstOf(world);
      await client.end(id);
      const ending = world.set.machines.filter(({ deletion }) => deletion !== undefined);
      if (world.set.chosenByAzure.length > 0) return 'lets Azure choose who goes';
      return ending.length === 1 && ending[0]?.name === id ? undefined : 'ends another machine';
    },
  },

  'sees all machines': {
    machines: 5,
    check: async (client) =>
      (await client.ids()).length === 5 ? undefined : 'sees the first page of machines only',
  },

  'does not count as capacity what is being deleted': {
    machines: 3,
    check: async (client, world) => {
      await client.end(firstOf(world));
      return (await client.wanted()) === 2 ? undefined : 'counts what is being deleted';
    },
  },

  'asks for a deletion once, although it takes long': {
    machines: 2,
    check: async (client, world) => {
      const id = firstOf(world);
      for (let round = 0; round < 3; round += 1) {
        await client.end(id);
        world.clock.now += MINUTE;
      }
      const asked = world.azure.countOf('delete machine');
      return asked === 1 ? undefined : 'asks for a deletion again and again';
    },
  },

  'knows of a deletion before lists show it': {
    machines: 2,
    options: { listLagMs: 30_000 },
    check: async (client, world) => {
      world.clock.now += MINUTE;
      const id = firstOf(world);
      await client.end(id);
      world.clock.now += 5000;
      await client.end(id);
      return world.azure.countOf('delete machine') === 1 ? undefined : 'believes an old list';
    },
  },

  'asks nothing while Azure has asked to wait': {
    machines: 1,
    check: async (client, world) => {
      world.azure.fail('patch set', tooManyRequests(60), 10);
      for (let round = 0; round < 3; round += 1) {
        await tried(client.grow(1));
        world.clock.now += 5000;
      }
      return world.azure.countOf('patch set') === 1 ? undefined : 'asks again before it may';
    },
  },

  'undoes nothing that somebody else has done in this moment': {
    machines: 3,
    check: async (client, { azure, set }) => {
      let isFirst = true;
      azure.onCall = (action) => {
        if (action === 'patch set' && isFirst) {
          isFirst = false;
          set.setCapacity(6);
        }
      };
      await tried(client.grow(1));
      if (set.chosenByAzure.length > 0) return 'takes machines away by growing';
      return set.capacity === 7 ? undefined : 'does not grow where somebody else has';
    },
  },

  'deletes the next machine while the deletion of another hangs': {
    machines: 3,
    options: { hasTerminateNotification: false },
    check: async (client, { set }) => {
      const [first, second] = set.machines;
      if (first !== undefined) first.isStuck = true;
      // One after the other, as a controller does.
      const both = tried(client.end(first?.name ?? '').then(() => client.end(second?.name ?? '')));
      await Promise.race([both, new Promise((resolve) => setTimeout(resolve, 2000))]);
      return set.gone.includes(second?.name ?? '') ? undefined : 'waits for a deletion that hangs';
    },
  },
};

/** @returns what the client did wrong by this rule; undefined: nothing. */
export async function problemOfGroup(
  rule: string,
  start: StartGroupClient,
): Promise<string | undefined> {
  const found = GROUP_RULES[rule];
  if (found === undefined) return `there is no rule ${rule}`;
  const world = await azureWorld(found.machines, found.options ?? {});
  try {
    return await found.check(start(world), world);
  } finally {
    await world.close();
  }
}
