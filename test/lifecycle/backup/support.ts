/** What tests of backups share: a machine in a folder, and a cluster in a real Redis. */
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, afterEach, before, beforeEach } from 'node:test';
import { RedisRegistry } from '../../../node-image/cluster/redis/redis-registry';
import { SharedKeys } from '../../../node-image/cluster/shared-keys';
import { configSchema } from '../../../node-image/contract';
import { type BackupOptions, backup } from '../../../node-image/lifecycle/backup/backup';
import { type RestoreOptions, restore } from '../../../node-image/lifecycle/backup/restore';
import { Machine } from '../../../node-image/lifecycle/boot/machine';
import { quiet, recordOf } from '../../cluster/core-support';
import { startRedis, type TestRedis } from '../../support/redis';

export const PASSPHRASE = 'correct horse battery staple';
export const SECRET = 'the-secret-of-a-cluster-of-the-tests-0123';
/** Of the node, where sluice init has not made it. */
export const CONFIG = '/srv/sluice.yaml';
/** A guess costs nothing here. */
export const CHEAP = { workFactor: 2 };

/** The machine of one test, and the Redis of all of them. */
export class BackupWorld {
  readonly redis: TestRedis;
  readonly root = mkdtempSync(join(tmpdir(), 'sluice-backup-'));
  /** The backup. */
  readonly file = join(this.root, 'sluice.age');
  machine = new Machine({ root: this.root, chown: false });
  readonly #open: RedisRegistry[] = [];

  constructor(redis: TestRedis) {
    this.redis = redis;
  }

  /** Where a file of the machine is on this one. */
  path(path: string): string {
    return join(this.root, path);
  }

  write(path: string, text: string, mode = 0o600): void {
    mkdirSync(dirname(this.path(path)), { recursive: true });
    writeFileSync(this.path(path), text);
    chmodSync(this.path(path), mode);
  }

  read(path: string): string {
    return readFileSync(this.path(path), 'utf8');
  }

  mode(path: string): number {
    return statSync(this.path(path)).mode & 0o777;
  }

  /** Files of a node that somebody has set up by hand. */
  writeNode(role = 'master'): void {
    this.write('/srv/secret', `${SECRET}\n`);
    this.write('/srv/keys', 'APIfile: a-secret-of-32-characters-or-more\n');
    const cluster = { name: 'meet', secret_file: '/srv/secret' };
    const config = {
      key_file: '/srv/keys',
      redis: this.redis.config,
      sluice: { role, cluster },
    };
    this.write(CONFIG, JSON.stringify(config), 0o640);
  }

  make(changes: Partial<BackupOptions> = {}) {
    return backup({ ...this.#common(), configFile: CONFIG, ...CHEAP, ...changes });
  }

  back(changes: Partial<RestoreOptions> = {}) {
    return restore({ ...this.#common(), say: () => undefined, patienceMs: 0, ...changes });
  }

  async registry(): Promise<RedisRegistry> {
    const { redis } = configSchema.parse({ redis: this.redis.config });
    const one = await RedisRegistry.connect({ redis, clusterName: 'meet', log: quiet });
    this.#open.push(one);
    return one;
  }

  /** A cluster with all that it may have. */
  async fill() {
    const registry = await this.registry();
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
  }

  async close(): Promise<void> {
    for (const one of this.#open.splice(0)) await one.close();
    rmSync(this.root, { recursive: true, force: true });
  }

  #common() {
    const { machine, file } = this;
    return { machine, env: {}, file, passphrase: PASSPHRASE, force: false };
  }
}

/** A world for each test of a suite, with an empty Redis. @returns that of the test that runs */
export function eachInAWorld(): () => BackupWorld {
  let redis: TestRedis | undefined;
  let world: BackupWorld | undefined;
  before(async () => {
    redis = await startRedis();
  });
  after(() => redis?.close());
  beforeEach(async () => {
    if (redis === undefined) return;
    await redis.command('FLUSHALL');
    world = new BackupWorld(redis);
  });
  afterEach(() => world?.close());
  return () => {
    if (world === undefined) throw new Error('no test runs');
    return world;
  };
}
