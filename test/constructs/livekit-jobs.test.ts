/** Jobs by LiveKit's own services: what machines are told, what is open, what they may do. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecr from 'aws-cdk-lib/aws-ecr';
import * as sm from 'aws-cdk-lib/aws-secretsmanager';
import * as sluice from '../../constructs';
import { bootFileIn } from './support/deployed';
import { broken } from './support/invariants';
import { cluster, configsOf, jsonOf, listenersOf, openOf, scriptsOf } from './support/jobs';
import { anImage } from './support/nodes';
import { anyStack, envStack, errorsOf, templateOf, warningsOf } from './support/stacks';

const { Domain, Jobs, NodeImage, NodeSettings, Recordings, SingleNode } = sluice;

const IMAGES = {
  egressImage: 'registry.example.com/media/egress:1.12',
  ingressImage: 'registry.example.com/media/ingress:1.4',
};
const rtmpUrl = 'rtmp://rtmp.example.com/live';

describe("a cluster with LiveKit's services", () => {
  const stack = anyStack();
  const jobs = Jobs.liveKit({
    ...IMAGES,
    rtmpUrl,
    recordings: Recordings.create(),
    sizes: { web: 4, rtmp: 1 },
  });
  const made = cluster(stack, jobs, { image: NodeImage.fromAsset() });
  const template = templateOf(stack);
  const json = jsonOf(stack);
  const configs = configsOf(json);

  test('keeps every rule, with nothing to warn of', () => {
    assert.deepEqual(errorsOf(stack), []);
    assert.deepEqual(warningsOf(stack), []);
    assert.deepEqual(broken(json), []);
  });

  test('installs what runs them on Media Nodes alone', () => {
    const scripts = scriptsOf(json);
    assert.match(scripts.get('media') ?? '', /install\.sh --livekit-services$/m);
    assert.match(scripts.get('master') ?? '', /install\.sh$/m);
  });

  test('tells Media Nodes which images, and all whom to speak with', () => {
    const [media, master] = [configs.get('media'), configs.get('master')];
    for (const config of [media, master]) {
      assert.deepEqual([config?.egress.service, config?.ingress.service], ['livekit', 'livekit']);
      assert.equal(config?.egress.ws_url, 'wss://meet.example.com');
      assert.equal(config?.egress.storage.s3.bucket, 'some-value');
      assert.equal(config?.egress.cpu_cost.web_cpu_cost, 4);
      assert.equal(config?.ingress.cpu_cost.rtmp_cpu_cost, 1);
    }
    assert.equal(media?.egress.image, IMAGES.egressImage);
    assert.equal(media?.ingress.image, IMAGES.ingressImage);
    assert.deepEqual([master?.egress.image, master?.ingress.image], ['', '']);
    assert.equal(master?.ingress.rtmp_base_url, rtmpUrl);
    assert.equal(master?.ingress.rtmp_port, 0);
    assert.equal(master?.ingress.whip_base_url, 'https://meet.example.com/whip');
  });

  test('lets encoders in to Media Nodes, and not by the entry', () => {
    assert.deepEqual(listenersOf(json), ['TLS 443']);
    const groups = Object.values(template.findResources('AWS::EC2::SecurityGroup')).filter(
      ({ Properties }) => JSON.stringify(Properties).includes('1935'),
    );
    assert.deepEqual(
      groups.map(({ Properties }) => /^Media Nodes/.test(Properties.GroupDescription)),
      [true],
    );
    assert.equal(openOf(json).filter((rule) => rule === 'tcp 1935').length, 1);
    assert.ok(!openOf(json).includes('tcp 1936'));
  });

  test('lets the machines of the services write recordings', () => {
    const policies = Object.values(template.findResources('AWS::IAM::Policy')).filter((policy) =>
      JSON.stringify(policy).includes('s3:PutObject'),
    );
    assert.deepEqual(
      policies.map(({ Properties }) => stack.resolve(Properties.Roles)),
      [[stack.resolve(made.mediaNodes.role.roleName)]],
    );
    assert.ok(made.recordings);
  });
});

describe('one service', () => {
  test('leaves the other kind to the nodes, and opens nothing for encoders', () => {
    const stack = anyStack();
    cluster(stack, Jobs.liveKit({ egressImage: IMAGES.egressImage }));
    const json = jsonOf(stack);
    const { egress, ingress } = configsOf(json).get('media') ?? {};
    assert.deepEqual([egress?.service, ingress?.service], ['livekit', 'builtin']);
    assert.equal(ingress?.image, '');
    assert.ok(!openOf(json).includes('tcp 1935'));
  });

  test('is all that is measured against the machines', () => {
    const warned = (options: sluice.LiveKitJobsOptions) => {
      const stack = envStack();
      new sluice.MediaNodes(stack, 'Nodes', {
        vpc: new ec2.Vpc(stack, 'Vpc', { natGateways: 0 }),
        image: anImage,
        instanceType: new ec2.InstanceType('c7i.large'),
        jobs: Jobs.liveKit(options),
      });
      return /never run there: (.*);/.exec(warningsOf(stack).join('\n'))?.[1];
    };
    const { egressImage, ingressImage } = IMAGES;
    assert.equal(warned({ egressImage }), 'roomComposite (3), web (3)');
    assert.equal(warned({ ingressImage }), 'url (2)');
    assert.equal(warned({ ingressImage, rtmpUrl }), 'rtmp (2), url (2)');
  });
});

describe('a Single Node', () => {
  const single = (settings: object) => {
    const stack = anyStack();
    new SingleNode(stack, 'Meet', {
      domain: Domain.none(),
      jobs: Jobs.liveKit({ ...IMAGES, rtmpUrl }),
      settings: NodeSettings.fromObject(settings),
    });
    return stack;
  };

  test('with a Redis of yours runs the services, which find it at its address', () => {
    const stack = single({ redis: { address: '10.0.0.5:6379' } });
    const json = jsonOf(stack);
    assert.deepEqual(errorsOf(stack), []);
    assert.deepEqual(broken(json), []);
    assert.match(scriptsOf(json).get('single') ?? '', /install\.sh --livekit-services$/m);
    const { egress, ingress } = configsOf(json).get('single') ?? {};
    assert.equal(egress?.image, IMAGES.egressImage);
    assert.equal(egress?.ws_url, 'ws://some-value');
    assert.equal(ingress?.rtmp_base_url, rtmpUrl);
    assert.ok(openOf(json).includes('tcp 1935'));
  });

  test('without one is refused, as nothing could be said to the services', () => {
    assert.match(
      errorsOf(single({ redis: { db: 1 } })).join('\n'),
      /jobs: got LiveKit's services on a Single Node, and no Redis, allowed is settings with redis\.address/,
    );
  });
});

describe('images of a registry that wants a login', () => {
  const SECRET = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:registry-AbCdEf';
  const withImages = (options: (stack: Stack) => sluice.LiveKitJobsOptions) => {
    const stack = envStack();
    cluster(stack, Jobs.liveKit(options(stack)));
    assert.deepEqual(errorsOf(stack), []);
    const json = jsonOf(stack);
    assert.deepEqual(broken(json), []);
    const statements = Object.values(templateOf(stack).findResources('AWS::IAM::Policy')).flatMap(
      ({ Properties }) =>
        (Properties.PolicyDocument.Statement as Record<string, unknown>[]).map(
          (one): Record<string, unknown> => ({
            ...one,
            roles: JSON.stringify(Properties.Roles),
          }),
        ),
    );
    return { json, statements };
  };

  test('are pulled from ECR by the role of the machines that run them, and from nowhere else', () => {
    const repository = '111122223333.dkr.ecr.eu-central-1.amazonaws.com/media/egress';
    for (const options of [
      () => ({ egressImage: `${repository}:1.12`, ingressImage: `${repository}:1.4` }),
      (stack: Stack) => ({
        egressImage: `${repository}:1.12`,
        repositories: [ecr.Repository.fromRepositoryName(stack, 'Images', 'media/egress')],
      }),
    ]) {
      const { statements } = withImages(options);
      const pulls = statements.filter((one) => JSON.stringify(one).includes('ecr:BatchGetImage'));
      assert.equal(pulls.length, 1);
      assert.match(JSON.stringify(pulls), /MediaNodes/);
      assert.match(
        JSON.stringify(pulls),
        /:ecr:eu-central-1:111122223333:repository\/media\/egress"/,
      );
      const tokens = statements.filter((one) => one['Action'] === 'ecr:GetAuthorizationToken');
      assert.equal(tokens.length, 1);
    }
    assert.doesNotMatch(JSON.stringify(withImages(() => IMAGES).statements), /"ecr:/);
  });

  test('are pulled with a secret, which Media Nodes alone may read, and user data only names', () => {
    const { json, statements } = withImages((stack) => ({
      ...IMAGES,
      registrySecret: sm.Secret.fromSecretCompleteArn(stack, 'Login', SECRET),
    }));
    const scripts = scriptsOf(json);
    assert.equal(JSON.parse(bootFileIn(scripts.get('media') ?? '')).secrets.registry, SECRET);
    assert.doesNotMatch(scripts.get('master') ?? '', /registry/);
    const reads = statements.filter((one) => one['Resource'] === SECRET);
    assert.deepEqual(
      reads.map(({ roles }) => /MediaNodes/.test(String(roles))),
      [true],
    );
  });
});

describe("LiveKit's services refuse", () => {
  const cases: readonly [string, sluice.LiveKitJobsOptions, RegExp][] = [
    ['to be none', {}, /jobs\.egressImage and jobs\.ingressImage: got neither/],
    [
      'encoders without the service that takes them',
      { egressImage: IMAGES.egressImage, rtmpUrl },
      /jobs\.rtmpUrl: got no jobs\.ingressImage with it/,
    ],
    [
      'a URL that is none of RTMP',
      { ...IMAGES, rtmpUrl: 'https://rtmp.example.com/live' },
      /jobs\.rtmpUrl: got "https:\/\/rtmp\.example\.com\/live", allowed is what encoders are told/,
    ],
    [
      'an image without its host',
      { egressImage: 'egress:1.2' },
      /egress\.image: got "egress:1\.2", allowed is the full name of an image/,
    ],
    ['a size below nothing', { ...IMAGES, sizes: { web: -1 } }, /jobs\.sizes\.web: got -1/],
  ];
  for (const [what, options, message] of cases) {
    test(what, () => {
      const stack = anyStack();
      cluster(stack, Jobs.liveKit(options));
      assert.match(errorsOf(stack).join('\n'), message);
    });
  }
});
