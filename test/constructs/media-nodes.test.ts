import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CfnCondition, Duration, Fn, type Stack, Tags } from 'aws-cdk-lib';
import { Match } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as sm from 'aws-cdk-lib/aws-secretsmanager';
import { MediaNodes, type MediaNodesProps } from '../../constructs/media-nodes';
import { NodeArchitecture, NodeImage } from '../../constructs/node-image';
import { StaticAddresses } from '../../constructs/static-addresses';
import { PORT_USES } from '../../node-image/contract';
import { actionsOf, anImage, only, publicVpc, statements, textOf } from './support/nodes';
import {
  anyStack,
  envStack,
  errorsOf,
  templateOf,
  tokenNumber,
  tokenText,
  warningsOf,
} from './support/stacks';

const GROUP = 'AWS::AutoScaling::AutoScalingGroup';
const TEMPLATE = 'AWS::EC2::LaunchTemplate';

type Given = Partial<MediaNodesProps>;

function defined(props: Given | ((stack: Stack) => Given) = {}, stack = envStack()) {
  const nodes = new MediaNodes(stack, 'Nodes', {
    vpc: publicVpc(stack),
    image: anImage,
    ...(typeof props === 'function' ? props(stack) : props),
  });
  return { stack, nodes };
}

const templateWith = (props?: Parameters<typeof defined>[0]) => templateOf(defined(props).stack);
const problemsWith = (props: Parameters<typeof defined>[0]) => errorsOf(defined(props).stack);

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

