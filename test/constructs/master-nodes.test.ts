import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RemovalPolicy, Size, type Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as route53 from 'aws-cdk-lib/aws-route53';
import { parse } from 'yaml';
import { MasterNodes, type MasterNodesProps } from '../../constructs/master-nodes';
import { MediaNodes } from '../../constructs/media-nodes';
import { actionsOf, anImage, only, publicVpc, statements, textOf } from './support/nodes';
import { envStack, errorsOf, templateOf, tokenNumber } from './support/stacks';

const GROUP = 'AWS::AutoScaling::AutoScalingGroup';
const TEMPLATE = 'AWS::EC2::LaunchTemplate';

type Given = Partial<MasterNodesProps>;

function defined(props: Given | ((stack: Stack) => Given) = {}, stack = envStack()) {
  const vpc = publicVpc(stack);
  const nodes = new MasterNodes(stack, 'Masters', {
    vpc,
    image: anImage,
    ...(typeof props === 'function' ? props(stack) : props),
  });
  return { stack, nodes };
}

const templateWith = (props?: Parameters<typeof defined>[0]) => templateOf(defined(props).stack);
const problemsWith = (props: Parameters<typeof defined>[0]) => errorsOf(defined(props).stack);
const scriptOf = (template: ReturnType<typeof templateWith>) => {
  const data = only(template, TEMPLATE).resource.Properties['LaunchTemplateData'];
  return textOf((data as { UserData: unknown }).UserData);
};

describe('Master Nodes of a High Availability cluster', () => {
  const template = templateWith();
  const { resource: group } = only(template, GROUP);

  test('are three in a group over the zones, so that a dead one is replaced', () => {
    assert.equal(group.Properties['MinSize'], '3');
    assert.equal(group.Properties['MaxSize'], '3');
    assert.equal((group.Properties['VPCZoneIdentifier'] as unknown[]).length, 2);
    assert.equal(group.Properties['HealthCheckType'], 'EC2');
  });

  test('are started all at the same time, and all have to serve', () => {
    template.resourceCountIs(GROUP, 1);
    assert.deepEqual(group.CreationPolicy, { ResourceSignal: { Count: 3, Timeout: 'PT30M' } });
  });

  test('are replaced one by one, each when the one before serves', () => {
    const { AutoScalingRollingUpdate: rolling = {} } = group.UpdatePolicy as Record<
      string,
      Record<string, unknown>
    >;
    assert.equal(rolling['MaxBatchSize'], 1);
    assert.equal(rolling['MinInstancesInService'], 2);
    assert.equal(rolling['WaitOnResourceSignals'], true);
  });

  test('start when there is a way out of their subnets, and before anything else is there', () => {
    const all = template.toJSON().Resources as Record<string, { Type: string }>;
    const waited = (group.DependsOn ?? []).map((id) => all[id]?.Type);
    assert.deepEqual([...new Set(waited)].sort(), [
      'AWS::EC2::Route',
      'AWS::EC2::SecurityGroup',
      'AWS::EC2::SubnetRouteTableAssociation',
      'AWS::IAM::Policy',
      'AWS::IAM::Role',
    ]);
  });

  test('may be four', () => {
    const { resource } = only(templateWith({ count: 4 }), GROUP);
    assert.equal(resource.Properties['MinSize'], '4');
    assert.deepEqual(resource.CreationPolicy, { ResourceSignal: { Count: 4, Timeout: 'PT30M' } });
  });

  test('let nobody in who is not let in by name', () => {
    const { resource } = only(template, 'AWS::EC2::SecurityGroup');
    assert.equal(resource.Properties['SecurityGroupIngress'], undefined);
  });

  test('take their number from a parameter of the stack', () => {
    const stack = envStack();
    defined({ count: tokenNumber(stack, 'Count') }, stack);
    assert.deepEqual(errorsOf(stack), []);
    const { resource } = only(templateOf(stack), GROUP);
    assert.deepEqual(resource.Properties['MinSize'], { Ref: 'Count' });
  });

  test('are told of the Media Nodes that they control, and granted no other', () => {
    const stack = envStack();
    const vpc = publicVpc(stack);
    const mediaNodes = new MediaNodes(stack, 'Media', { vpc, image: anImage });
    const masters = new MasterNodes(stack, 'Masters', { vpc, image: anImage, mediaNodes });
    const own = templateOf(stack);
    const { sluice } = parse(textOf(stack.resolve(masters.config.parameter.value)));
    assert.equal(sluice.scaling.group, 'aws');
    assert.match(sluice.cloud.media_group, /^<AWS::StackName>-Media-/);
    assert.match(sluice.cloud.notices_queue, /^<MediaDrainNotices/);
    assert.equal(sluice.drain.deadline, '3600s');
    const terminate = statements(own).filter((each) =>
      actionsOf(each).includes('autoscaling:TerminateInstanceInAutoScalingGroup'),
    );
    assert.equal(terminate.length, 1);
    assert.match(textOf(terminate[0]?.Resource), /autoScalingGroupName\/<AWS::StackName>-Media-/);
    own.hasResourceProperties('AWS::EC2::SecurityGroupIngress', { FromPort: 7870, ToPort: 7870 });
  });

  test('and Media Nodes do not wait for each other', () => {
    const stack = envStack();
    const vpc = publicVpc(stack);
    const mediaNodes = new MediaNodes(stack, 'Media', { vpc, image: anImage });
    new MasterNodes(stack, 'Masters', { vpc, image: anImage, mediaNodes });
    const all = templateOf(stack).toJSON().Resources as Record<string, object>;
    const groups = Object.keys(all).filter((id) => (all[id] as { Type: string }).Type === GROUP);
    assert.equal(groups.length, 2);
    for (const id of groups) {
      for (const other of groups) {
        if (id !== other) assert.equal(reaches(all, id, other), false, `${id} waits for ${other}`);
      }
    }
  });
});

