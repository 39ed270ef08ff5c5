import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CfnCondition, Duration, Fn } from 'aws-cdk-lib';
import { Match } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import { MediaNodes } from '../../constructs/media-nodes';
import { NodeArchitecture, NodeImage } from '../../constructs/node-image';
import { StaticAddresses } from '../../constructs/static-addresses';
import { anImageOfAnyRegion, defined, GROUP, TEMPLATE, templateWith } from './support/media-nodes';
import { actionsOf, only, publicVpc, statements, textOf } from './support/nodes';
import {
  anyStack,
  envStack,
  errorsOf,
  templateOf,
  tokenNumber,
  tokenText,
  warningsOf,
} from './support/stacks';

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