describe('Media Nodes of choice', () => {
  test('are Graviton where the type is, with an image for it', () => {
    const template = templateWith({
      architecture: NodeArchitecture.ARM_64,
      image: NodeImage.fromAsset(),
    });
    assert.match(
      JSON.stringify(template.findParameters('*')),
      /debian\/release\/12\/latest\/arm64/,
    );
    template.hasResourceProperties(TEMPLATE, {
      LaunchTemplateData: { InstanceType: 'c7g.xlarge' },
    });
  });

  test('are of the architecture that a condition of the stack says', () => {
    const template = templateWith((stack) => {
      const arm = new CfnCondition(stack, 'Arm', {
        expression: Fn.conditionEquals(tokenText(stack, 'Architecture'), 'arm64'),
      });
      return {
        architecture: NodeArchitecture.chosenBy(arm),
        instanceType: new ec2.InstanceType(
          Fn.conditionIf('Arm', tokenText(stack, 'ArmType'), tokenText(stack, 'Type')).toString(),
        ),
        image: NodeImage.fromAsset(),
      };
    });
    template.hasResourceProperties(TEMPLATE, {
      LaunchTemplateData: {
        ImageId: { 'Fn::If': ['Arm', { Ref: Match.anyValue() }, { Ref: Match.anyValue() }] },
        InstanceType: { 'Fn::If': ['Arm', { Ref: 'ArmType' }, { Ref: 'Type' }] },
      },
    });
  });

  test('take other types, of the other architecture too, with its own launch template', () => {
    const template = templateWith({
      alternativeInstanceTypes: ['c6i.xlarge', 'c7g.xlarge', 'c6g.xlarge'].map(
        (name) => new ec2.InstanceType(name),
      ),
      image: NodeImage.fromAsset(),
    });
    template.resourceCountIs(TEMPLATE, 2);
    const { resource } = only(template, GROUP);
    const policy = resource.Properties['MixedInstancesPolicy'] as {
      LaunchTemplate: { Overrides: Record<string, unknown>[] };
      InstancesDistribution: unknown;
    };
    const overrides = policy.LaunchTemplate.Overrides;
    assert.deepEqual(
      overrides.map((each) => [each['InstanceType'], 'LaunchTemplateSpecification' in each]),
      [
        ['c7i.xlarge', false],
        ['c6i.xlarge', false],
        ['c7g.xlarge', true],
        ['c6g.xlarge', true],
      ],
    );
    assert.deepEqual(policy.InstancesDistribution, {
      OnDemandAllocationStrategy: 'prioritized',
      OnDemandBaseCapacity: 0,
      OnDemandPercentageAboveBaseCapacity: 100,
      SpotAllocationStrategy: 'price-capacity-optimized',
    });
  });

  test('are spot machines above a base that is not', () => {
    const { resource } = only(templateWith({ spot: { percentage: 75 } }), GROUP);
    assert.equal(resource.Properties['CapacityRebalance'], true);
    assert.match(
      JSON.stringify(resource.Properties['MixedInstancesPolicy']),
      /"OnDemandBaseCapacity":1,"OnDemandPercentageAboveBaseCapacity":25/,
    );
  });

  test('are prepared beforehand in a warm pool', () => {
    templateWith({ warmPool: { minSize: 2 } }).hasResourceProperties('AWS::AutoScaling::WarmPool', {
      MinSize: 2,
      PoolState: 'Stopped',
      InstanceReusePolicy: { ReuseOnScaleIn: false },
    });
  });

  test('keep addresses that were allocated, of which each takes a free one', () => {
    const template = templateWith({ staticAddresses: StaticAddresses.allocate(3) });
    template.resourceCountIs('AWS::EC2::EIP', 3);
    const { resource } = only(template, TEMPLATE);
    const { UserData } = resource.Properties['LaunchTemplateData'] as { UserData: unknown };
    assert.match(textOf(UserData), /"tag": "sluice:address-pool=<AWS::StackName>-Nodes-/);
    const take = statements(template).filter((each) =>
      actionsOf(each).includes('ec2:AssociateAddress'),
    );
    assert.equal(take.length, 3);
    assert.equal(take.filter(({ Condition }) => Condition !== undefined).length, 2);
  });

  test('take addresses of yours by their tag', () => {
    const template = templateWith({ staticAddresses: StaticAddresses.tagged('firewalled') });
    template.resourceCountIs('AWS::EC2::EIP', 0);
    assert.match(
      JSON.stringify(statements(template)),
      /"aws:ResourceTag\/sluice:address-pool":"firewalled"/,
    );
  });

  test('use a role and security groups of yours, in which nothing is opened', () => {
    const template = templateWith((stack) => ({
      role: iam.Role.fromRoleArn(stack, 'Role', 'arn:aws:iam::111122223333:role/mine'),
      securityGroups: ['sg-1', 'sg-2'].map((id) =>
        ec2.SecurityGroup.fromSecurityGroupId(stack, id, id),
      ),
    }));
    template.resourceCountIs('AWS::EC2::SecurityGroup', 0);
    template.resourceCountIs('AWS::EC2::SecurityGroupIngress', 0);
    template.hasResourceProperties('AWS::IAM::InstanceProfile', { Roles: ['mine'] });
    template.hasResourceProperties(TEMPLATE, {
      LaunchTemplateData: { NetworkInterfaces: [{ Groups: ['sg-1', 'sg-2'] }] },
    });
  });

  test('let Auto Scaling use a key of yours, and warn where they cannot', () => {
    const own = defined((stack) => ({ encryptionKey: new kms.Key(stack, 'Key') }));
    assert.match(
      JSON.stringify(templateOf(own.stack).findResources('AWS::KMS::Key')),
      /AWSServiceRoleForAutoScaling/,
    );
    assert.deepEqual(warningsOf(own.stack), []);
    const arn = 'arn:aws:kms:eu-central-1:111122223333:key/0123';
    const imported = defined((stack) => ({ encryptionKey: kms.Key.fromKeyArn(stack, 'Key', arn) }));
    assert.match(warningsOf(imported.stack).join(), /let AWSServiceRoleForAutoScaling use it/);
  });

  test('are told that burstable machines are none for media', () => {
    const { stack } = defined({ instanceType: new ec2.InstanceType('t3.large') });
    assert.match(warningsOf(stack).join(), /t3\.large earns its CPU over hours/);
  });

  test('take every number and time from parameters of the stack', () => {
    const stack = anyStack();
    const number = (name: string) => tokenNumber(stack, name);
    const nodes = new MediaNodes(stack, 'Nodes', {
      vpc: publicVpc(stack),
      image: anImageOfAnyRegion(),
      instanceType: new ec2.InstanceType(tokenText(stack, 'Type')),
      minCapacity: number('Min'),
      maxCapacity: number('Max'),
      initialCapacity: number('Initial'),
      scaling: {
        targetLoad: number('Load'),
        headroomRooms: number('Rooms'),
        cpuNet: number('Cpu'),
        scaleInAfter: Duration.seconds(number('After')),
      },
      drain: { deadline: Duration.seconds(number('Deadline')) },
      spot: { onDemandBase: number('Base') },
    });
    assert.deepEqual(errorsOf(stack), []);
    const template = templateOf(stack);
    template.hasResource(GROUP, {
      Properties: { MinSize: { Ref: 'Min' }, MaxSize: { Ref: 'Max' } },
      CreationPolicy: { ResourceSignal: { Count: { Ref: 'Min' } } },
    });
    assert.match(
      textOf(nodes.stack.resolve(nodes.config.parameter.value)),
      /deadline: "?<Deadline>s/,
    );
  });

  test('of another stack can be controlled and reached', () => {
    const stack = envStack();
    const nodes = MediaNodes.fromMediaNodesAttributes(stack, 'Nodes', {
      autoScalingGroupName: 'theirs',
      noticesQueueArn: 'arn:aws:sqs:eu-central-1:111122223333:notices',
      securityGroups: [ec2.SecurityGroup.fromSecurityGroupId(stack, 'Group', 'sg-theirs')],
      role: iam.Role.fromRoleArn(stack, 'Theirs', 'arn:aws:iam::111122223333:role/theirs'),
    });
    const role = new iam.Role(stack, 'Role', {
      assumedBy: new iam.ServicePrincipal('ec2.amazonaws.com'),
    });
    nodes.grantControl(role);
    nodes.allowCluster({
      connections: new ec2.Connections({
        securityGroups: [ec2.SecurityGroup.fromSecurityGroupId(stack, 'Masters', 'sg-masters')],
      }),
    });
    const template = templateOf(stack);
    template.hasResourceProperties('AWS::EC2::SecurityGroupIngress', {
      GroupId: 'sg-theirs',
      SourceSecurityGroupId: 'sg-masters',
      FromPort: 7870,
    });
    const terminate = statements(template).find((each) =>
      actionsOf(each).includes('autoscaling:TerminateInstanceInAutoScalingGroup'),
    );
    assert.match(textOf(terminate?.Resource), /autoScalingGroupName\/theirs$/);
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

function anImageOfAnyRegion(): NodeImage {
  return NodeImage.fromAmi(ec2.MachineImage.fromSsmParameter('/images/node'));
}
