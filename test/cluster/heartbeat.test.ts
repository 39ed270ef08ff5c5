import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pino } from 'pino';
import { Heartbeat } from '../../node-image/cluster/heartbeat';
import { MemoryRegistry } from '../../node-image/cluster/memory-registry';
import { type HeartbeatReply, RegistryUnavailableError } from '../../node-image/cluster/registry';
import { until } from '../support/wait';
import { quiet, recordOf } from './core-support';

class TestRegistry extends MemoryRegistry {
  away = false;
  beats = 0;

  override async heartbeat(
    ...args: Parameters<MemoryRegistry['heartbeat']>
  ): Promise<HeartbeatReply> {
    this.beats += 1;
    if (this.away) throw new RegistryUnavailableError('away');
    return super.heartbeat(...args);
  }
}

function heart(registry: TestRegistry, options: { intervalMs: number; againMs: number }) {
  return new Heartbeat({
    ...options,
    registry,
    record: () => recordOf('N1'),
    rooms: () => [],
    onReply: () => undefined,
    onDuplicate: () => undefined,
    log: quiet,
  });
}

describe('Heartbeat', () => {
  it('says that it is there soon after the registry is back, not with the next beat only', async () => {
    const registry = new TestRegistry();
    registry.away = true;
    const heartbeat = heart(registry, { intervalMs: 60_000, againMs: 10 });
    await heartbeat.start();
    assert.equal(heartbeat.answered, false);
    await until('it to try again', () => registry.beats >= 3);
    registry.away = false;
    await until('the registry to have it', () => heartbeat.answered);
    const { beats } = registry;
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(registry.beats, beats, 'it beats on as if it were not heard');
    await heartbeat.close();
    assert.deepEqual((await registry.snapshot()).nodes, []);
  });

  it('is silent once it is closed, whether it was heard or not', async () => {
    const registry = new TestRegistry();
    registry.away = true;
    const heartbeat = heart(registry, { intervalMs: 5, againMs: 5 });
    await heartbeat.start();
    await heartbeat.close();
    const { beats } = registry;
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(registry.beats, beats);
  });

  it('tells what failed of what the registry wants apart from a registry that is away', async () => {
    const lines: string[] = [];
    const heartbeat = new Heartbeat({
      registry: new TestRegistry(),
      record: () => recordOf('N1'),
      rooms: () => [],
      onReply: () => {
        throw new Error('broken');
      },
      onDuplicate: () => undefined,
      log: pino({}, { write: (line: string) => lines.push(line) }),
    });
    await heartbeat.beat();
    assert.equal(heartbeat.answered, true);
    assert.match(lines.join(), /wants of this node could not be done/);
    assert.doesNotMatch(lines.join(), /does not take the heartbeat/);
    await heartbeat.close();
  });
});
