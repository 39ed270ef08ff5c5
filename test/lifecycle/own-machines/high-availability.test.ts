import assert from 'node:assert/strict';
import { existsSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join as pathOf } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, test } from 'node:test';
import {
  type JoinGrant,
  JoinReader,
  type JoinRequest,
  sealAnswer,
} from '../../../node-image/cluster/join-channel';
import { writeJoinToken } from '../../../node-image/cluster/join-token-text';
import type { SentinelQuestions } from '../../../node-image/cluster/redis/sentinel-question';
import type { SharedEntry } from '../../../node-image/cluster/shared-entry';
import { BootError } from '../../../node-image/lifecycle/boot/boot-error';
import { derivedSecret } from '../../../node-image/lifecycle/derived-secret';
import { type InitOptions, init } from '../../../node-image/lifecycle/own-machines/init';
import { type JoinOptions, join } from '../../../node-image/lifecycle/own-machines/join';
import { leave } from '../../../node-image/lifecycle/own-machines/leave';
import type { BootMachine } from '../../image/support/boot-machine';
import { ADDRESS, factsWith, installedMachine } from './support';

const SECRET = 'the secret that all nodes of the cluster have';
const PASSWORD = derivedSecret(SECRET, 'redis');
const SENTINEL = '/var/lib/sluice/sentinel/sentinel.conf';
const FILES = ['sluice.yaml', 'cluster.json', 'boot.json', 'secrets/cluster', 'admin.env'].map(
  (name) => `/etc/sluice/${name}`,
);
const GRANT: JoinGrant = {
  clusterName: 'meet',
  clusterSecret: SECRET,
  keys: { APIone: 'the-secret-of-the-api-key' },
  redis: {
    address: '',
    username: '',
    password: '',
    db: 0,
    tls: false,
    sentinelMasterName: 'sluice',
    sentinelAddresses: ['10.0.0.5:26379'],
    clusterAddresses: [],
  },
  redisPasswordIsDerived: true,
  turnDomain: 'meet.example.com',
  entry: { kind: 'pem', domain: 'meet.example.com', pem: 'certificate and key\n' },
};

const left = ({ root }: BootMachine): string[] =>
  FILES.filter((path) => existsSync(pathOf(root, path)));
async function refused(given: Promise<unknown>, sentence: RegExp): Promise<void> {
  await assert.rejects(given, (error) => {
    assert.ok(error instanceof BootError, String(error));
    assert.match(error.message, sentence);
    assert.ok(!error.message.includes('\n'), error.message);
    return true;
  });
}
const bootOn = (on: BootMachine) => on.boot({ interfaces: factsWith().interfaces });
const passwd = (on: BootMachine): void => on.write('/etc/passwd', 'sluice:x:1:1::/:/\n');

