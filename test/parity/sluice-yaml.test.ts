/** The same options on both clouds: the same sluice.yaml, but for what the clouds themselves are. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Duration } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as sm from 'aws-cdk-lib/aws-secretsmanager';
import { parse } from 'yaml';
import * as aws from '../../constructs';
import * as azure from '../../pulumi-azure';
import { configurations } from '../constructs/support/deployed';
import type { TemplateJson } from '../constructs/support/golden';
import { anyStack, templateOf } from '../constructs/support/stacks';
import { yamlOf } from '../pulumi-azure/support/read';
import { inWorld } from '../pulumi-azure/support/world';

type Yaml = Record<string, unknown>;

const SETTINGS = {
  room: { max_participants: 50 },
  webhook: { urls: ['https://example.com/hook'] },
};
const NAME = 'meet.example.com';
const REDIS = { host: 'redis.example.com', port: 6380, username: 'sluice' };

const section = (yaml: unknown, key: string): Yaml => (yaml as Record<string, Yaml>)[key] ?? {};

/** Which one it is, and what is said of it. */
function keysOf(storage: unknown): string {
  const [[kind, of] = ['', {}]] = Object.entries(storage as Record<string, object>);
  assert.deepEqual(
    Object.keys(of).sort(),
    kind === 's3' ? ['bucket', 'region'] : ['account_name', 'container_name'],
  );
  return 'by the rights of the machine';
}

/** What has to be the same. Names of clusters, groups and hosts are each cloud's own. */
function comparable(yaml: Yaml): Yaml {
  const copy: Yaml = structuredClone(yaml);
  const sluice = section(copy, 'sluice');
  assert.equal(typeof section(sluice, 'cloud')['kind'], 'string');
  delete sluice['cloud'];
  const storage = section(copy, 'egress')['storage'];
  // A bucket there, a container here: neither has keys.
  if (storage) section(copy, 'egress')['storage'] = keysOf(storage);
  const { scaling, cluster } = sluice as { scaling?: Yaml; cluster?: Yaml };
  if (scaling) scaling['group'] = 'that of the cloud';
  if (cluster) cluster['name'] = 'of its own';
  return copy;
}

/** By role. */
async function onAzure(define: () => void): Promise<Map<string, Yaml>> {
  const world = await inWorld(define);
  const names = world
    .all('azure-native:keyvault:Secret')
    .flatMap(({ name }) => (name.endsWith('-config-secret') ? [name.slice(0, -14)] : []));
  return new Map(
    names.map((name) => {
      const yaml = yamlOf(world, name);
      return [String(section(yaml, 'sluice')['role']), comparable(yaml)];
    }),
  );
}

function onAws(define: (stack: ReturnType<typeof anyStack>) => void): Map<string, Yaml> {
  const stack = anyStack();
  define(stack);
  const template = templateOf(stack).toJSON() as TemplateJson;
  return new Map(
    configurations(template).map(([, text]) => {
      const yaml: Yaml = parse(text);
      return [String(section(yaml, 'sluice')['role']), comparable(yaml)];
    }),
  );
}

const image = aws.NodeImage.fromAmi(
  ec2.MachineImage.genericLinux({ 'eu-central-1': 'ami-0123456789abcdef0' }, {}),
);
const azureImage = azure.NodeImage.fromImage(
  '/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/images/sluice',
);

