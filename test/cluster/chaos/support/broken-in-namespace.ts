/** Run by checker-live.long.test.ts, in a network of its own, where cables can be cut. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { RustClients } from '../../../support/call-client-rust';
import { TestCluster } from '../../../support/cluster';
import { sleep, until } from '../../../support/wait';
import { check, type Violation } from './checker';
import { Crowd } from './crowd';
import type { Look } from './observations';
import { Watcher } from './watcher';

const BROKEN = join(__dirname, 'broken-step-back.ts');
const ROOM = 'broken';

// Each process that is started is killed with this one.
process.setMaxListeners(100);
const closers: (() => Promise<void>)[] = [];
const closeAll = async (): Promise<void> => {
  for (const close of closers.splice(0).reverse()) await close();
};
after(closeAll);

/** A Room whose node is cut off for long enough to be called dead, and comes back. */
async function silence(env: Record<string, string>, heldBack: boolean): Promise<Violation[]> {
  const cluster = await TestCluster.start({ namespaces: true });
  closers.push(() => cluster.close());
  for (const node of cluster.mediaNodes) {
    await node.kill();
    await node.start(env);
    if (Object.keys(env).length > 0) assert.match(node.log, /this build never steps back/);
  }
  await cluster.untilServing();
  const clients = await RustClients.start();
  closers.push(() => clients.close());
  const crowd = new Crowd(clients, cluster);
  const watcher = new Watcher(cluster, crowd);
  closers.push(() => watcher.close());
  watcher.start();
  const fromMs = Date.now();
  for (const end of ['a', 'b']) crowd.enter({ room: ROOM, identity: `broken-${end}`, video: true });
  await until('the call to flow', () => crowd.missing().length === 0, { timeoutMs: 20_000 });
  if (heldBack) {
    crowd.enter({ room: ROOM, identity: 'held-back', video: false, subscribe: false });
  }

  const node = await cluster.roomNode(ROOM);
  const cutMs = Date.now();
  await node.cut();
  const hosts = (look: Look | undefined): string[] =>
    (look?.nodes ?? []).flatMap(({ nodeId, rooms }) => (rooms?.includes(ROOM) ? [nodeId] : []));
  await until(
    'the Room to be on another node',
    () => hosts(watcher.looks.at(-1)).some((id) => id !== node.nodeId),
    { timeoutMs: 20_000 },
  );
  await node.mend();
  const mendedMs = Date.now();
  await sleep(14_000);
  const toMs = Date.now();
  const violations = check({
    outages: [{ what: 'network', fromMs: cutMs, toMs: mendedMs }],
    hits: [],
    streams: crowd.streams({ fromMs, toMs }),
    drops: crowd.drops,
    looks: watcher.looks,
    counts: [],
  });
  await closeAll();
  return violations;
}

test('a build that never steps back, and a client that is held back, are found', {
  timeout: 120_000,
}, async (t) => {
  const violations = await silence({ NODE_OPTIONS: `--import tsx --import ${BROKEN}` }, true);
  for (const { rule, text } of violations) t.diagnostic(`${rule}: ${text}`);
  const rules = new Set(violations.map(({ rule }) => rule));
  assert.ok(rules.has('room hosted twice'), 'two hosts were not found');
  const stuck = violations.filter(({ rule }) => rule === 'client stuck');
  assert.ok(stuck.length > 0, 'the client that gets nothing was not found');
  assert.ok(
    stuck.every(({ text }) => text.startsWith('held-back in')),
    'others were stuck too',
  );
});

test('nothing is found in the build as it is', { timeout: 120_000 }, async () => {
  assert.deepEqual(await silence({}, false), []);
});
