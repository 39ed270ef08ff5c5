import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Tags } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as sm from 'aws-cdk-lib/aws-secretsmanager';
import { NodeArchitecture, NodeImage } from '../../constructs/node-image';
import { StaticAddresses } from '../../constructs/static-addresses';
import { PORT_USES } from '../../node-image/contract';
import { defined, GROUP, problemsWith, TEMPLATE } from './support/media-nodes';
import { actionsOf, only, statements, textOf } from './support/nodes';
import { templateOf } from './support/stacks';

describe('Media Nodes by default', () => {
  const { stack, nodes } = defined((stack) => ({
    secrets: { cluster: new sm.Secret(stack, 'Cluster'), turn: new sm.Secret(stack, 'Turn') },
  }));
  Tags.of(nodes).add('team', 'calls');
  const template = templateOf(stack);
  const { resource: group, id: groupId } = only(template, GROUP);
  const { resource: launch } = only(template, TEMPLATE);
  const data = launch.Properties['LaunchTemplateData'] as Record<string, unknown>;
  const script = textOf(data['UserData']);

  test('are compute-optimized machines over the public subnets', () => {
    assert.equal(data['InstanceType'], 'c7i.xlarge');
    assert.equal((group.Properties['VPCZoneIdentifier'] as unknown[]).length, 2);
    assert.match(textOf(group.Properties['VPCZoneIdentifier']), /publicSubnet1.*publicSubnet2/);
  });

  test('answer questions about themselves to themselves only', () => {
    assert.deepEqual(data['MetadataOptions'], {
      HttpEndpoint: 'enabled',
      HttpTokens: 'required',
      HttpPutResponseHopLimit: 1,
    });
  });

  test('have an encrypted gp3 disk that goes with them, and no SSH', () => {
    assert.deepEqual(data['BlockDeviceMappings'], [
      {
        DeviceName: '/dev/xvda',
        Ebs: { DeleteOnTermination: true, Encrypted: true, VolumeSize: 20, VolumeType: 'gp3' },
      },
    ]);
    assert.equal(data['KeyName'], undefined);
    assert.doesNotMatch(
      JSON.stringify(template.findResources('AWS::EC2::SecurityGroup')),
      /"FromPort":22,/,
    );
  });

  test('leave the size of the group to the controller', () => {
    assert.equal(group.Properties['DesiredCapacity'], undefined);
    assert.equal(group.Properties['MinSize'], '1');
    assert.equal(group.Properties['MaxSize'], '4');
    assert.equal(group.Properties['NewInstancesProtectedFromScaleIn'], true);
  });

  test('let a deployment succeed only when the first of them serve', () => {
    assert.deepEqual(group.CreationPolicy, { ResourceSignal: { Count: 1, Timeout: 'PT30M' } });
    assert.match(script, new RegExp(`"resource": "${groupId}"`));
    const signal = statements(template).find((each) =>
      actionsOf(each).includes('cloudformation:SignalResource'),
    );
    assert.deepEqual(signal?.Resource, { Ref: 'AWS::StackId' });
  });

  test('are not rolled by CloudFormation: the controller drains them one by one', () => {
    const { AutoScalingRollingUpdate, AutoScalingReplacingUpdate } = group.UpdatePolicy as Record<
      string,
      unknown
    >;
    assert.deepEqual(
      [AutoScalingRollingUpdate, AutoScalingReplacingUpdate],
      [undefined, undefined],
    );
  });

  test('are replaced when the machine is dead, not when it is overloaded or drains', () => {
    assert.equal(group.Properties['HealthCheckType'], 'EC2');
  });

  test('wait for nothing but what a machine needs at boot', () => {
    const types = template.toJSON().Resources as Record<string, { Type: string }>;
    const waited = new Set((group.DependsOn ?? []).map((id) => types[id]?.Type));
    assert.deepEqual([...waited].sort(), [
      'AWS::EC2::Route',
      'AWS::EC2::SecurityGroup',
      'AWS::EC2::SecurityGroupIngress',
      'AWS::EC2::SubnetRouteTableAssociation',
      'AWS::Events::Rule',
      'AWS::IAM::Policy',
      'AWS::IAM::Role',
      'AWS::SQS::Queue',
      'AWS::SQS::QueuePolicy',
    ]);
  });

  test('open to everybody what clients use, and nothing else', () => {
    const { resource } = only(template, 'AWS::EC2::SecurityGroup');
    const rules = resource.Properties['SecurityGroupIngress'] as Record<string, unknown>[];
    const open = rules
      .filter(({ CidrIp }) => CidrIp === '0.0.0.0/0')
      .map(({ IpProtocol, FromPort, ToPort }) => `${IpProtocol} ${FromPort}-${ToPort}`);
    const asked = PORT_USES.filter(
      ({ roles, from }) => roles.includes('media') && from === 'clients',
    ).map(({ protocol, start, end }) => `${protocol} ${start}-${end}`);
    assert.deepEqual(open.sort(), asked.sort());
    assert.equal(rules.length, 2 * asked.length);
  });

  test('reach each other at what nodes of the cluster use', () => {
    template.hasResourceProperties('AWS::EC2::SecurityGroupIngress', {
      IpProtocol: 'udp',
      FromPort: 30_000,
      ToPort: 39_999,
    });
  });

  test('may read their own secrets and configuration, and no other', () => {
    const read = statements(template).filter((each) =>
      actionsOf(each).includes('secretsmanager:GetSecretValue'),
    );
    assert.deepEqual(read.map(({ Resource }) => textOf(Resource).slice(0, 5)).sort(), [
      '<Clus',
      '<Turn',
    ]);
    const parameter = statements(template).find((each) =>
      actionsOf(each).includes('ssm:GetParameter'),
    );
    assert.match(
      textOf(parameter?.Resource),
      /:parameter\/sluice\/<AWS::StackName>\/Nodes-Config$/,
    );
  });

  test('may do with no resource named only what AWS has no resource level for', () => {
    const open = statements(template).filter(({ Resource }) => Resource === '*');
    assert.deepEqual([...new Set(open.flatMap(actionsOf))].sort(), [
      'autoscaling:DescribeLifecycleHooks',
      'ssm:UpdateInstanceInformation',
      'ssmmessages:CreateControlChannel',
      'ssmmessages:CreateDataChannel',
      'ssmmessages:OpenControlChannel',
      'ssmmessages:OpenDataChannel',
    ]);
    assert.equal(
      statements(template)
        .flatMap(actionsOf)
        .some((action) => action.includes('*')),
      false,
    );
  });

  test('pass tags on to machines and their disks', () => {
    const tags = group.Properties['Tags'] as Record<string, unknown>[];
    assert.ok(tags.some((tag) => tag['Key'] === 'team' && tag['PropagateAtLaunch'] === true));
    const specifications = data['TagSpecifications'] as { ResourceType: string; Tags: object[] }[];
    for (const type of ['instance', 'volume']) {
      const found = specifications.find(({ ResourceType }) => ResourceType === type);
      assert.ok(
        found?.Tags.some((tag) => JSON.stringify(tag) === '{"Key":"team","Value":"calls"}'),
      );
    }
  });

  test('have no secret in their user data, only where to fetch it', () => {
    assert.match(script, /"cluster": "<Cluster[0-9A-F]+>"/);
    assert.doesNotMatch(script, /resolve:secretsmanager|SecretString|password/i);
  });

  test('expose what they are made of', () => {
    assert.equal(nodes.connections.securityGroups.length, 1);
    assert.equal(nodes.node.defaultChild?.node.id, 'ASG');
    assert.deepEqual(
      stack.resolve(nodes.metricInService().toMetricConfig().metricStat?.metricName),
      'GroupInServiceInstances',
    );
  });
});

