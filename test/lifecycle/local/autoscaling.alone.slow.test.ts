/** What `npm start` runs grows and shrinks with the load, under a call that goes on. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { AdminClient } from '../../../node-image/api/cluster/admin-client';
import type { RoomView } from '../../../node-image/cluster/admin-views';
import {
  assertNoneDropped,
  type Call,
  leaveCalls,
  untilFlowing,
  worstGapOf,
} from '../../cluster/support/calls';
import type { CallClient } from '../../support/call-client';
import { RustClients } from '../../support/call-client-rust';
import { report, table } from '../../support/measure-report';
import { joinToken } from '../../support/tokens';
import { sleep, until, within } from '../../support/wait';
import { upWithNodes } from './support';
import { servingIn, Timeline } from './timeline';

/** Everything but the numbers is as `npm start` has it: a few small calls shall be much load here. */
const SETTINGS = {
  // A Room costs what it costs: what new ones are expected to cost would hide it.
  ledger: { room_cpu_cost: 0.005 },
  scaling: { target_load: 0.1, scale_in_after: '10s' },
  drain: { patience: '3s' },
};
const KEY = { apiKey: 'devkey', apiSecret: 'secret' };
/** In each Room that makes load. */
const CLIENTS = 5;
/** They send and get nothing: load of no account, and participants all the same. */
const BYSTANDERS = 2;
const BYSTANDER = { audio: false, video: false, subscribe: false };
/** More would be too much for a small machine: the clients cost more than the nodes. */
const MOST_ROOMS = 10;
/** Joining costs more than to be in a call, most of all on a new node: spread, so that calls are the load, ms. */
const BETWEEN_JOINS_MS = 1_000;
/** Until a new Room shows in the load of its node, and the load in what is decided, ms. */
const SETTLE_MS = 3_000;

const REPORT = { name: 'autoscaling', about: '' };

/** With those who send nothing, of whom nobody gets anything. */
interface BusyCall extends Call {
  readonly everybody: readonly CallClient[];
}

const closers: (() => Promise<void>)[] = [];
after(async () => {
  for (const close of closers.toReversed()) await close();
});

