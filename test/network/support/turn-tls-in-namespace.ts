/** Run by turn-tls.alone.test.ts, in the network that in-namespace.sh makes. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { derivedSecret } from '../../../node-image/lifecycle/derived-secret';
import { turnCredentials } from '../../../node-image/signaling/ice-servers';
import { TurnClient } from '../../lifecycle/support/turn-client';
import { openBrowser, type TestBrowser } from '../../support/browser';
import { BrowserClient } from '../../support/client';
import { CLUSTER_SECRET, type ClusterNode, TestCluster } from '../../support/cluster';
import { TestHaproxy } from '../../support/haproxy';
import { joinToken } from '../../support/tokens';
import { until } from '../../support/wait';
import { bothPaths } from './paths';
import { turnOverTls } from './turn-over-tls';

const DOMAIN = 'meet.example.test';
/** This machine's, as in-namespace.sh has it. */
const ENTRY = '10.87.0.1';
const TURN_PORT = 3478;
/** Nobody: what it sends can be told from what the browser sends. */
const HAPROXY_UID = 65_534;
const options = { timeout: 90_000 };

let folder = '';
let haproxy: TestHaproxy;
let cluster: TestCluster;
let browser: TestBrowser;

before(async () => {
  // TURN servers that are killed leave their files.
  folder = await mkdtemp(join(tmpdir(), 'sluice-turn-tls-'));
  process.env['TMPDIR'] = folder;
  haproxy = await TestHaproxy.make(443, HAPROXY_UID);
  cluster = await TestCluster.start({
    namespaces: true,
    config: {
      // As it is in a cloud; the master has no use for most of it.
      turn: {
        enabled: true,
        udp_port: TURN_PORT,
        tls_port: 443,
        external_tls: true,
        domain: DOMAIN,
      },
      sluice: { entry_socket: haproxy.adminSocket, trusted_proxies: ['127.0.0.1/32'] },
    },
  });
  const [master] = cluster.masters;
  const port = new URL(master?.httpUrl ?? '').port;
  await haproxy.start({ masters: [`127.0.0.1:${port}`], turnSlots: 4 });
  onlyHttps(cluster.mediaNodes);
  browser = await openBrowser([
    '--ignore-certificate-errors',
    // For TURN it asks for the name with a dot at its end.
    `--host-resolver-rules=MAP ${DOMAIN} ${ENTRY},MAP ${DOMAIN}. ${ENTRY}`,
  ]);
  await untilPassedOn(2);
});
after(async () => {
  await browser?.close();
  for (const node of cluster?.mediaNodes.filter(({ running }) => running) ?? []) {
    await killWithTurn(node);
  }
  await cluster?.close();
  await haproxy?.close();
  await rm(folder, { recursive: true, force: true });
});

/**
 * What a strict network does to the browser here: no UDP goes out to the Media Nodes, and of TCP
 * neither ICE nor TURN. HAProxy, and what Media Nodes send each other, are not hindered.
 */
function onlyHttps(nodes: readonly ClusterNode[]): void {
  const iceTcp = nodes.map(({ config }) => Object(config['rtc']).tcp_port as number);
  const rules = [
    'add table inet strict',
    'add chain inet strict out { type filter hook output priority 0; }',
    'add rule inet strict out ip daddr 10.88.0.0/16 meta l4proto udp counter drop',
    `add rule inet strict out ip daddr 10.88.0.0/16 tcp dport { ${[...new Set(iceTcp)].join(', ')} } counter drop`,
    `add rule inet strict out ip daddr 10.88.0.0/16 tcp dport { 443, ${TURN_PORT} } meta skuid != ${HAPROXY_UID} counter drop`,
  ];
  execFileSync('nft', ['-f', '-'], { input: `${rules.join('\n')}\n` });
}

/** Waits until HAProxy passes TURN/TLS on to so many nodes. */
async function untilPassedOn(nodes: number): Promise<void> {
  await until(
    `TURN/TLS to go to ${nodes} nodes`,
    async () => {
      const text = await haproxy.ask('show stat turn 4 -1');
      return text.split('\n').filter((line) => /^turn,slot\d+,.*,UP,/.test(line)).length === nodes;
    },
    // A node gets TURN/TLS once its coturn has read of all the others, which takes it seconds.
    { timeoutMs: 40_000 },
  );
}

const addressOf = ({ httpUrl }: ClusterNode): string => new URL(httpUrl).hostname;