describe('the same options', () => {
  test('are the same sluice.yaml of a cluster with a Redis of yours', async () => {
    const there = onAws((stack) => {
      const pem = sm.Secret.fromSecretNameV2(stack, 'Pem', 'pem');
      const password = sm.Secret.fromSecretNameV2(stack, 'Password', 'password');
      new aws.ElasticCluster(stack, 'Meet', {
        domain: aws.Domain.ownCertificate(NAME, pem),
        entry: aws.ClusterEntry.onMasterNode(),
        image,
        redis: aws.RedisStore.fromRedisStoreAttributes(stack, 'Redis', {
          ...REDIS,
          authSecret: password,
        }),
        settings: aws.NodeSettings.fromObject(SETTINGS),
        turn: aws.Turn.onMediaNodes({ credentialLife: Duration.minutes(10) }),
        mediaNodes: {
          drain: {
            patience: Duration.minutes(30),
            deadline: Duration.hours(2),
            onDeadline: aws.OnDeadline.RETAIN,
          },
          scaling: { scaleInAfter: Duration.minutes(7) },
        },
      });
    });
    const here = await onAzure(() => {
      new azure.ElasticCluster('meet', {
        domain: azure.Domain.ownCertificate(NAME, 'PEM'),
        image: azureImage,
        redis: { ...REDIS, password: 'of-redis' },
        settings: azure.NodeSettings.fromObject(SETTINGS),
        turn: azure.Turn.onMediaNodes({ credentialLifeMinutes: 10 }),
        mediaNodes: {
          drain: { patienceMinutes: 30, deadlineMinutes: 120, onDeadline: 'keep' },
          scaling: { scaleInAfterMinutes: 7 },
        },
      });
    });
    assert.deepEqual([...here.keys()].sort(), ['master', 'media']);
    assert.deepEqual(here.get('master'), there.get('master'));
    assert.deepEqual(here.get('media'), there.get('media'));
  });

  test('are the same sluice.yaml of a cluster with jobs', async () => {
    const sizes = { roomComposite: 4, web: 2, participant: 1, trackComposite: 1, track: 0.5 };
    const of = { rtmp: true, sizes: { ...sizes, rtmp: 1, whip: 0.2, url: 1 } };
    const there = onAws((stack) => {
      new aws.ElasticCluster(stack, 'Meet', {
        domain: aws.Domain.ownCertificate(NAME, sm.Secret.fromSecretNameV2(stack, 'Pem', 'pem')),
        entry: aws.ClusterEntry.onMasterNode(),
        image,
        mediaNodes: {
          jobs: aws.Jobs.builtIn({
            ...of,
            recordings: aws.Recordings.create({ retention: Duration.days(30) }),
            queue: Duration.minutes(3),
          }),
        },
      });
    });
    const here = await onAzure(() => {
      const recordings = azure.Recordings.create({ retentionDays: 30 });
      new azure.ElasticCluster('meet', {
        domain: azure.Domain.ownCertificate(NAME, 'PEM'),
        image: azureImage,
        mediaNodes: { jobs: azure.Jobs.builtIn({ ...of, recordings, queueMinutes: 3 }) },
      });
    });
    for (const role of ['master', 'media']) {
      const [one, other] = [here.get(role) ?? {}, there.get(role) ?? {}];
      for (const key of ['egress', 'ingress']) {
        assert.ok(Object.keys(section(one, key)).length > 0, `${role} ${key}`);
        assert.deepEqual(one[key], other[key], `${role} ${key}`);
      }
      assert.deepEqual(
        section(section(one, 'sluice'), 'jobs'),
        section(section(other, 'sluice'), 'jobs'),
      );
    }
  });

  test("are the same sluice.yaml of a cluster with LiveKit's services", async () => {
    const options = {
      egressImage: 'registry.example.com/media/egress:1.12',
      ingressImage: 'registry.example.com/media/ingress:1.4',
      rtmpUrl: 'rtmp://rtmp.example.com/live',
      sizes: { roomComposite: 4, url: 1 },
    };
    const there = onAws((stack) => {
      const pem = sm.Secret.fromSecretNameV2(stack, 'Pem', 'pem');
      new aws.ElasticCluster(stack, 'Meet', {
        domain: aws.Domain.ownCertificate(NAME, pem),
        entry: aws.ClusterEntry.onMasterNode(),
        image,
        mediaNodes: { jobs: aws.Jobs.liveKit(options) },
      });
    });
    const here = await onAzure(() => {
      new azure.ElasticCluster('meet', {
        domain: azure.Domain.ownCertificate(NAME, 'PEM'),
        image: azureImage,
        mediaNodes: { jobs: azure.Jobs.liveKit(options) },
      });
    });
    for (const role of ['master', 'media']) {
      for (const key of ['egress', 'ingress']) {
        const one = section(here.get(role), key);
        assert.equal(one['service'], 'livekit', `${role} ${key}`);
        assert.deepEqual(one, section(there.get(role), key), `${role} ${key}`);
      }
    }
  });

  test('are the same sluice.yaml of a Single Node with jobs', async () => {
    const there = onAws((stack) => {
      const jobs = aws.Jobs.builtIn({ rtmp: true });
      const domain = aws.Domain.ownCertificate(
        NAME,
        sm.Secret.fromSecretNameV2(stack, 'Pem', 'pem'),
      );
      new aws.SingleNode(stack, 'Meet', { domain, image, jobs });
    });
    const here = await onAzure(() => {
      const jobs = azure.Jobs.builtIn({ rtmp: true });
      const domain = azure.Domain.ownCertificate(NAME, 'PEM');
      new azure.SingleNode('meet', { domain, image: azureImage, jobs });
    });
    assert.deepEqual(here.get('single'), there.get('single'));
  });

  test('are the same sluice.yaml of a Single Node', async () => {
    const there = onAws((stack) => {
      new aws.SingleNode(stack, 'Meet', {
        domain: aws.Domain.none(),
        image,
        turn: aws.Turn.none(),
        settings: aws.NodeSettings.fromObject(SETTINGS),
      });
    });
    const here = await onAzure(() => {
      new azure.SingleNode('meet', {
        domain: azure.Domain.none(),
        image: azureImage,
        turn: azure.Turn.none(),
        settings: azure.NodeSettings.fromObject(SETTINGS),
      });
    });
    assert.deepEqual(here.get('single'), there.get('single'));
  });
});
