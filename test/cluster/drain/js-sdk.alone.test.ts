import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { JsClients } from '../../support/call-client-js';
import { TestCluster } from '../../support/cluster';
import { sleep } from '../../support/wait';
import { assertNoneDropped, backTimes, startCalls } from '../support/calls';
import { closeAll, untilState } from './support/drains';

let cluster: TestCluster;
let clients: JsClients;
before(async () => {
  cluster = await TestCluster.start({ mediaNodes: 2 });
  clients = await JsClients.start();
});
after(() => closeAll(clients, cluster));

test('clients of the JavaScript SDK go with their Room, and tell of nobody but each other', {
  timeout: 90_000,
}, async (t) => {
  const calls = await startCalls(cluster, clients, { name: 'js' });
  const source = await cluster.roomNode('js-0');
  const orderedMs = Date.now();
  await cluster.admin().drain(source.nodeId, { patience: 0, deadline: '30s' });
  const times = await backTimes(calls, orderedMs);
  t.diagnostic(`video again ${times.join(' and ')} ms after the order`);
  await untilState(cluster, source, 'drained');
  await sleep(1_000);
  await assertNoneDropped(calls);
  for (const { identity, status } of calls.flatMap(({ members }) => members)) {
    const { events, state, others } = await status(orderedMs);
    const other = identity === 'js-0-a' ? 'js-0-b' : 'js-0-a';
    // A full reconnect makes the SDK forget who was there, and tell of their tracks anew: that it
    // has no other way is in docs/protocol.md. Nobody is told so by the server.
    const names = events
      .filter(({ name }) => name !== 'trackSubscribed')
      .map(({ name, detail }) => `${name} ${detail}`.trim());
    t.diagnostic(`${identity}: ${names.join(', ')}`);
    assert.deepEqual(
      new Set(names),
      new Set([
        'reconnecting',
        `participantDisconnected ${other}`,
        `participantConnected ${other}`,
        'reconnected',
      ]),
    );
    assert.equal(names.filter((name) => name === 'reconnected').length, 1);
    assert.equal(state, 'connected');
    assert.deepEqual(others, [other]);
  }
});
