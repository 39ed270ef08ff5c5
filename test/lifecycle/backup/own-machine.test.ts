/** Backups of machines of `sluice init`, over a real Redis. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { describe, it } from 'node:test';
import { Machine } from '../../../node-image/lifecycle/boot/machine';
import { CONFIG, eachInAWorld } from './support';

const START = '/opt/sluice/bin/start';
const STATUS = '/run/sluice/boot-status.json';

describe('a backup of a machine of sluice init', () => {
  const current = eachInAWorld();

  it('has its whole folder, starts its services again, and waits until it serves', async () => {
    const world = current();
    world.writeNode();
    const { registry } = await world.fill();
    const yaml = world.read(CONFIG);
    world.write('/etc/sluice/sluice.yaml', yaml, 0o640);
    world.write('/etc/sluice/boot.json', '{"cloud":"none","role":"master"}', 0o644);
    world.write('/etc/sluice/tls/entry.pem', 'a certificate', 0o640);
    world.write('/var/lib/sluice/certificates/state.json', '{}');
    world.write('/etc/passwd', 'root:x:0:0::/:/bin/sh\n');
    const configFile = '/etc/sluice/sluice.yaml';
    assert.equal((await world.make({ configFile, env: { SLUICE_KEYS: '' } })).files >= 5, true);
    await world.redis.command('FLUSHALL');
    rmSync(world.path('etc/sluice'), { recursive: true });
    await assert.rejects(world.back(), {
      message: /not installed on this machine, .*: run install.sh/,
    });
    assert.equal(existsSync(world.path('etc/sluice')), false);
    world.write(START, '');
    const ran: string[] = [];
    world.machine = new Machine({
      root: world.root,
      chown: false,
      run: async (program, args) => {
        ran.push([program, ...args].join(' '));
        if (program === START) world.write(STATUS, '{"state":"done"}');
        return { code: 0, stdout: '', stderr: '' };
      },
    });
    const asked: number[] = [];
    const isReady = async () => asked.push(ran.length) > 2;
    const done = await world.back({ isReady, patienceMs: 10_000 });
    assert.equal(done.started, true);
    assert.deepEqual(asked, [2, 2, 2], 'it has waited for the node');
    assert.deepEqual(ran, [
      START,
      'systemctl restart sluice-node.service sluice-certificates.service',
    ]);
    assert.equal(world.read('etc/sluice/tls/entry.pem'), 'a certificate');
    assert.equal((await registry.document('config'))?.version, 2);
    rmSync(world.path('etc/sluice'), { recursive: true });
    const late = world.back({ isReady: async () => false, force: true });
    await assert.rejects(late, {
      name: 'BackupError',
      message: /^All of the backup is put back, and stays, .*The node does not serve .*journalctl/,
    });
    assert.equal(world.read('etc/sluice/tls/entry.pem'), 'a certificate');
    rmSync(world.path('etc/sluice'), { recursive: true });
    mkdirSync(world.path('var/lib/sluice/redis/appendonlydir'), { recursive: true });
    await assert.rejects(world.back(), { message: /redis has data already, .* --force/ });
  });
});
