/**
 * Each secret of a cluster is changed as docs/aws.md says, while a call goes on: the new value is written
 * into Secrets Manager, and machines are replaced one by one, each of which reads it at its boot.
 */
import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { CreateSecretCommand, PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { PutParameterCommand } from '@aws-sdk/client-ssm';
import { Redis } from 'ioredis';
import { RoomServiceClient } from 'livekit-server-sdk';
import { AdminClient } from '../../node-image/api/cluster/admin-client';
import type { KeysView } from '../../node-image/api/cluster/keys-routes';
import type { ProbeResult } from '../../node-image/cluster/link/link';
import { TlsLinkClient } from '../../node-image/cluster/link/link-client';
import {
  assertNoneDropped,
  type Call,
  leaveCalls,
  startCalls,
  untilFlowing,
} from '../cluster/support/calls';
import { BootMachine } from '../image/support/boot-machine';
import { AwsLab } from '../support/aws-lab/aws-lab';
import { MetadataMock } from '../support/aws-lab/metadata-mock';
import { RustClients } from '../support/call-client-rust';
import { CLUSTER_SECRET, type ClusterNode, TestCluster } from '../support/cluster';
import { startRedis, type TestRedis } from '../support/redis';
import { joinToken } from '../support/tokens';
import { until } from '../support/wait';

const NEW_SECRET = 'the-new-secret-of-the-same-cluster-0123456';
const OLD_PASSWORD = 'the-old-password-of-redis';
const NEW_PASSWORD = 'the-new-password-of-redis';
/** Purposes of secrets, and their names in Secrets Manager. */
const SECRETS = { api_key: 'Api', cluster: 'Cluster', redis: 'Redis' } as const;
const PARAMETER = '/sluice/Meet/config';
const options = { timeout: 240_000 };

describe('a cluster whose secrets are changed', { concurrency: 1 }, () => {
  let lab: AwsLab;
  let metadata: MetadataMock;
  let redis: TestRedis;
  let cluster: TestCluster;
  let clients: RustClients;
  let call: Call;

  before(async () => {
    lab = await AwsLab.start();
    Object.assign(process.env, lab.env);
    metadata = await MetadataMock.start(() => ({
      instanceId: 'i-0123456789abcdef0',
      instanceType: 'c7i.xlarge',
      availabilityZone: 'eu-west-1a',
      region: lab.env['AWS_REGION'] ?? '',
      privateAddress: '10.0.0.4',
      publicAddress: '203.0.113.4',
      targetLifecycleState: 'InService',
    }));
    redis = await startRedis({ password: OLD_PASSWORD });
    cluster = await TestCluster.start({
      masters: 2,
      redis,
      config: { sluice: { drain: { patience: '0s' } } },
    });
    clients = await RustClients.start();
    const { apiKey: key, apiSecret: secret } = cluster;
    const values = {
      api_key: JSON.stringify({ key, secret }),
      cluster: CLUSTER_SECRET,
      redis: OLD_PASSWORD,
    };
    for (const [purpose, SecretString] of Object.entries(values)) {
      const Name = SECRETS[purpose as keyof typeof values];
      await lab.secrets.send(new CreateSecretCommand({ Name, SecretString }));
    }
    const Value = `key_file: /run/sluice/secrets/api_key
redis: { address: "redis.internal:6379" }
sluice: { role: master, cluster: { secret_file: /run/sluice/secrets/cluster } }
`;
    await lab.ssm.send(new PutParameterCommand({ Name: PARAMETER, Value, Type: 'String' }));
    [call] = (await startCalls(cluster, clients, { name: 'goes-on' })) as [Call];
  });
  after(async () => {
    await clients?.close();
    await cluster?.close();
    await redis?.close();
    await metadata?.close();
    await lab?.close();
  });

  const write = async (purpose: keyof typeof SECRETS, SecretString: string): Promise<void> => {
    const SecretId = SECRETS[purpose];
    await lab.secrets.send(new PutSecretValueCommand({ SecretId, SecretString }));
  };

  /** What the node of a new machine is told: what `sluice boot` has put into files there. */
  async function booted(t: TestContext): Promise<Record<string, string>> {
    const machine = new BootMachine(t);
    machine.plan({
      cloud: 'aws',
      role: 'master',
      config: { ssm: PARAMETER },
      secrets: { ...SECRETS },
    });
    await machine.boot({ metadataUrl: metadata.url });
    const variables = machine.read('/run/sluice/secrets/node.env');
    return {
      LIVEKIT_KEYS: machine.read('/run/sluice/secrets/api_key'),
      SLUICE_CLUSTER_SECRET: machine.read('/run/sluice/secrets/cluster'),
      REDIS_PASSWORD: /^REDIS_PASSWORD='(.*)'$/m.exec(variables)?.[1] ?? '',
    };
  }

  /** A machine goes, with drain, and another one comes. */
  async function replace(t: TestContext, node: ClusterNode): Promise<void> {
    const env = await booted(t);
    await node.stop(60_000);
    await node.start(env);
  }

  /** All of them, one after the other. */
  async function roll(
    t: TestContext,
    between: () => Promise<void> = async () => {},
  ): Promise<void> {
    for (const node of [...cluster.masters, ...cluster.mediaNodes]) {
      await replace(t, node);
      await cluster.untilServing();
      await between();
    }
  }

  const goesOn = async (): Promise<void> => {
    await untilFlowing(call, Date.now());
    await assertNoneDropped([call]);
  };

  /** People join through each Master Node, to Rooms wherever they are placed. */
  let joins = 0;
  async function joinsEverywhere(): Promise<void> {
    for (const { url } of cluster.masters) {
      joins += 1;
      const calls = await startCalls(cluster, clients, { name: `joined-${joins}`, rooms: 2, url });
      await leaveCalls(calls);
    }
  }

  /** What Media Nodes say to a node that has this secret alone. */
  async function linksTo(secret: string): Promise<ProbeResult[]> {
    const link = new TlsLinkClient({ secret, clusterName: 'test' });
    const probes = cluster.mediaNodes.map(({ config, nodeId }) => {
      const { node_link } = config['sluice'] as { node_link: { address: string; port: number } };
      return link.probe({ host: node_link.address, port: node_link.port }, nodeId, 5000);
    });
    return Promise.all(probes).finally(() => link.close());
  }

  const isTaken = async (apiKey: string, secret: string, { httpUrl }: ClusterNode) =>
    new RoomServiceClient(httpUrl, apiKey, secret).listRooms().then(
      () => true,
      (error: { status?: number }) => {
        assert.equal(error.status, 401, String(error));
        return false;
      },
    );
  const isTakenEverywhere = async (apiKey: string, secret: string): Promise<boolean[]> =>
    Promise.all(cluster.masters.map((node) => isTaken(apiKey, secret, node)));
  const addKey = () => cluster.admin().call<{ apiKey: string; secret: string }>('POST', 'keys');

  test(
    'goes on with a new cluster secret: nodes with both, then with the new one alone',
    options,
    async (t) => {
      const added = await addKey();
      await write('cluster', `${NEW_SECRET}\n${CLUSTER_SECRET}`);
      await roll(t, joinsEverywhere);
      await goesOn();
      assert.deepEqual(await linksTo(CLUSTER_SECRET), ['alive', 'alive']);
      assert.deepEqual(await linksTo(NEW_SECRET), ['alive', 'alive']);
      await write('cluster', NEW_SECRET);
      await roll(t, joinsEverywhere);
      await goesOn();
      assert.deepEqual(await linksTo(NEW_SECRET), ['alive', 'alive']);
      assert.doesNotMatch(cluster.log(), /another cluster secret|cannot be used/);
      assert.deepEqual(await linksTo(CLUSTER_SECRET), ['stranger', 'stranger']);
      const taken = await isTakenEverywhere(added.apiKey, added.secret);
      assert.deepEqual(taken, [true, true], 'what was added before');
      const late = await addKey();
      await until('a key that is added later', async () =>
        (await isTakenEverywhere(late.apiKey, late.secret)).every(Boolean),
      );
    },
  );

  test('goes on with a new password of Redis, which takes both meanwhile', options, async (t) => {
    // As ElastiCache does by ROTATE, and then by SET.
    await redis.command('ACL', 'SETUSER', 'default', `>${NEW_PASSWORD}`);
    await write('redis', NEW_PASSWORD);
    await roll(t);
    const admin = new Redis({ port: redis.port, host: '127.0.0.1', password: NEW_PASSWORD });
    try {
      await admin.call('ACL', 'SETUSER', 'default', `<${OLD_PASSWORD}`);
      // So that every node has to say its password once more.
      await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    } finally {
      admin.disconnect();
    }
    await cluster.untilServing();
    await joinsEverywhere();
    await goesOn();
    await assert.rejects(redis.command('PING'), /WRONGPASS|NOAUTH/);
  });

  test(
    'goes on with a new API key: the old one is taken until it is retired',
    options,
    async (t) => {
      const { apiKey: old, apiSecret: oldSecret } = cluster;
      const fresh = await addKey();
      await until('the new key to be taken', async () =>
        (await isTakenEverywhere(fresh.apiKey, fresh.secret)).every(Boolean),
      );
      assert.deepEqual(await isTakenEverywhere(old, oldSecret), [true, true]);
      const early = await joinToken(cluster, call.room, 'with-the-old-key');
      await cluster.admin().call('DELETE', `keys/${old}`);
      await until('the old key to be refused', async () =>
        (await isTakenEverywhere(old, oldSecret)).every((taken) => !taken),
      );
      await assert.rejects(clients.join('with-the-old-key', cluster.url, early));
      await goesOn();
      // What machines read that boot later.
      await write('api_key', JSON.stringify({ key: fresh.apiKey, secret: fresh.secret }));
      const [master] = cluster.masters;
      assert.ok(master);
      await replace(t, master);
      assert.equal(await isTaken(fresh.apiKey, fresh.secret, master), true);
      const { apiKey, secret: apiSecret } = fresh;
      const admin = new AdminClient({ url: master.httpUrl, apiKey, apiSecret });
      const { keys } = await admin.call<KeysView>('GET', 'keys');
      const source = keys.find((key) => key.apiKey === apiKey)?.source;
      assert.equal(source, 'configuration', 'its machine has it from Secrets Manager');
      assert.equal(await isTaken(old, oldSecret, master), false);
      await goesOn();
    },
  );
});