describe('the Master Node of an Elastic cluster', () => {
  const { stack, nodes } = defined((stack) => ({
    dataVolume: { size: Size.gibibytes(30) },
    addressRecord: {
      zone: new route53.PrivateHostedZone(stack, 'Zone', {
        zoneName: 'meet.internal',
        vpc: ec2.Vpc.fromVpcAttributes(stack, 'Same', {
          vpcId: 'vpc-1',
          availabilityZones: ['eu-central-1a'],
        }),
      }),
      name: 'Master.meet.internal.',
    },
  }));
  const template = templateOf(stack);
  const { resource: group } = only(template, GROUP);
  const { resource: volume, id: volumeId } = only(template, 'AWS::EC2::Volume');

  test('is one, in the zone of its disk', () => {
    assert.equal(group.Properties['MaxSize'], '1');
    assert.deepEqual(textOf(group.Properties['VPCZoneIdentifier']).match(/Subnet/g)?.length, 2);
    assert.equal((group.Properties['VPCZoneIdentifier'] as unknown[]).length, 1);
    assert.equal(volume.Properties['AvailabilityZone'], 'eu-central-1a');
  });

  test('starts only after the last one is gone', () => {
    assert.deepEqual(group.Properties['InstanceMaintenancePolicy'], {
      MinHealthyPercentage: 0,
      MaxHealthyPercentage: 100,
    });
    const { AutoScalingRollingUpdate: rolling } = group.UpdatePolicy as Record<string, never>;
    assert.equal(rolling?.['MinInstancesInService'], 0);
  });

  test('keeps its data on an encrypted disk that outlives machine and stack, not a failed creation', () => {
    assert.equal(volume.Properties['Encrypted'], true);
    assert.equal(volume.Properties['VolumeType'], 'gp3');
    assert.equal(volume.Properties['Size'], 30);
    assert.equal(volume.DeletionPolicy, 'RetainExceptOnCreate');
    const other = templateWith({ dataVolume: { removalPolicy: RemovalPolicy.SNAPSHOT } });
    assert.equal(only(other, 'AWS::EC2::Volume').resource.DeletionPolicy, 'Snapshot');
  });

  test('attaches it at boot, to itself only', () => {
    const script = scriptOf(template);
    assert.match(script, new RegExp(`"data_volume": \\{\\s*"id": "<${volumeId}>"`));
    assert.match(script, /"redis": \{\s*"server": true/);
    const attach = statements(template).filter((each) =>
      actionsOf(each).includes('ec2:AttachVolume'),
    );
    assert.equal(attach.length, 2);
    assert.match(textOf(attach[0]?.Resource), new RegExp(`:volume/<${volumeId}>$`));
    assert.match(JSON.stringify(attach[1]?.Condition), /aws:ResourceTag\/sluice:nodes/);
  });

  test('writes its name, and no other record of the zone', () => {
    const write = statements(template).find((each) =>
      actionsOf(each).includes('route53:ChangeResourceRecordSets'),
    );
    assert.match(textOf(write?.Resource), /:hostedzone\/<Zone/);
    assert.deepEqual(write?.Condition, {
      'ForAllValues:StringEquals': {
        'route53:ChangeResourceRecordSetsNormalizedRecordNames': ['master.meet.internal'],
        'route53:ChangeResourceRecordSetsRecordTypes': ['A'],
        'route53:ChangeResourceRecordSetsActions': ['UPSERT'],
      },
    });
  });

  test('exposes its disk', () => assert.ok(nodes.dataVolume));

  test('attaches a disk with a key of yours', () => {
    const own = templateWith((stack) => ({
      dataVolume: {},
      encryptionKey: new kms.Key(stack, 'Key'),
    }));
    const pass = statements(own).find((each) => actionsOf(each).includes('kms:CreateGrant'));
    assert.match(JSON.stringify(pass?.Condition), /"kms:GrantIsForAWSResource":"true"/);
  });
});

describe('Master Nodes', () => {
  test('have a public address in public subnets, and what the subnet says elsewhere', () => {
    const interfacesIn = (vpcSubnets: ec2.SubnetSelection) => {
      const data = only(templateWith({ vpcSubnets }), TEMPLATE).resource.Properties;
      return JSON.stringify(data['LaunchTemplateData']);
    };
    assert.match(
      interfacesIn({ subnetType: ec2.SubnetType.PUBLIC }),
      /"AssociatePublicIpAddress":true/,
    );
    assert.doesNotMatch(
      interfacesIn({ subnetType: ec2.SubnetType.PRIVATE_ISOLATED }),
      /AssociatePublicIpAddress/,
    );
  });

  test('use a role of yours', () => {
    const template = templateWith((stack) => ({
      role: iam.Role.fromRoleArn(stack, 'Role', 'arn:aws:iam::111122223333:role/mine'),
    }));
    template.hasResourceProperties('AWS::IAM::InstanceProfile', { Roles: ['mine'] });
    template.hasResourceProperties('AWS::IAM::Policy', { Roles: ['mine'] });
  });

  test('are in subnets that were imported by their ids', () => {
    const subnets = (stack: Stack) =>
      ['subnet-1', 'subnet-2'].map((id) => ec2.Subnet.fromSubnetId(stack, id, id));
    const { stack } = defined((stack) => ({ vpcSubnets: { subnets: subnets(stack) } }));
    assert.deepEqual(errorsOf(stack), []);
  });

  const oneZone = (stack: Stack): Given => ({
    vpcSubnets: {
      subnets: [
        ec2.Subnet.fromSubnetAttributes(stack, 'One', {
          subnetId: 'subnet-1',
          availabilityZone: 'eu-central-1a',
        }),
      ],
    },
  });
  const cases: readonly [string, Parameters<typeof defined>[0], RegExp][] = [
    ['refuse to be none', { count: 0 }, /count: got 0/],
    ['refuse several with one disk', { count: 3, dataVolume: {} }, /count 3 and dataVolume/],
    ['refuse several in one zone', oneZone, /count 3 in the one zone eu-central-1a/],
    ['refuse a disk that nothing fits on', { diskSize: Size.gibibytes(4) }, /diskSize: got 4 GiB/],
    ['refuse a disk of nothing', { dataVolume: { size: Size.mebibytes(1) } }, /dataVolume\.size/],
    [
      'refuse a disk in a zone that is not known',
      (stack) => ({
        dataVolume: {},
        vpcSubnets: { subnets: [ec2.Subnet.fromSubnetId(stack, 'One', 'subnet-1')] },
      }),
      /a subnet whose zone is not known/,
    ],
  ];
  for (const [what, props, message] of cases) {
    test(what, () => assert.match(problemsWith(props).join('\n'), message));
  }
});

/** Whether a resource is made after another one, by reference or by DependsOn. */
function reaches(all: Record<string, object>, from: string, to: string): boolean {
  const seen = new Set<string>();
  const visit = (id: string): boolean => {
    if (seen.has(id)) return false;
    seen.add(id);
    const text = JSON.stringify(all[id]);
    const next = Object.keys(all).filter((other) => other !== id && text.includes(`"${other}"`));
    return next.includes(to) || next.some(visit);
  };
  return visit(from);
}
