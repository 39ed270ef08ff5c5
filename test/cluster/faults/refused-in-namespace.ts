/** Run by refused.slow.test.ts, in the network that in-namespace.sh makes. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { RustClients } from '../../support/call-client-rust';
import { TestCluster } from '../../support/cluster';
import { joinToken } from '../../support/tokens';
import { sleep, until } from '../../support/wait';
import { assertUndisturbed, leaveCalls, startCalls } from '../support/calls';
import { handshake } from '../support/handshake';

const run = promisify(execFile);

let cluster: TestCluster;
let clients: RustClients;
before(async () => {
  cluster = await TestCluster.start({ namespaces: true });
  clients = await RustClients.start();
});
after(async () => {
  await clients?.close();
  await cluster?.close();
});

/** New connections are refused as by a closed port; those that are open go on. */
const refuse = (host: string, port: number) => [
  'add table inet refuse;',
  'add chain inet refuse out { type filter hook output priority 0; };',
  `add rule inet refuse out ip daddr ${host} tcp dport ${port} tcp flags & (syn | ack) == syn reject with tcp reset`,
];

test('a node whose port is closed to the Master Node keeps its Rooms and its order', {
  timeout: 120_000,
}, async () => {
  const calls = await startCalls(cluster, clients, { name: 'refused', rooms: 2 });
  const victim = await cluster.roomNode('refused-0');
  const known = async () =>
    (await cluster.admin().nodes()).nodes.find(({ id }) => id === victim.nodeId);
  const link = (await known())?.record.link;
  assert.ok(link);
  const { order } = await cluster.admin().drain(victim.nodeId, { patience: '20m' });
  // As long as connections without a request are kept: over one that is open, the node answers.
  await sleep(35_000);
  const fromMs = Date.now();
  const knock = async () => {
    const token = await joinToken(cluster, 'refused-0', 'late');
    return (await handshake(cluster.httpUrl, token)).status;
  };
  await run('nft', [refuse(link.host, link.port).join(' ')]);
  try {
    for (let count = 0; count < 3; count += 1) {
      assert.equal(await knock(), 503);
      const node = await known();
      assert.deepEqual([node?.state, node?.order?.id], ['draining', order.id]);
    }
    assert.equal((await cluster.roomNode('refused-0')).nodeId, victim.nodeId);
  } finally {
    await run('nft', ['delete table inet refuse']);
  }
  assert.match(cluster.log(), /refuse connections from here to its link/);
  assert.doesNotMatch(cluster.log(), /a node is dead|has left/);
  await until('clients to be let in again', async () => (await knock()) === 101);
  await assertUndisturbed(calls, fromMs);
  await leaveCalls(calls);
});