describe('sluice init --high-availability', () => {
  const start = (on: BootMachine, changed: Partial<InitOptions> = {}, shared: SharedEntry[] = []) =>
    init({
      machine: on.machine,
      facts: factsWith(),
      domain: 'meet.example.com',
      certificate: { kind: 'self-signed' },
      highAvailability: true,
      say: (line) => on.said.push(line),
      isReady: async () => true,
      makeToken: async (_keys, role) => `TOKEN of ${role}`,
      registry: { share: async (entry) => void shared.push(entry) },
      patienceMs: 50,
      ...changed,
    });

  test('makes the primary, its Sentinel, and what further Master Nodes are told', async (t) => {
    const on = installedMachine(t);
    passwd(on);
    const shared: SharedEntry[] = [];
    const done = await start(on, {}, shared);
    assert.deepEqual([done.token, done.masterToken], ['TOKEN of media', 'TOKEN of master']);
    assert.deepEqual(shared, [
      { kind: 'pem', domain: 'meet.example.com', pem: on.read('/etc/sluice/tls/entry.pem') },
    ]);
    await bootOn(on);
    const redis = on.read('/run/sluice/redis/redis.conf');
    assert.match(redis, new RegExp(`^replica-announce-ip ${ADDRESS}$`, 'm'));
    assert.doesNotMatch(redis, /^replicaof/m);
    assert.match(on.read(SENTINEL), new RegExp(`^sentinel monitor sluice ${ADDRESS} 6379 2$`, 'm'));
    assert.equal(on.mode(SENTINEL), 0o600);
    const variables = on.read('/run/sluice/secrets/node.env');
    const [, password] = /^REDIS_PASSWORD='(.*)'$/m.exec(variables) ?? [];
    assert.ok(variables.includes(`LIVEKIT_REDIS_SENTINEL_PASSWORD='${password}'`));
    for (const path of FILES) assert.ok(!on.read(path).includes(password ?? ''), path);
  });

  test('run again it goes on following whom Sentinel says by now', async (t) => {
    const on = installedMachine(t);
    passwd(on);
    await start(on);
    await bootOn(on);
    const moved = on.read(SENTINEL).replace(`sluice ${ADDRESS} 6379`, 'sluice 10.0.0.9 6379');
    on.write(SENTINEL, moved, 0o600);
    // No HAProxy runs here that could be asked.
    rmSync(pathOf(on.root, 'run/sluice/haproxy/haproxy.cfg'));
    await start(on, { highAvailability: undefined });
    await bootOn(on);
    assert.equal(on.read(SENTINEL), moved);
    assert.match(on.read('/run/sluice/redis/redis.conf'), /^replicaof 10\.0\.0\.9 6379$/m);
  });

  test('refuses a cluster that was made without, and old data, and leaves them as they are', async (t) => {
    const without = installedMachine(t);
    await start(without, { highAvailability: undefined });
    const before = FILES.map((path) => without.read(path));
    await refused(
      start(without),
      /^This machine is the Master Node of the cluster sluice, which was made without/,
    );
    assert.deepEqual(
      FILES.map((path) => without.read(path)),
      before,
    );
    const full = installedMachine(t);
    full.write('/var/lib/sluice/redis/dump.rdb', 'data');
    await refused(start(full), /^The Redis of this machine is not empty/);
    assert.deepEqual(left(full), []);
    assert.equal(full.read('/var/lib/sluice/redis/dump.rdb'), 'data');
  });

  test('refuses a port that Sentinel needs and somebody has', async (t) => {
    const on = installedMachine(t);
    const portProblem = async ({ port }: { port: number }) =>
      port === 26_379 ? 'it is taken' : undefined;
    const facts = factsWith({ portProblem });
    await refused(start(on, { facts }), /^Port 26379\/tcp \(Sentinel\) cannot be listened on/);
    assert.deepEqual(left(on), []);
  });
});

