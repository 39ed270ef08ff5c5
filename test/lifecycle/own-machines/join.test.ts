import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join as pathOf } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { JoinReader, type JoinRequest, sealAnswer } from '../../../node-image/cluster/join-channel';
import { readJoinToken, writeJoinToken } from '../../../node-image/cluster/join-token-text';
import { configSchema, type SluiceConfig } from '../../../node-image/contract';
import { BootError } from '../../../node-image/lifecycle/boot/boot-error';
import { readNodeConfig } from '../../../node-image/lifecycle/boot/node-config';
import { derivedSecret } from '../../../node-image/lifecycle/derived-secret';
import { grantOf } from '../../../node-image/lifecycle/join-routes';
import { type JoinOptions, join } from '../../../node-image/lifecycle/own-machines/join';
import { leave } from '../../../node-image/lifecycle/own-machines/leave';
import type { BootMachine } from '../../image/support/boot-machine';
import { ADDRESS, bootSays, factsWith, installedMachine } from './support';

const SECRET = 'the secret that all nodes of the cluster have';
const FILES = [
  'secrets/cluster',
  'secrets/api_key',
  'sluice.yaml',
  'cluster.json',
  'boot.json',
].map((name) => `/etc/sluice/${name}`);
const CLAIM = '/etc/sluice/secrets/join_claim';

/** The configuration of a Master Node. */
const masterConfig = (redis: object, jobs: object = {}): SluiceConfig =>
  configSchema.parse({
    ...jobs,
    keys: { APIone: 'the-secret-of-the-api-key' },
    redis,
    turn: { enabled: true, external_tls: true, tls_port: 443, domain: 'meet.example.com' },
    sluice: { role: 'master', cluster: { name: 'meet', secret: SECRET } },
  });

