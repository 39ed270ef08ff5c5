import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pino } from 'pino';
import { MemoryRegistry } from '../../node-image/cluster/memory-registry';
import { NodeWatch } from '../../node-image/cluster/node-watch';
import { type ClusterSnapshot, RegistryUnavailableError } from '../../node-image/cluster/registry';
import { sleep } from '../support/wait';
import { FakeLink, recordOf } from './core-support';

/** A registry whose clock and whose answers are the test's. */
class TestRegistry extends MemoryRegistry {
  away = false;
  ageMs = Number.POSITIVE_INFINITY;

  override async snapshot(): Promise<ClusterSnapshot> {
    if (this.away) throw new RegistryUnavailableError('away');
    return { ...(await super.snapshot()), ageMs: this.ageMs };
  }
}

async function cluster(...ids: string[]) {
  const said: { level: number; msg: string }[] = [];
  const log = pino({ level: 'info' }, { write: (line) => void said.push(JSON.parse(line)) });
  const clock = { now: 1_000_000 };
  const registry = new TestRegistry({ now: () => clock.now });
  const link = new FakeLink();
  const watch = new NodeWatch({ registry, link, log, now: () => clock.now });
  const lost: string[] = [];
  watch.onLost(({ record }) => lost.push(record.id));
  for (const id of ids) await registry.heartbeat(recordOf(id), []);
  await watch.look();
  return { clock, registry, link, watch, lost, said };
}

