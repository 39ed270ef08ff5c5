/** Jobs of clusters, of a Single Node, and of Media Nodes alone: what machines are told, and let do. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Duration, Size, type Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as sm from 'aws-cdk-lib/aws-secretsmanager';
import * as sluice from '../../constructs';
import type { TemplateJson } from './support/golden';
import { broken } from './support/invariants';
import { cluster, configsOf, jsonOf, listenersOf, openOf, scriptsOf } from './support/jobs';
import { anImage, statements } from './support/nodes';
import {
  anyStack,
  envStack,
  errorsOf,
  templateOf,
  tokenNumber,
  warningsOf,
} from './support/stacks';

const { ClusterEntry, Domain, Jobs, NodeImage, Recordings, SingleNode } = sluice;

/** All that there is to choose. */
const ALL = Jobs.builtIn({
  recordings: Recordings.create({ retention: Duration.days(30) }),
  rtmp: true,
  queue: Duration.minutes(3),
  sizes: { web: 4, whip: 0.2 },
});

describe('a cluster with jobs', () => {
  const stack = anyStack();
  const made = cluster(stack, ALL, { image: NodeImage.fromAsset() });
  const template = templateOf(stack);
  const json = template.toJSON() as TemplateJson;
  const configs = configsOf(json);

  test('keeps every rule, with nothing to warn of', () => {
    assert.deepEqual(errorsOf(stack), []);
    assert.deepEqual(warningsOf(stack), []);
    assert.deepEqual(broken(json), []);
  });

  test('has Media Nodes that install what jobs need, on a disk for recordings; Master Nodes do not', () => {
    const scripts = scriptsOf(json);
    assert.match(scripts.get('media') ?? '', /install\.sh --jobs$/m);
    assert.match(scripts.get('master') ?? '', /install\.sh$/m);
    const sizes = Object.values(template.findResources('AWS::EC2::LaunchTemplate')).map(
      ({ Properties }) => Properties.LaunchTemplateData.BlockDeviceMappings[0].Ebs.VolumeSize,
    );
    assert.deepEqual(sizes.sort(), [20, 64]);
  });

  test('tells all nodes where recordings go, what jobs cost, and where the cluster is', () => {
    assert.deepEqual([...configs.keys()].sort(), ['master', 'media']);
    for (const { egress, ingress } of configs.values()) {
      assert.equal(egress.storage.s3.bucket, 'some-value');
      assert.equal(egress.storage.s3.access_key, '');
      assert.equal(egress.ws_url, 'wss://meet.example.com');
      assert.equal(egress.cpu_cost.web_cpu_cost, 4);
      assert.equal(ingress.cpu_cost.whip_bypass_transcoding_cpu_cost, 0.2);
      assert.equal(egress.cpu_cost.room_composite_cpu_cost, 3);
    }
  });

  test('takes encoders at Master Nodes', () => {
    const { ingress, sluice } = configs.get('master') ?? {};
    assert.equal(ingress?.rtmp_port, 1935);
    assert.equal(ingress?.rtmps_port, 1936);
    assert.equal(ingress?.rtmp_base_url, 'rtmps://meet.example.com:1936/live');
    assert.equal(ingress?.whip_base_url, 'https://meet.example.com/whip');
    assert.equal(sluice?.jobs.queue, 180_000);
    assert.equal(configs.get('media')?.ingress.rtmp_port, 0);
  });

  test('has a load balancer that takes them in clear and in TLS, and says who they are', () => {
    assert.deepEqual(listenersOf(json), ['TCP 1935', 'TLS 1936', 'TLS 443']);
    template.hasResourceProperties('AWS::ElasticLoadBalancingV2::TargetGroup', {
      Port: 1936,
      Protocol: 'TCP',
      HealthCheckPort: '7444',
    });
    const groups = Object.values(
      template.findResources('AWS::AutoScaling::AutoScalingGroup'),
    ).filter(({ Properties }) => Properties.TargetGroupARNs?.length === 2);
    assert.equal(groups.length, 1);
    for (const port of ['tcp 1935', 'tcp 1936']) assert.ok(openOf(json).includes(port), port);
  });

  test('opens Master Nodes at that port to the load balancer alone', () => {
    const rules = Object.values(template.findResources('AWS::EC2::SecurityGroupIngress')).filter(
      ({ Properties }) => Properties.Description === 'encoders through the load balancer',
    );
    assert.deepEqual(
      rules.map(({ Properties }) => Properties.FromPort),
      [1936],
    );
    assert.ok(rules[0]?.['Properties'].SourceSecurityGroupId);
  });

  test('lets Media Nodes record, and nobody else', () => {
    const mine = (policy: { Properties: Record<string, unknown> }) =>
      JSON.stringify(policy).includes('s3:PutObject');
    assert.equal(statements(template, mine).length > 0, true);
    const policies = Object.values(template.findResources('AWS::IAM::Policy')).filter((policy) =>
      mine(policy as never),
    );
    assert.deepEqual(
      policies.map(({ Properties }) => stack.resolve(Properties.Roles)),
      [[stack.resolve(made.mediaNodes.role.roleName)]],
    );
  });

  test('has its recordings at hand for whoever is to read them', () => {
    assert.ok(made.recordings);
    assert.equal(made.recordings, made.mediaNodes.recordings);
    template.resourceCountIs('AWS::S3::Bucket', 1);
  });
});