describe('sluice join --role master', () => {
  const reader = new JoinReader(SECRET);
  const ids = { id: 'a'.repeat(12), secret: 'B'.repeat(43) };
  const token = writeJoinToken({ ...ids, publicKey: reader.publicKey });
  let master: Server;
  let asked: JoinRequest[];
  let answer: Parameters<typeof sealAnswer>[0];

  beforeEach(async () => {
    asked = [];
    answer = { outcome: 'granted', grant: GRANT };
    master = createServer((request, response) => {
      void (async () => {
        const opened = await reader.open(await text(request));
        asked.push(opened);
        response.end(await sealAnswer(answer, opened));
      })();
    });
    await new Promise<void>((resolve) => master.listen(0, '127.0.0.1', resolve));
  });
  afterEach(() => {
    master.close();
    master.closeAllConnections();
  });
  const start = (on: BootMachine, changed: Partial<JoinOptions> = {}) =>
    join({
      machine: on.machine,
      facts: factsWith({ hostName: 'master-2' }),
      master: `http://127.0.0.1:${(master.address() as AddressInfo).port}`,
      token,
      role: 'master',
      say: (line) => on.said.push(line),
      isReady: async () => true,
      findPrimary: async () => '10.0.0.5:6379',
      registry: { followed: async () => {} },
      patienceMs: 50,
      ...changed,
    });

  test('writes what a further Master Node needs: entry, Redis that follows, Sentinel', async (t) => {
    const on = installedMachine(t);
    passwd(on);
    await start(on);
    assert.equal(asked[0]?.role, 'master');
    assert.deepEqual(left(on), FILES);
    assert.equal(on.read('/etc/sluice/tls/entry.pem'), 'certificate and key\n');
    assert.equal(on.mode('/etc/sluice/tls/entry.pem'), 0o640);
    const yaml = on.read('/etc/sluice/sluice.yaml');
    assert.match(yaml, /sentinel_addresses:\n +- 10\.0\.0\.7:26379\n +- 10\.0\.0\.5:26379\n/);
    assert.match(yaml, /role: master/);
    await bootOn(on);
    assert.match(on.read('/run/sluice/redis/redis.conf'), /^replicaof 10\.0\.0\.5 6379$/m);
    assert.match(
      on.read('/run/sluice/redis/redis.conf'),
      new RegExp(`^masterauth "${PASSWORD}"$`, 'm'),
    );
    assert.match(on.read(SENTINEL), /^sentinel monitor sluice 10\.0\.0\.5 6379 2$/m);
  });

  test("hands Let's Encrypt's certificate over to who orders it", async (t) => {
    const on = installedMachine(t);
    const entry = { kind: 'lets-encrypt', domain: 'meet.example.com', email: 'ops@example.com' };
    answer = { outcome: 'granted', grant: { ...GRANT, entry: entry as SharedEntry } };
    await start(on);
    const plan = JSON.parse(on.read('/etc/sluice/boot.json'));
    const { domain, email } = entry;
    assert.deepEqual(plan.entry.lets_encrypt, { domain, terms_agreed: true, email });
  });

  test('refuses a machine whose Redis holds something, before anybody is asked', async (t) => {
    for (const name of ['dump.rdb', 'appendonlydir/x']) {
      const on = installedMachine(t);
      on.write(`/var/lib/sluice/redis/${name}`, 'data');
      await refused(
        start(on),
        /^The Redis of this machine is not empty .* run this again with the same token\.$/,
      );
      assert.equal(on.read(`/var/lib/sluice/redis/${name}`), 'data');
    }
    assert.deepEqual(asked, []);
  });

  test('what keeps it from joining is one sentence, and nothing is left', async (t) => {
    const on = installedMachine(t);
    answer = { outcome: 'refused', message: 'This token makes a Media Node, and so on.' };
    await refused(start(on), /^This token makes a Media Node/);
    answer = { outcome: 'granted', grant: { ...GRANT, entry: undefined } };
    await refused(start(on), /^The cluster does not say what clients enter by: run `sluice init`/);
    answer = { outcome: 'granted', grant: GRANT };
    const followed = () => Promise.reject(new BootError('Redis does not follow, because.'));
    await refused(start(on, { registry: { followed } }), /^Redis does not follow, because\.$/);
    const nobody = { ...GRANT.redis, sentinelAddresses: ['127.0.0.1:1'] };
    answer = { outcome: 'granted', grant: { ...GRANT, redis: nobody } };
    await refused(
      start(on, { findPrimary: undefined }),
      /^No Sentinel of the cluster says where its Redis is \(asked were 127\.0\.0\.1:1\)/,
    );
    assert.deepEqual(left(on), []);
    assert.ok(!existsSync(pathOf(on.root, '/etc/sluice/tls/entry.pem')));
  });

  test('of a machine that is something else already, it says what that is', async (t) => {
    const on = installedMachine(t);
    await start(on);
    await start(on);
    assert.equal(asked.length, 1, 'run again it asks nobody');
    await refused(
      start(on, { role: 'media' }),
      /^This machine is a Master Node of the cluster meet already: run `sluice leave`/,
    );
  });

  test('leave has another Redis take over first, and refuses where too few are left', async (t) => {
    const on = installedMachine(t);
    await start(on);
    const others = [{ address: '10.0.0.5:26379', isDown: false }];
    let primary = `${ADDRESS}:6379`;
    let failOvers = 0;
    const sentinel: SentinelQuestions = {
      primary: async () => primary,
      others: async () => others,
      replicas: async () => [],
      forgetAll: async () => {},
      failOver: async () => {
        failOvers += 1;
        primary = '10.0.0.5:6379';
      },
    };
    const go = () =>
      leave({
        machine: on.machine,
        facts: factsWith(),
        force: false,
        say: (line) => on.said.push(line),
        registry: { ask: (question) => question(sentinel) },
      });
    await refused(
      go(),
      /^This machine is a Master Node, and one other is seen: .* `sluice leave --force`\.$/,
    );
    assert.deepEqual(left(on), FILES);
    others.push({ address: '10.0.0.6:26379', isDown: false });
    await go();
    assert.equal(failOvers, 1);
    assert.ok(on.said.includes('another Master Node takes over Redis'));
    assert.deepEqual(left(on), []);
  });
});
