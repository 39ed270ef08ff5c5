import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EgressInfo, StopEgressRequest } from '@livekit/protocol';
import fc from 'fast-check';
import { callChannel } from '../../../node-image/jobs/livekit/psrpc/channels';
import { Choice } from '../../../node-image/jobs/livekit/psrpc/choice';
import { PsrpcClient } from '../../../node-image/jobs/livekit/psrpc/client';
import { opened, Request, sealed } from '../../../node-image/jobs/livekit/psrpc/envelopes';
import {
  NobodyAnsweredError,
  PsrpcError,
} from '../../../node-image/jobs/livekit/psrpc/psrpc-error';
import { PsrpcServer, served } from '../../../node-image/jobs/livekit/psrpc/server';
import { until } from '../../support/wait';
import { quiet } from '../core/job-cluster';
import { MemoryBus } from './memory-bus';

const SOON = { enough: 0, withinMs: 200 } as const;
const call = (egressId: string, timeoutMs = 2000) => ({
  name: 'Stop',
  request: new StopEgressRequest({ egressId }),
  answer: EgressInfo,
  timeoutMs,
});

const notRefused = (): never => assert.fail('it was answered');

function serverOn(bus: MemoryBus, answer: (id: string) => Promise<EgressInfo>): PsrpcServer {
  const methods = { Stop: served(StopEgressRequest, ({ egressId }) => answer(egressId)) };
  return new PsrpcServer({ bus, service: 'Test', methods, log: quiet });
}

describe('psrpc', () => {
  it('names channels as LiveKit does, with what is no letter written as its code', () => {
    const method = { service: 'IngressHandler', name: 'UpdateIngress', topic: 'IN_a-b' };
    assert.equal(callChannel(method), 'IngressHandler|UpdateIngress|IN_au+002db|REQ');
    assert.equal(callChannel({ ...method, topic: '' }), 'IngressHandler|UpdateIngress|REQ');
    assert.equal(
      callChannel({ ...method, topic: '😀' }),
      'IngressHandler|UpdateIngress|U+0001f600|REQ',
    );
  });

  it('has one of several servers answer a call', async () => {
    const bus = new MemoryBus();
    const client = new PsrpcClient({ bus, service: 'Test' });
    const asked: string[] = [];
    const servers = ['a', 'b', 'c'].map((name) =>
      serverOn(bus, async (egressId) => {
        asked.push(name);
        return new EgressInfo({ egressId, roomName: name });
      }),
    );
    for (let i = 0; i < 20; i += 1) {
      assert.equal((await client.call(call(`EG_${i}`), SOON)).egressId, `EG_${i}`);
    }
    assert.equal(asked.length, 20);
    await Promise.all(servers.map((server) => server.close()));
    await assert.rejects(client.call(call('EG_x'), SOON), NobodyAnsweredError);
    client.close();
    assert.deepEqual(bus.channels, []);
  });

  it('passes errors on with their code, and keeps what nobody foresaw to itself', async () => {
    const bus = new MemoryBus();
    const client = new PsrpcClient({ bus, service: 'Test' });
    const server = serverOn(bus, async (id) => {
      throw id === 'EG_1' ? new PsrpcError('not_found', 'no such') : new Error('a secret');
    });
    const refusal = (id: string) =>
      client.call(call(id), SOON).then(notRefused, (error: PsrpcError) => error);
    assert.equal((await refusal('EG_1')).code, 'not_found');
    const unforeseen = await refusal('EG_2');
    assert.equal(unforeseen.code, 'internal');
    assert.doesNotMatch(unforeseen.message, /secret/);
    await server.close();
    client.close();
  });

  it('gives up where it was taken and is not answered, and serves no call that is over', async () => {
    const bus = new MemoryBus();
    const client = new PsrpcClient({ bus, service: 'Test' });
    let asked = 0;
    const server = serverOn(bus, () => {
      asked += 1;
      return new Promise(() => {});
    });
    const late = await client
      .call(call('EG_1', 150), SOON)
      .then(notRefused, (error: PsrpcError) => error);
    assert.equal(late.code, 'deadline_exceeded');
    assert.equal(asked, 1);
    const past = new PsrpcClient({ bus, service: 'Test', now: () => Date.now() - 60_000 });
    await assert.rejects(past.call(call('EG_2'), SOON), NobodyAnsweredError);
    assert.equal(asked, 1);
    client.close();
    past.close();
    void server;
  });

  it('chooses who wants it most: at once where that is enough, else soon after the first', async () => {
    const one = new Choice({ enough: 1, afterFirstMs: 5000, withinMs: 9000 });
    one.take({ serverId: 'idle', affinity: 0.5 });
    one.take({ serverId: 'busy', affinity: 1 });
    assert.equal(await one.made, 'busy');
    const two = new Choice({ enough: 1, afterFirstMs: 20, withinMs: 9000 });
    two.take({ serverId: 'unwilling', affinity: -1 });
    two.take({ serverId: 'less', affinity: 0.2 });
    two.take({ serverId: 'more', affinity: 0.5 });
    assert.equal(await two.made, 'more');
    assert.equal(await new Choice({ enough: 1, withinMs: 10 }).made, undefined);
  });

  it('reads whatever is published without failing, and goes on serving', async () => {
    const bus = new MemoryBus();
    const client = new PsrpcClient({ bus, service: 'Test' });
    const server = serverOn(bus, async (egressId) => new EgressInfo({ egressId }));
    const good = sealed(new Request({ requestId: 'REQ_1', clientId: 'CLI_1' }));
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 200 }),
        fc.nat(good.length - 1),
        async (noise, at) => {
          const bent = Buffer.concat([good.subarray(0, at), noise, good.subarray(at)]);
          for (const bytes of [Buffer.from(noise), bent, good.subarray(0, at)]) {
            for (const channel of bus.channels) await bus.publish(channel, bytes);
          }
        },
      ),
      { numRuns: 200 },
    );
    assert.equal(opened(Request, Buffer.alloc(32 << 20)), undefined);
    const patient = { enough: 0, withinMs: 10_000 };
    assert.equal((await client.call(call('EG_1', 10_000), patient)).egressId, 'EG_1');
    await server.close();
    client.close();
  });

  it('asks all who are there, and waits for nobody longer', async () => {
    const bus = new MemoryBus();
    const client = new PsrpcClient({ bus, service: 'Test' });
    let heard = 0;
    bus.listen('Test|Stop|REQ', (bytes) => {
      if (opened(Request, bytes)?.multi === true) heard += 1;
    });
    assert.deepEqual(await client.ask(call('EG_1', 50)), []);
    await until('it to be heard', () => heard === 1);
    client.close();
  });
});
