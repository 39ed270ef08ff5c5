/** Who comes right after `sluice init`, `sluice join` or `sluice restore` is let in by HAProxy. */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, type TestContext, test } from 'node:test';
import { renderHaproxyConfig } from '../../../node-image/image/haproxy-config';
import { askHttp } from '../../../node-image/lifecycle/doctor/ask-http';
import { type InitOptions, init } from '../../../node-image/lifecycle/own-machines/init';
import { TestHaproxy } from '../../support/haproxy';
import { until } from '../../support/wait';
import { bootSays, factsWith, installedMachine } from './support';

const HAPROXY_CONFIG = '/run/sluice/haproxy/haproxy.cfg';

describe('a machine with an entry', () => {
  let haproxy: TestHaproxy;
  let node: Server;
  let isReady = false;
  let masters: [string];

  beforeEach(async () => {
    isReady = false;
    node = createServer((_, response) => {
      response.statusCode = isReady ? 200 : 406;
      response.end();
    });
    await new Promise<void>((resolve) => node.listen(0, '127.0.0.1', resolve));
    masters = [`127.0.0.1:${(node.address() as AddressInfo).port}`];
    haproxy = await TestHaproxy.make();
    await haproxy.start({ masters });
    await until('HAProxy to have seen that the node is not ready', async () => {
      return (await asClient()) === 503;
    });
  });
  afterEach(async () => {
    await haproxy.close();
    node.close();
    node.closeAllConnections();
  });

  const asClient = async (): Promise<number | string> => {
    const question = { host: '127.0.0.1', port: haproxy.port, timeoutMs: 5000, tls: true };
    const answer = await askHttp(question);
    return answer.kind === 'answer' ? answer.status : answer.kind;
  };
  const start = (t: TestContext, changed: Partial<InitOptions> = {}) => {
    const on = installedMachine(t);
    const answer = on.answer;
    on.answer = (command) => {
      if (command === '/opt/sluice/bin/start') {
        const { port, certificate, adminSocket } = haproxy;
        const config = { port, certificate, adminSocket, masters, redirect: false, turn: [] };
        on.write(HAPROXY_CONFIG, renderHaproxyConfig(config));
        bootSays(on, { state: 'done' });
      }
      return answer(command);
    };
    return init({
      machine: on.machine,
      facts: factsWith(),
      certificate: { kind: 'self-signed' },
      say: (line) => on.said.push(line),
      isReady: async () => isReady,
      makeToken: async () => 'TOKEN',
      patienceMs: 30_000,
      ...changed,
    });
  };

  test('is said to serve when HAProxy lets clients through, not before', async (t) => {
    isReady = true;
    await start(t);
    assert.equal(await asClient(), 200);
  });

  test('is not said to serve where HAProxy lets nobody through, and why', async (t) => {
    const refused = start(t, { isReady: async () => true, patienceMs: 1000 });
    const message = `The node serves, and clients do not reach it, as HAProxy answers 503 at port ${haproxy.port}: see \`journalctl -u sluice-haproxy\`, and run this again.`;
    await assert.rejects(refused, { name: 'BootError', message });
    await haproxy.stop();
    await assert.rejects(start(t, { isReady: async () => true, patienceMs: 0 }), {
      message: /, as HAProxy does not answer at port \d+: see/,
    });
  });
});
