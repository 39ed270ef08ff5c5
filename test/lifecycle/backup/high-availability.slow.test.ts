/** Three Master Nodes with real Redis and Sentinel: all of them lost, and two of them lost. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, beforeEach, describe, test } from 'node:test';
import { backup } from '../../../node-image/lifecycle/backup/backup';
import { restore } from '../../../node-image/lifecycle/backup/restore';
import { replicaProblem } from '../../../node-image/lifecycle/own-machines/own-registry';
import { allBlocks } from '../../docs/support/pages';
import { until } from '../../support/wait';
import { HaMachine, PASSWORD } from './ha-machine';

const PASSPHRASE = 'correct horse battery staple';
const CONFIG = '/etc/sluice/sluice.yaml';
const [FIRST, SECOND, THIRD] = ['127.0.77.1', '127.0.77.2', '127.0.77.3'] as const;
const PATIENCE = { timeoutMs: 40_000, intervalMs: 250 };
/** What the page has typed where two of three are lost. */
const DOCUMENTED = allBlocks()
  .filter(({ notRun }) => /backup\/high-availability\.slow/.test(notRun ?? ''))
  .flatMap(({ text }) => text.trim().split('\n'));

describe('a cluster with High Availability', { concurrency: 1 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-ha-backup-'));
  const file = join(folder, 'sluice.age');
  let machines: HaMachine[] = [];
  after(() => rmSync(folder, { recursive: true, force: true }));
  afterEach(async () => {
    for (const each of machines) await each.close();
    machines = [];
  });

  const install = (address: string): HaMachine => {
    const machine = new HaMachine(address);
    machines.push(machine);
    return machine;
  };
  const follows = (machine: HaMachine): Promise<unknown> =>
    until(
      `${machine.address} to follow the primary`,
      async () => replicaProblem(await machine.replication()) === undefined,
      PATIENCE,
    );
  const namesPrimary = (machine: HaMachine, primary: string): Promise<unknown> => {
    let named: string | undefined;
    return until(
      `the Sentinel of ${machine.address} to name ${primary}`,
      async () => {
        named = await machine.primary();
        return named === `${primary}:6379`;
      },
      { ...PATIENCE, explain: () => String(named) },
    );
  };
  const serves = async (machine: HaMachine): Promise<string | undefined> => {
    const registry = await machine.registry();
    try {
      let value: string | undefined;
      const read = async (): Promise<boolean> => {
        value = (await registry.document('config'))?.value;
        return true;
      };
      await until('the registry to answer', () => read().catch(() => false), PATIENCE);
      return value;
    } finally {
      await registry.close();
    }
  };

  beforeEach(async () => {
    const [first, second, third] = [FIRST, SECOND, THIRD].map(install);
    assert.ok(first && second && third);
    first.becomeMaster([], FIRST);
    second.becomeMaster([FIRST], FIRST);
    third.becomeMaster([FIRST, SECOND], FIRST);
    await first.start();
    await namesPrimary(first, FIRST);
    for (const other of [second, third]) {
      await other.start();
      await follows(other);
    }
    // A Sentinel asks the primary every 10 s who follows it.
    let known = '';
    await until(
      'the third Sentinel to know all of them',
      async () => {
        known = await third.known();
        return known === '2 and 2';
      },
      { ...PATIENCE, explain: () => known },
    );
    const registry = await first.registry();
    await registry.writeDocument('config', 'limit: { num_tracks: 5 }', 0);
    await registry.close();
  });

  test('is made again from a backup of any of its Master Nodes, which becomes the first', async () => {
    const [first, second, third] = machines;
    assert.ok(first && second && third);
    const common = { env: {}, file, passphrase: PASSPHRASE };
    const { machine } = second;
    const made = { ...common, machine, configFile: CONFIG, force: false, workFactor: 2 };
    assert.equal((await backup(made)).documents, 1);
    const again = (on: HaMachine, force = false) => {
      const said: string[] = [];
      const isReady = async () => true;
      const say = (line: string) => void said.push(line);
      return restore({ ...common, machine: on.machine, force, say, isReady }).then(() => said);
    };

    await second.cutPower();
    const empty = install(SECOND);
    for (const force of [false, true]) {
      await assert.rejects(again(empty, force), {
        name: 'BackupError',
        message:
          /^The cluster is not lost: the Sentinel 127\.0\.77\.1:26379 answers, .*sluice join/,
      });
    }
    assert.ok(!existsSync(join(empty.root, CONFIG)));

    for (const each of [first, third]) await each.cutPower();
    const said = await again(empty);
    assert.match(
      said.at(-1) ?? '',
      /^the other Master Nodes come anew: .* sluice join --role master/,
    );
    await namesPrimary(empty, SECOND);
    assert.match(await empty.replication(), /role:master/);
    assert.equal(await serves(empty), 'limit: { num_tracks: 5 }');

    const further = install(THIRD);
    further.becomeMaster([SECOND, FIRST], SECOND);
    await further.start();
    await follows(further);
    assert.equal(await serves(further), 'limit: { num_tracks: 5 }');

    // On a machine with an older life of its own, which it is told to forget.
    for (const each of [empty, further]) await each.cutPower();
    assert.match(third.read('/var/lib/sluice/sentinel/sentinel.conf'), /known-sentinel/);
    const old = install(SECOND);
    old.becomeMaster([FIRST], FIRST);
    await old.start();
    await namesPrimary(old, FIRST);
    await assert.rejects(again(old), { message: /are there already|has data already/ });
    await again(old, true);
    await namesPrimary(old, SECOND);
    assert.equal(await serves(old), 'limit: { num_tracks: 5 }');
  });

  test('of which one machine is left goes on there, when that is told to take over', async () => {
    const [first, second, third] = machines;
    assert.ok(first && second && third);
    for (const each of [first, second]) await each.cutPower();
    const variables = third.read('/run/sluice/secrets/node.env');
    assert.ok(variables.includes(PASSWORD));
    assert.equal(DOCUMENTED.length, 2);
    const [read = '', command = ''] = DOCUMENTED;
    assert.match(command, /redis-cli -p 26379 /);
    const typed = [read, command]
      .join('\n')
      .replace('/run/', join(third.root, '/run/'))
      .replace('redis-cli', `redis-cli -h ${THIRD}`);
    const tell = () => execFileSync('sh', ['-c', typed], { encoding: 'utf8' }).trim();
    let said = '';
    await until(
      'it to take over',
      () => {
        said = tell();
        return said === 'OK';
      },
      { ...PATIENCE, intervalMs: 1000, explain: () => said },
    );
    await namesPrimary(third, THIRD);
    assert.match(await third.replication(), /role:master/);
    assert.equal(await serves(third), 'limit: { num_tracks: 5 }');
  });
});
