import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';
import { configSchema } from '../../node-image/contract';
import { Closers, NodeEndedError } from '../../node-image/lifecycle/closers';
import { type NodeStart, startNode } from '../../node-image/lifecycle/start-node';
import { quiet } from '../cluster/core-support';
import { NodeProcess } from '../support/cluster-process';
import { freePortRange, freeTcpPort } from '../support/ports';
import { sleep, until, within } from '../support/wait';

const given = (signal?: AbortSignal) => ({
  config: configSchema.parse({ logging: { level: 'error' } }),
  console: false,
  load: { env: {} },
  ...(signal === undefined ? {} : { signal }),
});
const never = new Promise<never>(() => {});

test('what is opened once closing has begun is closed at once, and the start ends there', async () => {
  const closed: string[] = [];
  const closers = new Closers(quiet);
  closers.add(() => void closed.push('first'));
  const closing = closers.close();
  const add = (): void =>
    closers.add(async () => {
      await sleep(20);
      closed.push('late');
    });
  assert.throws(add, NodeEndedError);
  await closing;
  await closers.close();
  assert.deepEqual(closed, ['first', 'late']);
});

test('what fails to close late is logged, and throws nothing else', async () => {
  const closers = new Closers(quiet);
  await closers.close();
  assert.throws(
    () =>
      closers.add(() => {
        throw new Error('broken');
      }),
    NodeEndedError,
  );
  await closers.close();
});

test('a node that is closed while it starts does not run', async () => {
  const closed: string[] = [];
  let opened = false;
  const start = async ({ closers }: NodeStart) => {
    closers.add(() => void closed.push('early'));
    // As a node does whose id another process has.
    void closers.close();
    await sleep(10);
    closers.add(() => void closed.push('late'));
    opened = true;
    return { port: 1, stop: async () => {} };
  };
  await assert.rejects(startNode(given(), start), NodeEndedError);
  await until('the start to have ended', () => closed.length === 2);
  assert.deepEqual(closed, ['early', 'late']);
  assert.equal(opened, false);
});

test('a start that waits for something is ended by its signal', async () => {
  const end = new AbortController();
  const closed: string[] = [];
  const starting = startNode(given(end.signal), ({ closers }) => {
    closers.add(() => void closed.push('it'));
    return never;
  });
  end.abort('SIGINT');
  await assert.rejects(within('the start to end', starting, 2_000), NodeEndedError);
  assert.deepEqual(closed, ['it']);
});

test('a start that fails because its parts are closed is told as ended', async () => {
  const end = new AbortController();
  const starting = startNode(given(end.signal), async () => {
    end.abort('SIGINT');
    throw new Error('the pool is closed');
  });
  await assert.rejects(starting, NodeEndedError);
});

test('SIGINT while a node waits for a STUN server: it never serves, and ends', {
  timeout: 60_000,
}, async () => {
  const stun = createSocket('udp4').bind(0, '127.0.0.1');
  await once(stun, 'listening');
  const asked = once(stun, 'message');
  const node = new NodeProcess({
    name: 'a Single Node',
    config: {
      port: await freeTcpPort(),
      bind_addresses: ['127.0.0.1'],
      keys: { devkey: 'a-secret-of-the-tests-that-is-long-enough' },
      rtc: {
        udp_port: await freePortRange(1),
        tcp_port: await freePortRange(1),
        use_external_ip: true,
        stun_servers: [`127.0.0.1:${stun.address().port}`],
        enable_loopback_candidate: true,
      },
      sluice: { workers: 1 },
    },
  });
  try {
    await within('the node to ask', asked, 20_000);
    node.kill('SIGINT');
    await node.ended();
    // 1 on a machine so busy that the start did not let go in time.
    assert.match(node.end ?? '', /^ended with exit code [01]$/, node.log);
    assert.doesNotMatch(node.log, /serving|"level":"error"/);
  } finally {
    await node.close();
    stun.close();
  }
});