let clients = 0;
/** A relay through HAProxy, and the node that has it. */
async function allocate(): Promise<{ client: TurnClient; node: ClusterNode }> {
  const participantSid = `PA_${++clients}`;
  const secret = derivedSecret(CLUSTER_SECRET, 'turn');
  const credentials = turnCredentials(secret, { participantSid, nowMs: Date.now() }, 300);
  const client = new TurnClient(await turnOverTls(ENTRY, 443), credentials);
  const { address } = await client.allocate();
  const node = cluster.mediaNodes.find((one) => addressOf(one) === address);
  assert.ok(node !== undefined, `${address} is no Media Node's`);
  return { client, node };
}

/** Where a node takes media. */
const mediaOf = (node: ClusterNode) => ({
  address: addressOf(node),
  port: Object(node.config['rtc']).udp_port as number,
});

test(
  'a browser that is let out to 443 alone is in a call, by HTTPS and TURN/TLS through HAProxy',
  options,
  async (t) => {
    const join = async (identity: string) => {
      const page = await browser.openPage();
      const client = await BrowserClient.make(page, identity, {});
      const token = await joinToken(cluster, 'strict', identity);
      const startMs = performance.now();
      await client.connect(`wss://${DOMAIN}`, token);
      t.diagnostic(`${identity} joined in ${Math.round(performance.now() - startMs)} ms`);
      await client.run((c) =>
        c.publishPicture({ picture: { width: 160, height: 90, fps: 5 }, simulcast: false }),
      );
      return { client, page };
    };
    const [alice, bob] = [await join('alice'), await join('bob')];
    await alice.client.sees('bob');
    await bob.client.sees('alice');
    for (const { page } of [alice, bob]) {
      for (const path of await bothPaths(page)) {
        assert.deepEqual([path.type, path.relayProtocol], ['relay', 'tls']);
      }
    }
    // That the other ways were tried, and were closed.
    const dropped = execFileSync('nft', ['list', 'table', 'inet', 'strict'], { encoding: 'utf8' });
    for (const [rule, packets = '0'] of dropped.matchAll(/.*counter packets (\d+).*/g)) {
      assert.ok(Number(packets) > 0, rule);
    }
    await Promise.all([alice, bob].map(({ client }) => client.leave()));
  },
);

test(
  'any TURN server relays to the media of any node, and to nothing else that is there',
  options,
  async () => {
    const { client, node } = await allocate();
    for (const other of cluster.mediaNodes) {
      await until(`${addressOf(other)} to be allowed`, () =>
        client.permit(mediaOf(other)).then(
          () => true,
          () => false,
        ),
      );
    }
    const [host, own] = [addressOf(node).replace(/2$/, '1'), '127.0.0.1'];
    for (const address of [host, own, ENTRY, '10.88.77.2', '192.0.2.1']) {
      await assert.rejects(client.permit({ address, port: 53 }), /TURN error 403/, address);
    }
    client.close();
  },
);

test(
  'a node that drains keeps its relays, and gets no new ones; one that dies leaves the others',
  options,
  async () => {
    const old = await allocate();
    const [other] = cluster.mediaNodes.filter((node) => node !== old.node);
    assert.ok(other !== undefined);
    await cluster.admin().drain(old.node.nodeId, { patience: 0, deadline: '60s' });
    await untilPassedOn(1);
    for (let i = 0; i < 5; i += 1) {
      const fresh = await allocate();
      assert.equal(fresh.node, other);
      fresh.client.close();
    }
    await old.client.refresh();
    await old.client.permit(mediaOf(old.node));

    await cluster.admin().undrain(old.node.nodeId);
    await untilPassedOn(2);
    await killWithTurn(other);
    const first = await allocate();
    assert.equal(first.node, old.node);
    await untilPassedOn(1);
    for (let i = 0; i < 3; i += 1) assert.equal((await allocate()).node, old.node);
    await old.client.refresh();
  },
);

/** Ends a node as its machine does: the TURN server, its child, goes with it. */
async function killWithTurn(node: ClusterNode): Promise<void> {
  const children = readdirSync(`/proc/${node.pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${node.pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean),
  );
  const turn = children.filter((pid) =>
    /^turnserver/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8')),
  );
  assert.equal(turn.length, 1);
  await node.kill();
  for (const pid of turn) process.kill(Number(pid), 'SIGKILL');
}