describe('sluice join', () => {
  const reader = new JoinReader(SECRET);
  const token = writeJoinToken({
    id: 'a'.repeat(12),
    secret: 'B'.repeat(43),
    publicKey: reader.publicKey,
  });
  /** Answers as a Master Node, and stands in for Redis, which is only connected to. */
  let master: Server;
  let asked: JoinRequest[];
  let redis: object;
  let jobs: object;

  beforeEach(async () => {
    asked = [];
    jobs = {};
    master = createServer((request, response) => {
      void (async () => {
        const opened = await reader.open(await text(request));
        asked.push(opened);
        const grant = grantOf(masterConfig(redis, jobs));
        response.end(await sealAnswer({ outcome: 'granted', grant }, opened));
      })();
    });
    await new Promise<void>((resolve) => master.listen(0, '127.0.0.1', resolve));
    redis = { address: `127.0.0.1:${port()}`, password: derivedSecret(SECRET, 'redis') };
  });
  afterEach(() => {
    master.close();
    master.closeAllConnections();
  });

  const port = (): number => (master.address() as AddressInfo).port;
  const start = (on: BootMachine, changed: Partial<JoinOptions> = {}) =>
    join({
      machine: on.machine,
      facts: factsWith({ hostName: 'media-1' }),
      master: `http://127.0.0.1:${port()}`,
      token,
      say: (line) => on.said.push(line),
      isReady: async () => true,
      patienceMs: 50,
      ...changed,
    });
  const left = ({ root }: BootMachine) => FILES.filter((path) => existsSync(pathOf(root, path)));
  const refused = async (given: Promise<void>, sentence: RegExp): Promise<void> => {
    await assert.rejects(given, (error) => {
      assert.ok(error instanceof BootError, String(error));
      assert.match(error.message, sentence);
      assert.ok(!error.message.includes('\n'), error.message);
      return true;
    });
  };
  const configOn = (on: BootMachine, env = {}): SluiceConfig =>
    readNodeConfig({
      yaml: on.read('/etc/sluice/sluice.yaml'),
      origin: 'the test',
      env,
      files: { read: (path) => on.read(path), mode: (path) => on.mode(path) },
    });

  test('a Media Node of a cluster with jobs keeps recordings where the others do', async (t) => {
    const on = installedMachine(t);
    jobs = {
      egress: { local_directory: '/srv/recordings' },
      ingress: {
        whip_base_url: 'https://meet.example.com/whip',
        rtmp_port: 1935,
        rtmps_port: 1936,
      },
    };
    await start(on);
    const { egress, ingress } = configOn(on, { REDIS_PASSWORD: 'p' });
    assert.equal(egress.local_directory, '/srv/recordings');
    assert.equal(on.mode('/srv/recordings'), 0o700);
    // Encoders come in at Master Nodes.
    assert.deepEqual([ingress.rtmp_port, ingress.rtmps_port], [0, 0]);
  });

  test('writes what a Media Node of the cluster needs, and nothing that it does not', async (t) => {
    const on = installedMachine(t);
    await start(on, { publicAddress: '203.0.113.5' });
    assert.deepEqual(left(on), FILES);
    assert.equal(existsSync(pathOf(on.root, CLAIM)), false);
    for (const path of FILES.slice(0, 2)) assert.equal(on.mode(path), 0o400);
    assert.equal(on.mode('/etc/sluice/sluice.yaml'), 0o640);
    const config = configOn(on, { REDIS_PASSWORD: 'p' });
    assert.equal(config.sluice.role, 'media');
    assert.equal(config.sluice.machine_id, 'media-1');
    assert.deepEqual(config.sluice.cluster.name, 'meet');
    assert.equal(config.sluice.cluster.secret, SECRET);
    assert.equal(config.sluice.node_link.address, ADDRESS);
    assert.deepEqual(config.keys, { APIone: 'the-secret-of-the-api-key' });
    assert.equal(config.rtc.node_ip?.v4, '203.0.113.5');
    assert.deepEqual(
      [config.turn.enabled, config.turn.udp_port, config.turn.tls_port, config.turn.domain],
      [true, 3478, 443, 'meet.example.com'],
    );
    // Made from the secret of the cluster at each boot, it stands in no file.
    for (const path of FILES) assert.ok(!on.read(path).includes(derivedSecret(SECRET, 'redis')));
    await on.boot({ interfaces: factsWith().interfaces });
    const variables = on.read('/run/sluice/secrets/node.env');
    assert.equal(variables, `REDIS_PASSWORD='${derivedSecret(SECRET, 'redis')}'\n`);
  });

  test('is told the password of a Redis that the cluster has not made', async (t) => {
    const on = installedMachine(t);
    redis = { ...redis, username: 'sluice', password: 'of-your-own', db: 3 };
    await start(on);
    const { redis: told } = configOn(on);
    assert.deepEqual([told.username, told.password, told.db], ['sluice', 'of-your-own', 3]);
  });

  test('shows itself by the same claim until it has joined', async (t) => {
    const on = installedMachine(t);
    const answer = on.answer;
    on.answer = (command) => {
      if (command.endsWith('/start')) bootSays(on, { state: 'failed', reason: 'No, because.' });
      return command.endsWith('/start') ? undefined : answer(command);
    };
    await refused(start(on), /^No, because\.$/);
    assert.deepEqual(left(on), []);
    assert.equal(on.mode(CLAIM), 0o400);
    assert.ok(on.ran.some((command) => /^systemctl stop .*sluice-node\.service/.test(command)));
    on.answer = answer;
    await start(on);
    assert.equal(asked.length, 2);
    assert.equal(asked[0]?.claim, asked[1]?.claim);
    assert.match(asked[0]?.claim ?? '', /^[\w-]{43}$/);
  });

  for (const full of FILES) {
    test(`leaves nothing where the disk is full when ${full} is written`, async (t) => {
      const on = installedMachine(t);
      const write = on.machine.write.bind(on.machine);
      on.machine.write = async (path, content, who) => {
        if (path === full) throw new BootError(`${path} cannot be written: ENOSPC; free the disk.`);
        await write(path, content, who);
      };
      await refused(start(on), /cannot be written: ENOSPC/);
      assert.deepEqual(left(on), []);
    });
  }

  test('says where it does not reach Redis', async (t) => {
    const on = installedMachine(t);
    redis = { ...redis, address: '127.0.0.1:1' };
    await refused(
      start(on),
      /^This machine does not reach the Redis of the cluster, 127\.0\.0\.1:1/,
    );
    assert.deepEqual(left(on), []);
  });

  test('asks nobody while something here is wrong', async (t) => {
    const on = installedMachine(t);
    await refused(start(on, { facts: factsWith({ uid: 1 }) }), /^This needs root/);
    await refused(
      start(on, { token: token.slice(1) }),
      /^This is no whole join token \(not shown\)/,
    );
    await refused(start(on, { master: 'a b' }), /^"a b" is no Master Node/);
    await refused(start(on, { name: 'a\nb' }), /is no name for a machine/);
    on.write('/etc/sluice/boot.json', '{}');
    await refused(start(on), /has a \/etc\/sluice\/boot\.json already/);
    assert.deepEqual(asked, []);
  });

  test('run again where it has joined starts the node, and takes no token', async (t) => {
    const on = installedMachine(t);
    await start(on);
    await start(on);
    assert.equal(asked.length, 1);
    const removed = start(on, { isReady: async () => false });
    await refused(removed, /does not serve .* To join anew, run `sluice leave` first\.$/);
    const elsewhere = new JoinReader('the secret of another cluster, as long as ours').publicKey;
    const of = readJoinToken(token) ?? assert.fail();
    await refused(
      start(on, { token: writeJoinToken({ ...of, publicKey: elsewhere }) }),
      /^This machine is a Media Node of the cluster meet already: run `sluice leave`/,
    );
    await leave({ machine: on.machine, facts: factsWith(), force: false, say: () => {} });
    assert.deepEqual(left(on), []);
  });
});