describe('NodeWatch', () => {
  it('calls a node dead at once whose process is gone', async () => {
    const { watch, link, lost, registry } = await cluster('N1', 'N2');
    link.probes.set('N1', 'refused');
    assert.equal(await watch.suspect('N1', 'reset'), 'dead');
    assert.deepEqual(lost, ['N1']);
    assert.equal(link.probed.filter((id) => id === 'N1').length, 2, 'one refusal is not enough');
    const { nodes } = await registry.snapshot();
    assert.deepEqual(
      nodes.map(({ record }) => record.id),
      ['N2'],
    );
    assert.equal(watch.node('N1'), undefined);
  });

  it('takes no living node away that only refuses connections from here', async () => {
    const { watch, registry, link, lost, clock, said } = await cluster('N1');
    link.probes.set('N1', 'refused');
    clock.now += 1900;
    const verdict = watch.suspect('N1', 'refused');
    await sleep(400);
    clock.now += 100;
    await registry.heartbeat(recordOf('N1'), []);
    assert.equal(await verdict, 'unknown');
    assert.equal(await watch.suspect('N1', 'reset'), 'unknown', 'nor later');
    assert.deepEqual(lost, []);
    assert.equal((await registry.snapshot()).nodes.length, 1);
    assert.equal(said.filter(({ msg }) => /refuse connections from here/.test(msg)).length, 1);
  });

  it('calls a node dead that refuses connections and misses its next heartbeat', async () => {
    const { watch, link, lost, clock } = await cluster('N1');
    link.probes.set('N1', 'refused');
    const verdict = watch.suspect('N1', 'refused');
    await sleep(400);
    assert.deepEqual(lost, []);
    clock.now += 2501;
    assert.equal(await verdict, 'dead');
  });

  it('waits for no heartbeat once a connection to a node that refuses others breaks', async () => {
    const { watch, link, lost } = await cluster('N1');
    link.probes.set('N1', 'refused');
    const verdict = watch.suspect('N1', 'refused');
    await sleep(400);
    assert.deepEqual(lost, []);
    void watch.suspect('N1', 'reset');
    assert.equal(await verdict, 'dead');
  });

  it('forgets that a connection broke once the node answers again', async () => {
    const { watch, link, lost, clock } = await cluster('N1');
    assert.equal(await watch.suspect('N1', 'reset'), 'alive');
    link.probes.set('N1', 'refused');
    const verdict = watch.suspect('N1', 'refused');
    await sleep(400);
    assert.deepEqual(lost, []);
    clock.now += 2501;
    assert.equal(await verdict, 'dead');
  });

  it('goes on looking where one that it tells throws', async () => {
    const { watch, said } = await cluster('N1');
    const told: number[] = [];
    watch.onLooked(() => {
      throw new Error('of the test');
    });
    watch.onLooked(() => told.push(1));
    await watch.start();
    watch.close();
    assert.deepEqual([told, said.map(({ level }) => level)], [[1], [50]]);
  });

  it('does not call a node dead that is silent for a moment', async () => {
    const { watch, link, lost } = await cluster('N1');
    link.probes.set('N1', 'silent');
    assert.equal(await watch.suspect('N1'), 'unknown');
    assert.deepEqual(lost, []);
  });

  it('calls a node dead that says nothing, neither to the registry nor on its link', async () => {
    const { watch, link, lost, clock } = await cluster('N1');
    link.probes.set('N1', 'silent');
    clock.now += 5001;
    assert.equal(await watch.suspect('N1'), 'dead');
    assert.deepEqual(lost, ['N1']);
  });

  it('lets a live link veto, whatever the registry says', async () => {
    const { watch, lost, clock } = await cluster('N1');
    clock.now += 60_000;
    assert.equal(await watch.suspect('N1'), 'alive');
    assert.deepEqual(lost, []);
    assert.notEqual(watch.node('N1'), undefined);
  });

  it('keeps a node that the registry has forgotten while it answers on its link', async () => {
    const { watch, registry, lost } = await cluster('N1');
    await registry.forgetNode('N1');
    await watch.look();
    assert.equal(await watch.suspect('N1'), 'alive');
    assert.notEqual(watch.node('N1'), undefined);
    assert.deepEqual(lost, []);
  });

  it('calls nobody dead for silence while the registry is away, nor in the grace after it', async () => {
    const { watch, registry, link, lost, clock } = await cluster('N1');
    link.probes.set('N1', 'silent');
    registry.away = true;
    clock.now += 20_000;
    assert.equal(await watch.suspect('N1'), 'unknown');
    registry.away = false;
    clock.now += 1000;
    assert.equal(
      await watch.suspect('N1'),
      'unknown',
      'it has not had the time to say it is there',
    );
    clock.now += 9000;
    assert.equal(await watch.suspect('N1'), 'unknown');
    clock.now += 1001;
    assert.equal(await watch.suspect('N1'), 'dead');
    assert.deepEqual(lost, ['N1']);
  });

  it('has the same patience with a registry that has just begun to remember', async () => {
    const { watch, registry, link, clock } = await cluster('N1');
    link.probes.set('N1', 'silent');
    clock.now += 6000;
    registry.ageMs = 2000;
    assert.equal(await watch.suspect('N1'), 'unknown');
    registry.ageMs = 10_100;
    clock.now += 8100;
    assert.equal(await watch.suspect('N1'), 'dead');
  });

  it('does not bury a node again and again that lives, and refuses only this one', async () => {
    const { watch, registry, link, lost, clock } = await cluster('N1');
    link.probes.set('N1', 'refused');
    assert.equal(await watch.suspect('N1', 'reset'), 'dead');
    clock.now += 2000;
    await registry.heartbeat(recordOf('N1'), []);
    clock.now += 100;
    await watch.look();
    assert.equal(await watch.suspect('N1'), 'unknown', 'it beats, so it lives');
    assert.deepEqual(lost, ['N1']);
    clock.now += 5001;
    assert.equal(await watch.suspect('N1'), 'dead', 'when it says nothing any more');
  });

  it('does not take a heartbeat from before its burial for a sign of life', async () => {
    const { watch, registry, link, clock } = await cluster('N1');
    clock.now += 1500;
    link.probes.set('N1', 'refused');
    const { nodes } = await registry.snapshot();
    assert.equal(nodes[0]?.seenAgoMs, 1500);
    assert.equal(await watch.suspect('N1', 'reset'), 'dead');
    // Another look had begun before it was taken away.
    await registry.heartbeat(recordOf('N1'), []);
    clock.now += 1;
    const late = registry.snapshot.bind(registry);
    registry.snapshot = async () => {
      const snapshot = await late();
      return { ...snapshot, nodes: snapshot.nodes.map((one) => ({ ...one, seenAgoMs: 1501 })) };
    };
    await watch.look();
    assert.equal(await watch.suspect('N1', 'reset'), 'dead');
  });

  it('knows a process of another id at the same place for what it is', async () => {
    const { watch, link, lost } = await cluster('N1');
    // What the link says of a place where another node answers.
    link.probes.set('N1', 'refused');
    assert.equal(await watch.suspect('N1', 'reset'), 'dead');
    assert.deepEqual(lost, ['N1']);
    assert.equal(await watch.suspect('N1'), 'dead', 'and stays so');
  });

  it('calls a Master Node dead by its silence alone, and not before the grace is over', async () => {
    const { watch, registry, lost, clock } = await cluster();
    await registry.heartbeat({ ...recordOf('M1'), role: 'master', link: undefined }, []);
    await watch.look();
    clock.now += 4000;
    assert.equal(await watch.suspect('M1'), 'unknown');
    registry.away = true;
    clock.now += 20_000;
    assert.equal(await watch.suspect('M1'), 'unknown');
    registry.away = false;
    clock.now += 1000;
    assert.equal(await watch.suspect('M1'), 'unknown');
    clock.now += 10_001;
    assert.equal(await watch.suspect('M1'), 'dead');
    assert.deepEqual(lost, ['M1']);
    assert.deepEqual((await registry.snapshot()).nodes, []);
  });
});