describe('Media Nodes refuse', () => {
  const cases: readonly [string, Parameters<typeof defined>[0], RegExp][] = [
    [
      'a minimum above the maximum',
      { minCapacity: 5, maxCapacity: 2 },
      /minCapacity 5, maxCapacity 2/,
    ],
    ['no machine at all', { minCapacity: 0 }, /minCapacity: got 0/],
    ['part of a machine', { maxCapacity: 2.5 }, /maxCapacity: got 2\.5/],
    [
      'an initial size below the minimum',
      { minCapacity: 3, initialCapacity: 1 },
      /initialCapacity 1/,
    ],
    [
      'an initial size above the maximum',
      { initialCapacity: 9 },
      /initialCapacity 9, maxCapacity 4/,
    ],
    ['spot machines that are prepared beforehand', { spot: {}, warmPool: {} }, /spot and warmPool/],
    ['no spot machine at all', { spot: { percentage: 0 } }, /spot\.percentage: got 0/],
    [
      'private subnets',
      { vpcSubnets: { subnetType: ec2.SubnetType.PRIVATE_ISOLATED } },
      /vpcSubnets/,
    ],
    ['no address', { staticAddresses: StaticAddresses.allocate(0) }, /staticAddresses: got 0/],
    ['a load of 60', { scaling: { targetLoad: 60 } }, /scaling\.targetLoad: got 60/],
    [
      'a type of another architecture',
      { instanceType: new ec2.InstanceType('c7g.large'), architecture: NodeArchitecture.X86_64 },
      /c7g\.large, which is arm64, and x86_64/,
    ],
    [
      'a type that the image is not for',
      {
        image: NodeImage.fromAmi(ec2.MachineImage.genericLinux({ 'eu-central-1': 'ami-1' }), {
          architecture: NodeArchitecture.ARM_64,
        }),
      },
      /an image for arm64 and c7i\.xlarge/,
    ],
  ];
  for (const [what, props, message] of cases) {
    test(what, () => assert.match(problemsWith(props).join('\n'), message));
  }

  test('all of it at once', () => {
    const found = problemsWith({
      minCapacity: 5,
      maxCapacity: 2,
      spot: { percentage: 0 },
      scaling: { targetLoad: 60 },
    });
    assert.equal(found.length, 3);
  });
});