describe('without jobs', () => {
  test('there is no bucket, no port and no program for them', () => {
    const stack = anyStack();
    const made = cluster(stack, undefined, { image: NodeImage.fromAsset() });
    const json = jsonOf(stack);
    assert.equal(made.recordings, undefined);
    assert.doesNotMatch(JSON.stringify(json), /AWS::S3::Bucket"|--jobs|1935|egress|ingress:/);
  });
});

describe('jobs without a choice', () => {
  test('are recorded where the request says, and no encoders come in', () => {
    const stack = anyStack();
    const made = cluster(stack, Jobs.builtIn());
    const json = jsonOf(stack);
    assert.equal(made.recordings, undefined);
    assert.deepEqual(listenersOf(json), ['TLS 443']);
    const { egress, ingress, sluice } = configsOf(json).get('master') ?? {};
    assert.equal(egress?.storage.s3.bucket, '');
    assert.equal(ingress?.rtmp_port, 0);
    assert.equal(ingress?.rtmp_base_url, '');
    assert.equal(ingress?.whip_base_url, 'https://meet.example.com/whip');
    assert.equal(sluice?.jobs.queue, 0);
  });

  test('go into a bucket of yours, and settings of yours win', () => {
    const stack = anyStack();
    const bucket = s3.Bucket.fromBucketName(stack, 'Mine', 'recordings-of-mine');
    const settings = sluice.NodeSettings.fromObject({
      egress: { ws_url: 'wss://inside.example.com', cpu_cost: { track_cpu_cost: 0.5 } },
    });
    cluster(stack, Jobs.builtIn({ recordings: Recordings.fromBucket(bucket) }), { settings });
    const { egress } = configsOf(jsonOf(stack)).get('media') ?? {};
    assert.equal(egress?.storage.s3.bucket, 'recordings-of-mine');
    assert.equal(egress?.ws_url, 'wss://inside.example.com');
    assert.equal(egress?.cpu_cost.track_cpu_cost, 0.5);
  });
});

describe('where clients come to the machine itself', () => {
  const certificate = (stack: Stack) =>
    Domain.ownCertificate('meet.example.com', sm.Secret.fromSecretNameV2(stack, 'Pem', 'pem'));

  test('encoders do too: in clear at the node, in TLS at HAProxy', () => {
    const stack = anyStack();
    cluster(stack, ALL, { domain: certificate(stack), entry: ClusterEntry.onMasterNode() });
    const json = jsonOf(stack);
    assert.deepEqual(broken(json), []);
    for (const port of ['tcp 1935', 'tcp 1936']) assert.ok(openOf(json).includes(port), port);
    assert.equal(configsOf(json).get('master')?.ingress.rtmps_port, 1936);
  });

  test('with no certificate there is no RTMPS, and the address is the name', () => {
    const stack = anyStack();
    cluster(stack, ALL, { domain: Domain.none(), entry: ClusterEntry.onMasterNode() });
    const json = jsonOf(stack);
    assert.ok(openOf(json).includes('tcp 1935'));
    assert.ok(!openOf(json).includes('tcp 1936'));
    const { egress, ingress } = configsOf(json).get('master') ?? {};
    assert.equal(ingress?.rtmps_port, 0);
    // What a reference to the address is in this test.
    assert.equal(ingress?.rtmp_base_url, 'rtmp://some-value/live');
    assert.equal(egress?.ws_url, 'ws://some-value');
    const references = /"PublicIp"/.exec(
      JSON.stringify(json.Resources['MeetMediaNodesConfigParameterAC8FD98E']),
    );
    assert.ok(references);
  });

  test('a Single Node takes and records all by itself', () => {
    const stack = anyStack();
    const node = new SingleNode(stack, 'Meet', { domain: certificate(stack), jobs: ALL });
    const json = jsonOf(stack);
    assert.deepEqual(errorsOf(stack), []);
    assert.deepEqual(broken(json), []);
    assert.ok(node.recordings);
    assert.match(scriptsOf(json).get('single') ?? '', /install\.sh --jobs$/m);
    for (const port of ['tcp 1935', 'tcp 1936']) assert.ok(openOf(json).includes(port), port);
    const { egress, ingress, sluice } = configsOf(json).get('single') ?? {};
    assert.equal(egress?.storage.s3.bucket, 'some-value');
    assert.equal(egress?.ws_url, '');
    assert.equal(ingress?.rtmps_port, 1936);
    assert.equal(sluice?.jobs.queue, 180_000);
  });
});

describe('an entry that exists', () => {
  const attrs = { domainName: 'meet.example.com', peers: [ec2.Peer.ipv4('10.0.0.0/16')] };
  const arn = (name: string) =>
    `arn:aws:elasticloadbalancing:eu-central-1:111122223333:targetgroup/${name}/0123456789abcdef`;

  test('with no group for encoders gets nothing, and it is said what to add', () => {
    const stack = envStack();
    const entry = sluice.SignalingEntry.fromSignalingEntryAttributes(stack, 'Entry', {
      ...attrs,
      targetGroupArn: arn('masters'),
    });
    cluster(stack, ALL, { entry: ClusterEntry.existing(entry) });
    assert.match(warningsOf(stack).join('\n'), /TCP 1935 and TLS 1936 .* rtmpTargetGroupArn/);
  });

  test('with one has the Master Nodes in it', () => {
    const stack = envStack();
    const entry = sluice.SignalingEntry.fromSignalingEntryAttributes(stack, 'Entry', {
      ...attrs,
      targetGroupArn: arn('masters'),
      rtmpTargetGroupArn: arn('encoders'),
    });
    cluster(stack, ALL, { entry: ClusterEntry.existing(entry) });
    const template = templateOf(stack);
    assert.deepEqual(warningsOf(stack), []);
    template.hasResourceProperties('AWS::AutoScaling::AutoScalingGroup', {
      TargetGroupARNs: [arn('masters'), arn('encoders')],
    });
    const inside = Object.values(template.findResources('AWS::EC2::SecurityGroup'))
      .flatMap(({ Properties }) => Properties.SecurityGroupIngress ?? [])
      .filter(({ CidrIp }) => CidrIp === '10.0.0.0/16');
    assert.ok(inside.some(({ FromPort }) => FromPort === 1936));
  });
});

describe('images', () => {
  test('that are baked: those of Media Nodes have what jobs need, others do not', () => {
    const stack = anyStack();
    cluster(stack, ALL, { image: NodeImage.baked() });
    const recipes = Object.values(
      templateOf(stack).findResources('AWS::ImageBuilder::Component'),
    ).map(({ Properties }) => JSON.stringify(Properties.Data));
    const installs = recipes.map((text) => /install\.sh[ a-z-]*/.exec(text)?.[0]).sort();
    assert.deepEqual(installs, ['install.sh --image', 'install.sh --image --jobs']);
  });

  test('without jobs are one for all', () => {
    const stack = anyStack();
    cluster(stack, undefined, { image: NodeImage.baked() });
    templateOf(stack).resourceCountIs('AWS::ImageBuilder::Image', 1);
  });
});

describe('machines that are too small', () => {
  const warned = (types: readonly string[], jobs: sluice.Jobs, stack = envStack()) => {
    const [first = '', ...others] = types.map((type) => new ec2.InstanceType(type));
    new sluice.MediaNodes(stack, 'Nodes', {
      vpc: new ec2.Vpc(stack, 'Vpc', { natGateways: 0 }),
      image: anImage,
      instanceType: first as ec2.InstanceType,
      alternativeInstanceTypes: others,
      jobs,
    });
    return warningsOf(stack).join('\n');
  };

  test('are told of, with what never runs there', () => {
    assert.match(
      warned(['c7i.large'], ALL),
      /c7i\.large has 2 vCPUs, and these jobs never run there: roomComposite \(3\), web \(4\), rtmp \(2\), url \(2\); take a type with 4 vCPUs or more, or lower jobs\.sizes/,
    );
    assert.doesNotMatch(warned(['c7i.large'], Jobs.builtIn()), /rtmp/);
  });

  test('are told of among the alternatives too', () => {
    assert.match(warned(['c7i.xlarge', 'c7i.large'], Jobs.builtIn()), /instanceType c7i\.large/);
  });

  test('are none where all fits, or where sizes or types are known later', () => {
    assert.equal(warned(['c7i.xlarge', 'c7a.2xlarge', 'c7i.metal-24xl'], Jobs.builtIn()), '');
    const stack = envStack();
    const sizes = { roomComposite: 2, web: tokenNumber(stack), url: 1 };
    assert.equal(warned(['c7i.large'], Jobs.builtIn({ sizes }), stack), '');
  });

  test('may have a disk of another size', () => {
    const stack = anyStack();
    cluster(stack, ALL, { mediaNodes: { diskSize: Size.gibibytes(200) } });
    assert.match(JSON.stringify(jsonOf(stack)), /"VolumeSize":200/);
  });
});

describe('jobs refuse', () => {
  const cases: readonly [string, sluice.BuiltInJobsOptions, RegExp][] = [
    ['to wait for two days', { queue: Duration.days(2) }, /jobs\.queue: got 2 days/],
    ['a size below nothing', { sizes: { web: -1 } }, /jobs\.sizes\.web: got -1/],
    ['a size of no machine', { sizes: { url: 1000 } }, /jobs\.sizes\.url: got 1000/],
  ];
  for (const [what, options, message] of cases) {
    test(what, () => {
      const stack = anyStack();
      cluster(stack, Jobs.builtIn(options));
      assert.match(errorsOf(stack).join('\n'), message);
    });
  }
});

describe('jobs that no node takes', () => {
  const alarmsOf = (jobs: sluice.Jobs | undefined, hasLogs: boolean) => {
    const stack = anyStack();
    const logGroup = hasLogs ? { logGroup: new logs.LogGroup(stack, 'Logs') } : {};
    const { observability } = cluster(stack, jobs, logGroup);
    const ids = observability.addAlarms().map(({ node }) => node.id);
    return { ids, template: templateOf(stack) };
  };

  test('are an alarm where there are jobs, and journals that say so', () => {
    const { ids, template } = alarmsOf(ALL, true);
    assert.ok(ids.includes('JobsRefused'));
    template.hasResourceProperties('AWS::Logs::MetricFilter', {
      FilterPattern: '{ ($.msg = "a job is refused") || ($.msg = "a job ends that nobody runs") }',
    });
    assert.ok(!alarmsOf(ALL, false).ids.includes('JobsRefused'));
    assert.ok(!alarmsOf(undefined, true).ids.includes('JobsRefused'));
  });
});
