import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { describe, it } from 'node:test';
import { renderHaproxyConfig } from '../../node-image/image/haproxy-config';
import { TestHaproxy } from '../support/haproxy';
import { fakeNode, takeTcp, takeUdp } from './support/fake-node';
import { bad, type CasesOf, casesOf, doctor, HOST, tells, type WorldPorts } from './support/world';

const HAPROXY = '/run/sluice/haproxy/haproxy.cfg';
const haproxy = ({ spare, http }: WorldPorts) => ({
  [HAPROXY]: renderHaproxyConfig({
    port: spare,
    redirect: false,
    masters: [`${HOST}:${http}`],
    turn: [],
    adminSocket: '/run/sluice/haproxy/admin.sock',
  }),
});
const HAPROXY_RUNS = { 'systemctl is-active sluice-haproxy': { code: 0, output: 'active\n' } };
const both = async (...closers: readonly { close(): unknown }[]) => ({
  close: async () => {
    for (const each of closers) await each.close();
  },
});

const CASES: CasesOf<'node'> = {
  'config-warned': {
    question: { warnings: ['limit.num_tracks has no effect here, because'] },
    check: 'Configuration',
    found: /^limit\.num_tracks has no effect/,
    todo: /sluice\.yaml/,
  },
  'node-not-ready': {
    beside: (ports) =>
      fakeNode(ports, { status: 406, health: 'Not Ready\nNode Updated At x\nturn: it ended' }),
    check: 'Node',
    found: /^it runs, and is not ready: turn: it ended$/,
    todo: /journalctl -u sluice-node/,
  },
  'node-silent': {
    config: { prometheus: { port: 0 } },
    // What is at the port hangs: it is no free port either, which is told once.
    beside: async ({ http }) => ({ close: await takeTcp(http) }),
    check: 'Node',
    found: /^who has port \d+ does not answer$/,
    todo: /systemctl restart sluice-node/,
  },
  'port-taken': {
    beside: async ({ udp }) => ({ close: await takeUdp(udp) }),
    check: 'Ports',
    found: /^another program has udp \d+ \(ICE\/UDP\)$/,
    todo: /^See which: ss -lunp 'sport = :\d+'; stop it, or set rtc\.udp_port to free ports\.$/,
  },
  'port-address': {
    config: { bind_addresses: ['203.0.113.9'], prometheus: { port: 0 } },
    check: 'Ports',
    found: /^this machine has no address 203\.0\.113\.9 for tcp \d+ \(HTTP service\)$/,
    todo: /^Correct bind_addresses/,
  },
  'port-unheard': {
    beside: (ports) => fakeNode(ports, { without: ['udp'] }),
    check: 'Ports',
    found: /^the node runs, and does not listen on udp \d+ \(ICE\/UDP\)$/,
    todo: /another configuration than this one \(rtc\.udp_port\)/,
  },
  'metrics-other': {
    beside: (ports) => fakeNode(ports, { metrics: 'hello' }),
    check: 'Metrics',
    found: /^the node has no metrics at port \d+: what answers there says HTTP 200$/,
    todo: /another prometheus section/,
  },
  'entry-silent': {
    files: haproxy,
    programs: HAPROXY_RUNS,
    check: 'Entry',
    found: /^HAProxy does not answer at port \d+$/,
    todo: /systemctl status sluice-haproxy/,
  },
  'entry-no-node': {
    files: haproxy,
    programs: HAPROXY_RUNS,
    beside: async (ports) => {
      const proxy = createServer((_request, response) => response.writeHead(503).end());
      await new Promise<void>((resolve) => proxy.listen(ports.spare, HOST, resolve));
      return both(await fakeNode(ports), proxy);
    },
    check: 'Entry',
    found: /^the node is ready, and HAProxy answers 503 at port \d+$/,
    todo: /sluice boot/,
  },
};

describe('the node and its ports', () => {
  for (const [problem, each] of casesOf(CASES)) {
    it(`tells ${problem}`, () => tells(problem, each));
  }

  it('finds nothing wrong before the node runs, where its ports are free', async () => {
    const report = await doctor();
    assert.deepEqual(bad(report), []);
    assert.equal(report.isRunning, false);
    assert.match(JSON.stringify(report.findings), /free for the node: tcp \d+, udp \d+/);
  });

  it('finds nothing wrong while the node has its ports', async () => {
    const report = await doctor({ beside: (ports) => fakeNode(ports) });
    assert.deepEqual(bad(report), []);
    assert.equal(report.isRunning, true);
    assert.match(JSON.stringify(report.findings), /the node has tcp \d+, udp \d+/);
  });

  it('finds the real HAProxy before the node, also before the node runs', async () => {
    for (const runs of [true, false]) {
      const { findings } = await doctor({
        files: ({ spare, http }) => ({
          [HAPROXY]: renderHaproxyConfig({
            port: spare,
            redirect: false,
            turn: [],
            adminSocket: '/run/admin.sock',
            ...{ certificate: '/etc/sluice/tls/entry.pem', masters: [`${HOST}:${http}`] },
          }),
        }),
        programs: HAPROXY_RUNS,
        beside: async (ports) => {
          const node = runs ? await fakeNode(ports) : { close: () => {} };
          const proxy = await TestHaproxy.make(ports.spare);
          await proxy.start({ masters: [`${HOST}:${ports.http}`] });
          return both(proxy, node);
        },
      });
      const told = findings.filter(({ check }) => check === 'Entry');
      assert.deepEqual(
        told.map(({ status, found }) => `${status}: ${found.replace(/\d+$/, 'N')}`),
        ['ok: HAProxy answers at port N'],
      );
    }
  });

  it('takes another program at the HTTP port for no node', async () => {
    const report = await doctor({
      beside: async ({ http }) => {
        const other = createServer((_request, response) => response.end('hello'));
        await new Promise<void>((resolve) => other.listen(http, HOST, resolve));
        return { close: async () => void other.close() };
      },
    });
    assert.equal(report.isRunning, false);
    const told = bad(report);
    assert.equal(told.length, 1, JSON.stringify(told));
    assert.match(told[0]?.found ?? '', /another program has tcp \d+ \(HTTP service\)/);
  });

  it("looks at the ports of the role: those of media are not a Master Node's", async () => {
    const taken = async ({ udp }: WorldPorts) => ({ close: await takeUdp(udp) });
    const config = { sluice: { role: 'master' as const, workers: 1 } };
    const report = await doctor({ config, beside: taken });
    assert.ok(!bad(report).some(({ check }) => check === 'Ports'), JSON.stringify(bad(report)));
  });
});
