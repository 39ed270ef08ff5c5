/** The program, beside a node that runs. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { workerBin } from 'mediasoup';
import { run } from '../cli/program-process';
import { freePortRange } from '../support/ports';
import { startServer, type TestServer } from '../support/server';
import { fakeTimeServer } from './support/time-server';

let folder = '';
let server: TestServer;
let turnPort = 0;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-doctor-'));
  turnPort = await freePortRange(1);
  server = await startServer({ alwaysOwn: true, config: { turn: turn() } });
});
after(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

const turn = () => ({ enabled: true, udp_port: turnPort, bind_addresses: ['127.0.0.1'] });

/** What the node that runs was given. */
function configOf({ httpUrl, own, apiKey, apiSecret }: TestServer) {
  return {
    port: Number(new URL(httpUrl).port),
    bind_addresses: ['127.0.0.1'],
    keys: { [apiKey]: apiSecret },
    prometheus: { port: Number(new URL(own?.metricsUrl ?? '').port) },
    rtc: {
      ...{ udp_port: `${own?.udpPort}`, tcp_port: own?.tcpPort, node_ip: '127.0.0.1' },
      enable_loopback_candidate: true,
      stun_servers: ['127.0.0.1:9'],
    },
    turn: turn(),
    sluice: { workers: 1 },
  };
}

async function examine(config: object) {
  const file = join(folder, 'sluice.yaml');
  writeFileSync(file, JSON.stringify(config));
  const clock = await fakeTimeServer();
  try {
    const args = ['doctor', '--config', file, '--json', '--time-server', `127.0.0.1:${clock.port}`];
    // By the worker that the node of the test was started with.
    const { code, output, errors } = await run(args, { MEDIASOUP_WORKER_BIN: workerBin });
    assert.equal(errors, '');
    const { ok, running, findings } = JSON.parse(output) as {
      ok: boolean;
      running: boolean;
      findings: readonly { check: string; status: string; found: string; problem?: string }[];
    };
    const found = (check: string): string | undefined =>
      findings.find((each) => each.check === check)?.found;
    return { code, ok, running, findings, found };
  } finally {
    await clock.close();
  }
}

test('a node that runs has its ports, answers, and its coturn too', async () => {
  const { code, ok, running, found, findings } = await examine(configOf(server));
  // Limits of the kernel are those of the machine that the test runs on: they are only warned of.
  assert.deepEqual([code, ok, running], [0, true, true], JSON.stringify(findings));
  assert.equal(found('Node'), 'it runs, and is ready');
  assert.match(found('Ports') ?? '', /^the node has tcp \d+, udp \d+/);
  assert.match(found('TURN') ?? '', /only the node has the secret of its credentials$/);
  assert.match(found('Open files') ?? '', /^the node may have \d+/);
  assert.match(found('Clock') ?? '', /^right by/);
  assert.match(found('Media worker') ?? '', /to run$/);
});

test('a configuration that the node was not given is told', async () => {
  const config = configOf(server);
  const other = await freePortRange(1);
  const { code, findings } = await examine({
    ...config,
    rtc: { ...config.rtc, udp_port: `${other}` },
  });
  assert.equal(code, 1);
  const failed = findings.filter(({ status }) => status === 'failed');
  assert.deepEqual(
    failed.map(({ problem }) => problem),
    ['port-unheard'],
    JSON.stringify(failed),
  );
});

test('a port that another program has is told before a node is started there', async () => {
  const config = configOf(server);
  const own = await freePortRange(1);
  const { code, running, findings } = await examine({
    ...config,
    ...{ port: own, prometheus: { port: 0 }, turn: {} },
  });
  assert.deepEqual([code, running], [1, false]);
  const failed = findings.filter(({ status }) => status === 'failed');
  // Both ports of the worker are the node's that runs.
  assert.deepEqual(
    failed.map(({ problem }) => problem),
    ['port-taken', 'port-taken'],
    JSON.stringify(failed),
  );
});
