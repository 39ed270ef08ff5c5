/** Backups that are put back, over a real Redis. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { describe, it } from 'node:test';
import { SharedKeys } from '../../../node-image/cluster/shared-keys';
import { quiet, recordOf } from '../../cluster/core-support';
import { CONFIG, eachInAWorld, SECRET } from './support';

describe('a backup that is put back', () => {
  const current = eachInAWorld();

  it('of a cluster is found again on an empty machine with an empty Redis', async () => {
    const world = current();
    world.writeNode();
    const { registry, made, epoch } = await world.fill();
    const trail = await registry.auditTrail(10);
    const { missing, bytes, ...summary } = await world.make();
    assert.deepEqual([summary, missing], [{ files: 3, documents: 2, rooms: 1 }, []]);
    assert.equal(statSync(world.file).mode & 0o777, 0o600);
    assert.equal(statSync(world.file).size, bytes);
    const plain = readFileSync(world.file, 'latin1');
    for (const secret of [SECRET, 'a-secret-of-32', 'demo', 'APIfile', made.apiKey])
      assert.ok(!plain.includes(secret), secret);

    await world.redis.command('FLUSHALL');
    for (const name of ['secret', 'keys', 'sluice.yaml']) rmSync(world.path(`srv/${name}`));
    const { madeAt: _, ...done } = await world.back();
    assert.deepEqual(done, {
      cluster: 'meet',
      config: CONFIG,
      files: 3,
      documents: 2,
      rooms: 1,
      started: false,
    });
    assert.equal(world.read('srv/secret'), `${SECRET}\n`);
    assert.equal(world.mode(CONFIG), 0o640);
    assert.deepEqual(await registry.document('config'), {
      value: 'limit: { num_tracks: 5 }',
      version: 2,
    });
    const keys = new SharedKeys({ registry, clusterSecret: SECRET, log: quiet });
    await keys.refresh();
    assert.equal(keys.current.keys.get(made.apiKey)?.secret, made.secret);
    keys.close();
    assert.deepEqual(await registry.auditTrail(10), trail);
    const room = await registry.room('demo');
    assert.deepEqual([room?.epoch, room?.nodeId, room?.facts], [epoch, 'N1', '{"sid":"RM_x"}']);
    assert.deepEqual(
      (await registry.snapshot()).nodes,
      [],
      'nodes say themselves that they are there',
    );
    const lease = await registry.acquireLease('controller', 'M2', 60_000);
    assert.ok((lease?.epoch ?? 0) > 1_000_000, 'epochs of leases do not begin anew');
  });

  it('is no older than what nodes that run have said meanwhile', async () => {
    const world = current();
    world.writeNode();
    const { registry, epoch } = await world.fill();
    const other = await registry.place({ room: 'ended', nodeId: 'N1' });
    assert.equal(other.outcome, 'placed');
    await world.make();
    await world.redis.command('FLUSHALL');
    // The Media Nodes are there again before anybody has restored anything.
    await registry.heartbeat(recordOf('N2'), [{ room: 'demo', epoch: epoch + 7 }]);
    assert.equal((await world.back()).rooms, 1);
    const room = await registry.room('demo');
    assert.deepEqual([room?.nodeId, room?.epoch], ['N2', epoch + 7]);
    assert.equal((await registry.room('ended'))?.nodeId, 'N1');
  });

  it('refuses a target that is not empty, and changes nothing there, unless it is forced', async () => {
    const world = current();
    world.writeNode();
    const { registry } = await world.fill();
    await world.make();
    world.write('/srv/secret', 'another secret of another cluster, for sure');
    await assert.rejects(world.back(), {
      name: 'BackupError',
      message: /^\/srv\/secret are there already, and are others than in the backup: .* --force/,
    });
    world.write('/srv/secret', `${SECRET}\n`);
    rmSync(world.path('srv/keys'));
    await registry.writeDocument('config', 'mine: 1', 2);
    await assert.rejects(world.back(), { message: /holds a cluster meet already, .* --force/ });
    assert.equal(existsSync(world.path('srv/keys')), false, 'what was written is gone again');
    assert.equal((await registry.document('config'))?.value, 'mine: 1');
    world.write('/srv/secret', 'x');
    assert.equal((await world.back({ force: true })).documents, 2);
    assert.equal(world.read('srv/secret'), `${SECRET}\n`);
    const { value, version } = (await registry.document('config')) ?? {};
    assert.equal(value, 'limit: { num_tracks: 5 }');
    assert.equal(version, 4, 'nodes read what has a higher version');
  });

  it('of a Single Node has its files alone, and needs no Redis', async () => {
    const world = current();
    world.write('/srv/keys', 'APIfile: a-secret-of-32-characters-or-more\n');
    world.write(CONFIG, '{"key_file": "/srv/keys"}');
    const { files, documents } = await world.make({ env: { SLUICE_CLUSTER_SECRET: '' } });
    assert.deepEqual([files, documents], [2, 0]);
    rmSync(world.path('srv'), { recursive: true });
    assert.equal((await world.back()).files, 2);
    assert.ok(existsSync(world.path('srv/keys')));
  });
});
