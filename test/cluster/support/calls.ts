import assert from 'node:assert/strict';
import { type CallClient, type CallClients, wasDropped } from '../../support/call-client';
import type { ClusterNode, TestCluster } from '../../support/cluster';
import { backAfter, worstGap } from '../../support/measure';
import type { ClientStatus } from '../../support/small-client-protocol';
import { joinToken } from '../../support/tokens';
import { until } from '../../support/wait';

/** Two who see and hear each other. */
export interface Call {
  readonly room: string;
  readonly members: readonly CallClient[];
}

export interface CallOptions {
  /** Of the Rooms' names: different in each test of a cluster. */
  readonly name: string;
  /** @default 1 */
  readonly rooms?: number;
  /** Where they join. @default - through what stands before the masters */
  readonly url?: string;
}

/** Starts calls of two, and waits until all of them see and hear each other. */
export async function startCalls(
  cluster: TestCluster,
  clients: CallClients,
  { name, rooms = 1, url = cluster.url }: CallOptions,
): Promise<Call[]> {
  const calls: Call[] = [];
  for (let i = 0; i < rooms; i++) {
    const room = `${name}-${i}`;
    const join = async (who: string): Promise<CallClient> => {
      const identity = `${room}-${who}`;
      return clients.join(identity, url, await joinToken(cluster, room, identity));
    };
    calls.push({ room, members: [await join('a'), await join('b')] });
  }
  await Promise.all(calls.map((call) => untilFlowing(call)));
  return calls;
}

export async function leaveCalls(calls: readonly Call[]): Promise<void> {
  await Promise.all(calls.flatMap(({ members }) => members.map((one) => one.leave())));
}

/** The calls whose Rooms are placed on a node. */
export async function callsOn(
  cluster: TestCluster,
  calls: readonly Call[],
  node: ClusterNode,
): Promise<Call[]> {
  const rooms = await cluster.admin().rooms();
  const names = rooms.filter(({ nodeId }) => nodeId === node.nodeId).map((room) => room.name);
  return calls.filter(({ room }) => names.includes(room));
}

/** What concerns the client itself; the rest is about somebody, who may be no member of the call. */
const OWN_EVENTS: ReadonlySet<string> = new Set(['reconnecting', 'reconnected', 'disconnected']);

const peerOf = ({ members }: Call, identity: string): string =>
  members.find((one) => one.identity !== identity)?.identity ?? '';

const framesOf = (call: Call, { frames, identity }: ClientStatus): readonly number[] =>
  frames[peerOf(call, identity)] ?? [];

/** Waits until everybody has got several frames of the other since a moment, and heard it. */
export async function untilFlowing(call: Call, sinceMs = 0, timeoutMs = 20_000): Promise<void> {
  for (const member of call.members) {
    let last: ClientStatus | undefined;
    await until(
      `${member.identity} to see and hear the other`,
      async () => {
        last = await member.status(sinceMs);
        const heardAtMs = last.heardAtMs[peerOf(call, member.identity)] ?? 0;
        return framesOf(call, last).length >= 5 && heardAtMs > sinceMs;
      },
      { timeoutMs, intervalMs: 100, explain: () => describe(last) },
    );
  }
}

/**
 * How long after a moment everybody's picture was back, in ms, for calls whose clients had to join
 * anew.
 *
 * @throws Error where somebody does not see the other again in time.
 */
export async function backTimes(
  calls: readonly Call[],
  fromMs: number,
  timeoutMs = 20_000,
): Promise<number[]> {
  const members = calls.flatMap((call) => call.members.map((member) => ({ call, member })));
  return Promise.all(
    members.map(async ({ call, member }) => {
      let last: ClientStatus | undefined;
      const time = await until(
        `the picture of ${member.identity} to be back`,
        async () => {
          last = await member.status(fromMs - 1_000);
          const returned = last.events.findLast(
            ({ name, atMs }) => name === 'reconnected' && atMs > fromMs,
          );
          if (returned === undefined) return undefined;
          // Not those of before, however fresh.
          const times = framesOf(call, last);
          const isFresh = (times.at(-1) ?? 0) > Math.max(Date.now() - 1_000, returned.atMs);
          return isFresh ? backAfter(times, fromMs, Date.now()) : undefined;
        },
        { timeoutMs, intervalMs: 200, explain: () => describe(last) },
      );
      return time ?? Number.POSITIVE_INFINITY;
    }),
  );
}

/** Asserts that nobody in these calls noticed anything since a moment, and returns the worst gap, ms. */
export async function assertUndisturbed(
  calls: readonly Call[],
  fromMs: number,
  limitMs = 1_500,
): Promise<number> {
  let worst = 0;
  for (const call of calls) {
    for (const member of call.members) {
      const status = await member.status(fromMs);
      const noticed = status.events.filter(
        ({ name, detail }) =>
          OWN_EVENTS.has(name) || call.members.some((one) => one.identity === detail),
      );
      assert.deepEqual(noticed, [], `${member.identity} noticed:\n${describe(status)}`);
      worst = Math.max(worst, await gapOf(call, member, fromMs));
    }
  }
  assert.ok(worst < limitMs, `the worst gap in a picture was ${worst} ms`);
  return worst;
}

/** The worst gap in anybody's picture since a moment, ms. */
export async function worstGapOf(calls: readonly Call[], fromMs: number): Promise<number> {
  const gaps = calls.flatMap((call) => call.members.map((member) => gapOf(call, member, fromMs)));
  return Math.max(...(await Promise.all(gaps)));
}

async function gapOf(call: Call, member: CallClient, fromMs: number): Promise<number> {
  const untilMs = Date.now();
  return worstGap(framesOf(call, await member.status(fromMs - 1_000)), fromMs, untilMs);
}

/** Asserts that no SDK has given up by itself. */
export async function assertNoneDropped(calls: readonly Call[]): Promise<void> {
  for (const member of calls.flatMap(({ members }) => members)) {
    const status = await member.status();
    assert.equal(wasDropped(status), false, describe(status));
  }
}

/** For the message of a failed test. */
export function describe(status: ClientStatus | undefined): string {
  if (status === undefined) return 'nothing known of the client';
  const frames = Object.entries(status.frames).map(
    ([identity, times]) => `${identity}: ${times.length} frames, last at ${times.at(-1)}`,
  );
  const events = status.events.map(({ atMs, name, detail }) => `  ${atMs} ${name} ${detail}`);
  return [`${status.identity} is ${status.state}, ${Date.now()}`, ...frames, ...events].join('\n');
}
