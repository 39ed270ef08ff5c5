/** Master Nodes with High Availability, of which Redis and Sentinel run, each on a loopback address of its own. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Redis } from 'ioredis';
import { RedisRegistry } from '../../../node-image/cluster/redis/redis-registry';
import {
  askSentinel,
  type SentinelQuestions,
} from '../../../node-image/cluster/redis/sentinel-question';
import { configSchema, type SluiceConfig } from '../../../node-image/contract';
import { boot } from '../../../node-image/lifecycle/boot/boot';
import { Machine } from '../../../node-image/lifecycle/boot/machine';
import { derivedSecret } from '../../../node-image/lifecycle/derived-secret';
import { masterConfig, masterPlan } from '../../../node-image/lifecycle/own-machines/node-files';
import { quiet } from '../../cluster/core-support';

const SECRET = 'the-secret-of-a-cluster-of-the-tests-0123';
export const PASSWORD = derivedSecret(SECRET, 'redis');
const START = '/opt/sluice/bin/start';
const REDIS = '/run/sluice/redis/redis.conf';
const SENTINEL = '/var/lib/sluice/sentinel/sentinel.conf';

export class HaMachine {
  readonly address: string;
  readonly root = mkdtempSync(join(tmpdir(), 'sluice-ha-'));
  readonly machine: Machine;
  #processes: ChildProcess[] = [];
  readonly #atExit = (): void => {
    for (const each of this.#processes) each.kill('SIGKILL');
  };

  /** Installed, and nothing else. */
  constructor(address: string) {
    this.address = address;
    this.machine = new Machine({
      root: this.root,
      chown: false,
      run: async (program, args) => {
        if (program === START) await this.start();
        if (program === 'systemctl' && args[0] === 'stop') await this.cutPower();
        return { code: 0, stdout: '', stderr: '' };
      },
    });
    this.write(START, '');
    this.write('/etc/passwd', 'sluice:x:1:1::/:/\n');
    process.once('exit', this.#atExit);
  }

  /** What `sluice init` and `sluice join --role master` write. @param primary - address of another one */
  becomeMaster(sentinels: readonly string[], primary: string): void {
    const { address } = this;
    const place = { machine: `master-${address}`, cluster: 'meet', address };
    const all = [address, ...sentinels].map((each) => `${each}:26379`);
    this.write('/etc/sluice/sluice.yaml', masterConfig({ ...place, sentinels: all }));
    this.write('/etc/sluice/secrets/cluster', `${SECRET}\n`);
    this.write('/etc/sluice/secrets/api_key', '"APIone": "the-secret-of-the-api-key-of-it"\n');
    const plan = { ...masterPlan({}, `${primary}:6379`), entry: undefined };
    this.write('/etc/sluice/boot.json', JSON.stringify(plan));
  }

  /** Boots, and starts Redis and Sentinel as their units do. */
  async start(): Promise<void> {
    const { address } = this;
    const lo = { address, netmask: '255.0.0.0', family: 'IPv4', mac: '', internal: false } as const;
    const interfaces = { eth0: [{ ...lo, cidr: `${address}/8` }] };
    await boot({ machine: this.machine, say: () => undefined, interfaces });
    for (const path of [REDIS, SENTINEL]) this.#makeOwn(path);
    this.#spawn(this.#path(REDIS));
    this.#spawn(this.#path(SENTINEL), '--sentinel');
  }

  /** Ends what runs, at once. */
  async cutPower(): Promise<void> {
    const ended = this.#processes.map(async (each) => {
      if (each.exitCode !== null || each.signalCode !== null) return;
      const gone = new Promise((resolve) => each.once('exit', resolve));
      each.kill('SIGKILL');
      await gone;
    });
    this.#processes = [];
    await Promise.all(ended);
  }

  /** Idempotent. */
  async close(): Promise<void> {
    await this.cutPower();
    process.removeListener('exit', this.#atExit);
    rmSync(this.root, { recursive: true, force: true });
  }

  read(path: string): string {
    return readFileSync(this.#path(path), 'utf8');
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(this.#path(path)), { recursive: true });
    writeFileSync(this.#path(path), text, { mode: 0o600 });
  }

  /** The section `redis` of a node that knows this Sentinel alone. */
  get redis(): SluiceConfig['redis'] {
    return configSchema.parse({
      redis: {
        password: PASSWORD,
        sentinel_password: PASSWORD,
        sentinel_master_name: 'sluice',
        sentinel_addresses: [`${this.address}:26379`],
      },
    }).redis;
  }

  /** Where its Sentinel says that the primary is. */
  async primary(): Promise<string | undefined> {
    return this.#ask((sentinel) => sentinel.primary()).catch(() => undefined);
  }

  /** How many others its Sentinel knows, and how many that follow the primary. */
  async known(): Promise<string> {
    return this.#ask(async (sentinel) => {
      const counts = [await sentinel.others(), await sentinel.replicas()].map((all) => all.length);
      return counts.join(' and ');
    }).catch(String);
  }

  /** What its Redis says of who it follows, or who follows it. */
  async replication(): Promise<string> {
    const options = { host: this.address, port: 6379, password: PASSWORD };
    const client = new Redis({ ...options, lazyConnect: true, retryStrategy: () => null });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return await client.info('replication');
    } catch {
      return '';
    } finally {
      client.disconnect();
    }
  }

  registry(): Promise<RedisRegistry> {
    return RedisRegistry.connect({ redis: this.redis, clusterName: 'meet', log: quiet });
  }

  #ask<T>(question: (sentinel: SentinelQuestions) => Promise<T>): Promise<T> {
    return askSentinel({ redis: this.redis, address: `${this.address}:26379` }, question);
  }

  #path(path: string): string {
    return join(this.root, path);
  }

  #spawn(...args: string[]): void {
    const child = spawn('redis-server', args, { stdio: 'ignore' });
    child.on('error', (error) => assert.fail(error));
    this.#processes.push(child);
  }

  /** All of them share one loopback, and none may write where machines do. */
  #makeOwn(path: string): void {
    const text = this.read(path)
      .replace(/^bind .*$/m, `bind ${this.address}`)
      .replace(/^dir "?\/var\/(.*?)"?$/m, (_, rest: string) => {
        mkdirSync(this.#path(`/var/${rest}`), { recursive: true });
        return `dir ${this.#path(`/var/${rest}`)}`;
      });
    this.write(path, text);
  }
}
