/** Backups over a real Redis, and what is said of those that cannot be used. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { RedisRegistry } from '../../../node-image/cluster/redis/redis-registry';
import { SharedKeys } from '../../../node-image/cluster/shared-keys';
import { configSchema } from '../../../node-image/contract';
import { packFiles, unpackFiles } from '../../../node-image/lifecycle/backup/archive';
import { backup } from '../../../node-image/lifecycle/backup/backup';
import { packBackup, readBackup } from '../../../node-image/lifecycle/backup/manifest';
import { restore } from '../../../node-image/lifecycle/backup/restore';
import { openFile, sealFile } from '../../../node-image/lifecycle/backup/sealed-file';
import { Machine } from '../../../node-image/lifecycle/boot/machine';
import { quiet, recordOf } from '../../cluster/core-support';
import { startRedis, type TestRedis } from '../../support/redis';

const PASSPHRASE = 'correct horse battery staple';
const SECRET = 'the-secret-of-a-cluster-of-the-tests-0123';
/** A guess costs nothing here. */
const CHEAP = { workFactor: 2 };

describe('a backup', () => {
  let redis: TestRedis;
  let root = '';
  let machine: Machine;
  let file = '';
  before(async () => {
    redis = await startRedis();
  });
  after(() => redis.close());
  beforeEach(async () => {
    await redis.command('FLUSHALL');
    root = mkdtempSync(join(tmpdir(), 'sluice-backup-'));
    file = join(root, 'sluice.age');
    machine = new Machine({ root, chown: false });
  });

  const write = (path: string, text: string, mode = 0o600): void => {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), text);
    chmodSync(join(root, path), mode);
  };
  const CONFIG = '/srv/sluice.yaml';
  const writeNode = (role = 'master'): void => {
    write('/srv/secret', `${SECRET}\n`);
    write('/srv/keys', 'APIfile: a-secret-of-32-characters-or-more\n');
    write(
      CONFIG,
      JSON.stringify({
        key_file: '/srv/keys',
        redis: redis.config,
        sluice: { role, cluster: { name: 'meet', secret_file: '/srv/secret' } },
      }),
      0o640,
    );
  };
  const common = () => ({ machine, env: {}, file, passphrase: PASSPHRASE, force: false });
  const make = (changes = {}) => backup({ ...common(), configFile: CONFIG, ...CHEAP, ...changes });
  const said: string[] = [];
  const back = (changes = {}) =>
    restore({ ...common(), say: (line) => said.push(line), patienceMs: 0, ...changes });
  const open: RedisRegistry[] = [];
  afterEach(async () => {
    for (const one of open.splice(0)) await one.close();
    rmSync(root, { recursive: true, force: true });
  });
  const registryOf = async () => {
    const config = configSchema.parse({ redis: redis.config }).redis;
    const one = await RedisRegistry.connect({ redis: config, clusterName: 'meet', log: quiet });
    open.push(one);
    return one;
  };
  /** A cluster with all that it may have. */
  const fill = async () => {
    const registry = await registryOf();
    await registry.heartbeat(recordOf('N1'), []);
    const keys = new SharedKeys({ registry, clusterSecret: SECRET, log: quiet });
    const made = { apiKey: 'APIshared', secret: 'a-shared-secret-of-32-characters-or-more' };
    await keys.add(made.apiKey, made.secret);
    keys.close();
    await registry.writeDocument('config', 'limit: {}', 0);
    await registry.writeDocument('config', 'limit: { num_tracks: 5 }', 1);
    await registry.audit({ by: 'M1', text: 'first' });
    await registry.audit({ by: 'M1', text: 'second' });
    const placed = await registry.place({ room: 'demo', nodeId: 'N1' });
    const epoch = placed.outcome === 'outdated' ? 0 : placed.placement.epoch;
    await registry.saveFacts('demo', epoch, '{"sid":"RM_x"}');
    await registry.acquireLease('controller', 'M1', 60_000);
    return { registry, made, epoch };
  };

  it('of a cluster is found again on an empty machine with an empty Redis', async () => {
    writeNode();
    const { registry, made, epoch } = await fill();
    const trail = await registry.auditTrail(10);
    const { missing, bytes, ...summary } = await make();
    assert.deepEqual([summary, missing], [{ files: 3, documents: 2, rooms: 1 }, []]);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.equal(statSync(file).size, bytes);
    const plain = readFileSync(file, 'latin1');
    for (const secret of [SECRET, 'a-secret-of-32', 'demo', 'APIfile', made.apiKey])
      assert.ok(!plain.includes(secret), secret);

    await redis.command('FLUSHALL');
    for (const name of ['secret', 'keys', 'sluice.yaml']) rmSync(join(root, 'srv', name));
    const { madeAt: _, ...done } = await back();
    assert.deepEqual(done, {
      cluster: 'meet',
      config: CONFIG,
      files: 3,
      documents: 2,
      rooms: 1,
      started: false,
    });
    assert.equal(readFileSync(join(root, 'srv/secret'), 'utf8'), `${SECRET}\n`);
    assert.equal(statSync(join(root, CONFIG)).mode & 0o777, 0o640);
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
    writeNode();
    const { registry, epoch } = await fill();
    const other = await registry.place({ room: 'ended', nodeId: 'N1' });
    assert.equal(other.outcome, 'placed');
    await make();
    await redis.command('FLUSHALL');
    // The Media Nodes are there again before anybody has restored anything.
    await registry.heartbeat(recordOf('N2'), [{ room: 'demo', epoch: epoch + 7 }]);
    assert.equal((await back()).rooms, 1);
    const room = await registry.room('demo');
    assert.deepEqual([room?.nodeId, room?.epoch], ['N2', epoch + 7]);
    assert.equal((await registry.room('ended'))?.nodeId, 'N1');
  });

  it('is of one moment, however much is written meanwhile', async () => {
    writeNode();
    const { registry } = await fill();
    let writing = true;
    const writer = (async () => {
      for (let version = 2; writing && version < 100_000; version += 1) {
        // Each audit entry tells of a document that is there already.
        await registry.writeDocument('config', `n: ${version}`, version);
        await registry.audit({ by: 'M1', text: `config ${version}` });
      }
    })();
    for (let round = 0; round < 10; round += 1) {
      await make({ force: true });
      const plain = await openFile(readFileSync(file), PASSPHRASE, file);
      const { registry: copy } = await readBackup(plain, file);
      const written = Number(/\d+/.exec(copy?.documents['config']?.value ?? '')?.[0] ?? 1);
      const told = Number(/config (\d+)/.exec(copy?.audit[0] ?? '')?.[1] ?? 1);
      assert.ok(written === told || written === told + 1, `${written} is written, ${told} is told`);
    }
    writing = false;
    await writer;
  });

  it('refuses a target that is not empty, and changes nothing there, unless it is forced', async () => {
    writeNode();
    const { registry } = await fill();
    await make();
    write('/srv/secret', 'another secret of another cluster, for sure');
    await assert.rejects(back(), {
      name: 'BackupError',
      message: /^\/srv\/secret are there already, and are others than in the backup: .* --force/,
    });
    write('/srv/secret', `${SECRET}\n`);
    rmSync(join(root, 'srv/keys'));
    await registry.writeDocument('config', 'mine: 1', 2);
    await assert.rejects(back(), { message: /holds a cluster meet already, .* --force/ });
    assert.equal(existsSync(join(root, 'srv/keys')), false, 'what was written is gone again');
    assert.equal((await registry.document('config'))?.value, 'mine: 1');
    write('/srv/secret', 'x');
    assert.equal((await back({ force: true })).documents, 2);
    assert.equal(readFileSync(join(root, 'srv/secret'), 'utf8'), `${SECRET}\n`);
    const { value, version } = (await registry.document('config')) ?? {};
    assert.equal(value, 'limit: { num_tracks: 5 }');
    assert.equal(version, 4, 'nodes read what has a higher version');
  });

  it('says in one sentence why it cannot be used', async () => {
    writeNode();
    await fill();
    await make();
    const whole = readFileSync(file);
    const refused = async (message: RegExp, changes = {}): Promise<void> => {
      await assert.rejects(back(changes), (error: Error) => {
        assert.equal(error.name, 'BackupError');
        assert.match(error.message, message);
        assert.ok(!error.message.includes('\n') && !error.message.includes(PASSPHRASE));
        return true;
      });
    };
    await refused(/The passphrase is not the one/, { passphrase: 'another one, a wrong one' });
    await refused(/cannot be read: ENOENT/, { file: join(root, 'gone') });
    for (const [what, content] of [
      ['cut', whole.subarray(0, -10)],
      ['cut at a chunk', whole.subarray(0, 300)],
      ['longer', Buffer.concat([whole, Buffer.from('x')])],
      [
        'changed',
        Buffer.from(whole.map((byte, i) => (i === whole.length - 400 ? byte ^ 1 : byte))),
      ],
    ] as const) {
      writeFileSync(file, content);
      await refused(/is damaged or not whole: take another copy/, { what });
    }
    writeFileSync(file, 'nothing of this kind');
    await refused(/is no backup of Sluice, or its beginning is damaged/);
    const sealed = async (plain: Uint8Array) =>
      writeFileSync(file, await sealFile(plain, PASSPHRASE, 2));
    await sealed(Buffer.from('no tar'));
    await refused(/holds no backup of Sluice that can be read/);
    const head = (manifest: object) =>
      packFiles(
        [
          {
            path: 'sluice-backup.json',
            mode: 0o600,
            user: 'root',
            group: 'root',
            content: Buffer.from(JSON.stringify(manifest)),
          },
        ],
        new Date(),
      );
    await sealed(head({ format: 2, program: '9.1.0' }));
    await refused(
      /was written by Sluice 9.1.0, and this is .*: install that version or a newer one/,
    );
    await sealed(head({ format: 1, program: '0.2.0' }));
    await refused(/was written by Sluice 0.2.0/);
    await sealed(head({ format: 1, program: '0.1.0' }));
    await refused(/holds no backup/);
    const facts = { cluster: 'meet', role: 'master', config: CONFIG } as const;
    const owner = { mode: 0o600, user: 'root', group: 'root' };
    const outside = [{ path: '/../../etc/passwd', content: Buffer.from('x'), ...owner }];
    await sealed(packBackup(facts, outside, undefined, new Date()));
    await refused(/holds no backup/);
    assert.equal(existsSync(join(root, 'etc')), false);
    writeFileSync(file, whole);
    const { port } = redis;
    write(CONFIG, readFileSync(join(root, CONFIG), 'utf8').replace(`${port}`, '1'), 0o640);
    await assert.rejects(make({ file: join(root, 'other') }), {
      message:
        /Redis \(127.0.0.1:1\) does not answer: .*; API keys, .* run this again when it answers/,
    });
    assert.equal(existsSync(join(root, 'other')), false);
  });

  it('says why it cannot be made, and leaves nothing', async () => {
    writeNode();
    await make();
    await assert.rejects(make(), { message: /is there already: give another name, or --force/ });
    await assert.rejects(make({ passphrase: 'short' }), {
      message: /has 5 characters: give one of 12 or more/,
    });
    await assert.rejects(make({ file: join(root, 'no/such/folder') }), {
      message: /cannot be written: ENOENT/,
    });
    writeNode('media');
    await assert.rejects(make({ file: `${file}2` }), {
      message: /Media Node, .* on a Master Node/,
    });
    write(CONFIG, '{"sluice": {"rol": "master"}}');
    await assert.rejects(make({ file: `${file}2` }), { message: /rol/ });
    assert.deepEqual(readdirSync(root).sort(), ['sluice.age', 'srv']);
  });

  it('of a Single Node has its files alone, and needs no Redis', async () => {
    write('/srv/keys', 'APIfile: a-secret-of-32-characters-or-more\n');
    write(CONFIG, '{"key_file": "/srv/keys"}');
    const { files, documents } = await make({ env: { SLUICE_CLUSTER_SECRET: '' } });
    assert.deepEqual([files, documents], [2, 0]);
    rmSync(join(root, 'srv'), { recursive: true });
    assert.equal((await back()).files, 2);
    assert.ok(existsSync(join(root, 'srv/keys')));
  });

  it('of a machine of sluice init has its whole folder, and starts its services again', async () => {
    writeNode();
    const { registry } = await fill();
    const yaml = readFileSync(join(root, CONFIG), 'utf8');
    write('/etc/sluice/sluice.yaml', yaml, 0o640);
    write('/etc/sluice/boot.json', '{"cloud":"none","role":"master"}', 0o644);
    write('/etc/sluice/tls/entry.pem', 'a certificate', 0o640);
    write('/var/lib/sluice/certificates/state.json', '{}');
    write('/etc/passwd', 'root:x:0:0::/:/bin/sh\n');
    const configFile = '/etc/sluice/sluice.yaml';
    assert.equal((await make({ configFile, env: { SLUICE_KEYS: '' } })).files >= 5, true);
    await redis.command('FLUSHALL');
    rmSync(join(root, 'etc/sluice'), { recursive: true });
    await assert.rejects(back(), { message: /not installed on this machine, .*: run install.sh/ });
    assert.equal(existsSync(join(root, 'etc/sluice')), false);
    write('/opt/sluice/bin/start', '');
    const ran: string[] = [];
    machine = new Machine({
      root,
      chown: false,
      run: async (program, args) => {
        ran.push([program, ...args].join(' '));
        return { code: 0, stdout: '', stderr: '' };
      },
    });
    const done = await back();
    assert.equal(done.started, true);
    assert.deepEqual(ran, [
      '/opt/sluice/bin/start',
      'systemctl restart sluice-node.service sluice-certificates.service',
    ]);
    assert.equal(readFileSync(join(root, 'etc/sluice/tls/entry.pem'), 'utf8'), 'a certificate');
    assert.equal((await registry.document('config'))?.version, 2);
    rmSync(join(root, 'etc/sluice'), { recursive: true });
    mkdirSync(join(root, 'var/lib/sluice/redis/appendonlydir'), { recursive: true });
    await assert.rejects(back(), { message: /redis has data already, .* --force/ });
  });

  it('can be read without Sluice: it is a tar, also with long names', async () => {
    const long = `/srv/${'a-rather-long-name/'.repeat(20)}end`;
    const files = [
      { path: long, content: Buffer.from('x'.repeat(513)), mode: 0o640, user: 'a', group: 'b' },
      { path: '/srv/ä', content: Buffer.alloc(0), mode: 0o600, user: 'root', group: 'root' },
    ];
    assert.deepEqual(await unpackFiles(packFiles(files, new Date())), files);
    const listed = execFileSync('tar', ['-tf', '-'], { input: packFiles(files, new Date()) });
    assert.match(listed.toString(), /a-rather-long-name\/end\n/);
  });
});