test('the cluster grows from one Media Node to three and shrinks to one, under a call that goes on', {
  timeout: 300_000,
}, async (t) => {
  const running = await upWithNodes({ nodes: { initial: 1, min: 1, max: 4 }, settings: SETTINGS });
  closers.push(async () => {
    running.child.kill('SIGINT');
    await within('the cluster to end', running.ended, 15_000);
  });
  const admin = new AdminClient({ url: `http://127.0.0.1:${running.port}`, ...KEY });
  const timeline = new Timeline(admin);
  closers.push(() => timeline.close());
  let reported = false;
  closers.push(async () => {
    if (!reported)
      t.diagnostic(`${table({ ...REPORT, rows: timeline.rows() })}\n${running.output()}`);
  });
  const serving = (): number => (timeline.last ? servingIn(timeline.last).length : 0);
  const explain = (): string => [...timeline.decisions, running.output()].join('\n');
  const startCall = async (room: string, size: number, bystanders = 0): Promise<BusyCall> => {
    // Each call in a process of its own: one for all would be too much for its thread.
    const clients = await RustClients.start();
    closers.push(() => clients.close());
    const everybody: CallClient[] = [];
    const url = `ws://127.0.0.1:${running.port}`;
    for (let i = 0; i < size + bystanders; i++) {
      const identity = `${room}-${i}`;
      const options = i < size ? {} : BYSTANDER;
      const client = await clients.join(
        identity,
        url,
        await joinToken(KEY, room, identity),
        options,
      );
      everybody.push(client);
      await sleep(BETWEEN_JOINS_MS);
    }
    return { room, members: everybody.slice(0, size), everybody };
  };

  await until('one Media Node to serve', () => serving() === 1, { explain });
  const lasting = await startCall('lasting', 2);
  await untilFlowing(lasting);
  const begunMs = Date.now();
  const before = await viewOf(admin, lasting);

  const busy: BusyCall[] = [];
  const startBusy = async (size = CLIENTS, bystanders = 0): Promise<BusyCall> => {
    assert.ok(busy.length < MOST_ROOMS, `${busy.length} Rooms, and still not so\n${explain()}`);
    const call = await startCall(`busy-${busy.length}`, size, bystanders);
    busy.push(call);
    await sleep(SETTLE_MS);
    return call;
  };
  for (const nodes of [2, 3]) {
    while (startedIn(timeline) < nodes) await startBusy();
    await until(`${nodes} to serve`, () => serving() >= nodes, { timeoutMs: 30_000, explain });
  }
  const machineOf = async (call: Call): Promise<string | undefined> =>
    timeline.machineOf((await viewOf(admin, call)).nodeId);
  const areUsed = async (...machines: string[]): Promise<boolean> => {
    const used = (await admin.rooms()).map(({ nodeId }) => timeline.machineOf(nodeId));
    return machines.every((machine) => used.includes(machine));
  };
  // Where the load came fast (joining is much of it), the last node serves before it is needed.
  while (!(await areUsed('media-1', 'media-2', 'media-3'))) await startBusy();
  // More people than in the lasting call, so that it is that one's node which is cheaper to empty.
  let late = await startBusy(2, BYSTANDERS);
  while ((await machineOf(late)) === 'media-1') late = await startBusy(2, BYSTANDERS);
  busy.splice(busy.indexOf(late), 1);
  await Promise.all([lasting, late].map((call) => untilFlowing(call, Date.now())));
  await leaveCalls(busy.map(({ room, everybody }) => ({ room, members: everybody })));
  const leftMs = Date.now();
  await until(
    'one Media Node to be left',
    () => serving() === 1 && timeline.last?.media.length === 1,
    { timeoutMs: 120_000, explain },
  );
  const shrunkMs = Date.now();
  await untilFlowing(lasting, shrunkMs);
  await untilFlowing(late, shrunkMs);

  // Whoever left had been drained, and was empty.
  const { decisions } = timeline;
  const ended = decisions.flatMap((text) => /^ended machine (\S+) /.exec(text)?.[1] ?? []);
  assert.equal(ended.length, startedIn(timeline) - 1, explain());
  for (const machine of ended) {
    const drained = decisions.findIndex((text) => text.startsWith(`draining node ${machine} `));
    const gone = decisions.findIndex((text) => text.startsWith(`ended machine ${machine} `));
    assert.ok(drained >= 0 && drained < gone, explain());
    assert.match(decisions[gone] ?? '', /it is empty \(scale-in\)$/);
  }

  // The call is another node's now, and the same call.
  await assertNoneDropped([lasting, late]);
  const now = await viewOf(admin, lasting);
  assert.equal(timeline.machineOf(before.nodeId), 'media-1');
  assert.notEqual(now.nodeId, before.nodeId);
  assert.ok(ended.includes('media-1'));
  assert.equal(now.sid, before.sid);
  assert.equal(now.participants, 2);
  const gap = await worstGapOf([lasting], begunMs);
  assert.ok(gap < 10_000, `the worst gap in a picture was ${gap} ms`);

  const peak = Math.max(...timeline.moments.map((moment) => servingIn(moment).length));
  reported = true;
  await report(t, {
    ...REPORT,
    about:
      `What npm start runs, between 1 and 4 Media Nodes (of one worker each; target_load ` +
      `${SETTINGS.scaling.target_load}, scale_in_after ${SETTINGS.scaling.scale_in_after}, ` +
      `patience ${SETTINGS.drain.patience}): ${busy.length} Rooms of ${CLIENTS} come (Opus and VP8 ` +
      '160x90 at 5 frames/s, clients of the Rust SDK on the same machine) and leave, under a call ' +
      'of two that goes on. Load is the CPU time of a node with its processes, as a share of its ' +
      `one core. ${peak} nodes served at most; 1 was left ${Math.round((shrunkMs - leftMs) / 1000)} ` +
      `s after the load had gone. The call was moved, 0 of its 2 participants were dropped, and ` +
      `the worst gap between two frames was ${gap} ms (about 200 where nothing happens).`,
    rows: timeline.rows(),
  });
});

/** How many machines there were in all so far: the first one, and those that were asked for. */
function startedIn({ decisions }: Timeline): number {
  const asked = decisions.map((text) => Number(/^starting (\d+) more/.exec(text)?.[1] ?? 0));
  return 1 + asked.reduce((sum, one) => sum + one, 0);
}

async function viewOf(admin: AdminClient, { room }: Call): Promise<RoomView> {
  const found = (await admin.rooms()).find(({ name }) => name === room);
  assert.ok(found, `${room} is placed nowhere`);
  return found;
}
