import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { Fn, Stack } from 'aws-cdk-lib';
import { Match, type Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Network, type NetworkProps } from '../../constructs/network';
import {
  anyStack,
  envStack,
  errorsOf,
  lazyNumber,
  templateOf,
  tokenList,
  tokenNumber,
  tokenText,
  warningsOf,
} from './support/stacks';

describe('a network with nothing given', () => {
  let stack: Stack;
  let network: Network;
  let template: Template;
  before(() => {
    stack = anyStack();
    network = new Network(stack, 'Network');
    template = templateOf(stack);
  });

  it('is a VPC in the two zones that any region has', () => {
    template.resourceCountIs('AWS::EC2::VPC', 1);
    template.resourceCountIs('AWS::EC2::Subnet', 4);
    assert.equal(network.mediaSubnets.subnets.length, 2);
  });

  it('costs nothing: no NAT gateway, no address, no flow logs', () => {
    for (const type of ['AWS::EC2::NatGateway', 'AWS::EC2::EIP', 'AWS::EC2::FlowLog']) {
      template.resourceCountIs(type, 0);
    }
  });

  it('gives machines in its public subnets an address', () => {
    template.resourcePropertiesCountIs('AWS::EC2::Subnet', { MapPublicIpOnLaunch: true }, 2);
    assert.ok(network.mediaSubnets.hasPublic);
    assert.ok(network.masterSubnets.hasPublic);
    assert.ok(network.entrySubnets.hasPublic);
  });

  it('has subnets with no way out for Redis', () => {
    assert.deepEqual(network.dataSubnets.subnets, network.vpc.isolatedSubnets);
    template.resourceCountIs('AWS::EC2::Route', 2);
  });

  it('needs no Lambda function', () => {
    template.resourceCountIs('AWS::Lambda::Function', 0);
  });

  it('has nothing wrong with it', () => {
    assert.deepEqual(errorsOf(stack), []);
  });
});

describe('a network of a stack that knows its region', () => {
  it('stretches over three zones', () => {
    const network = new Network(envStack(), 'Network');
    assert.equal(network.mediaSubnets.subnets.length, 3);
  });

  it('stretches over as many zones as it is told to', () => {
    const network = new Network(envStack(), 'Network', { maxZones: 1 });
    assert.equal(network.mediaSubnets.subnets.length, 1);
  });

  it('has IPv6 in each public subnet when asked to', () => {
    const stack = envStack();
    new Network(stack, 'Network', { dualStack: true });
    const template = templateOf(stack);
    template.resourceCountIs('AWS::EC2::VPCCidrBlock', 1);
    template.resourcePropertiesCountIs(
      'AWS::EC2::Subnet',
      { MapPublicIpOnLaunch: true, AssignIpv6AddressOnCreation: true },
      3,
    );
    template.hasResourceProperties('AWS::EC2::Route', { DestinationIpv6CidrBlock: '::/0' });
  });

  it('takes the addresses it is given', () => {
    const stack = envStack();
    new Network(stack, 'Network', { ipAddresses: ec2.IpAddresses.cidr('192.168.0.0/24') });
    templateOf(stack).hasResourceProperties('AWS::EC2::VPC', { CidrBlock: '192.168.0.0/24' });
  });

  it('logs what flows, for a month, when asked to', () => {
    const stack = envStack();
    new Network(stack, 'Network', { flowLogs: true });
    const template = templateOf(stack);
    template.hasResourceProperties('AWS::EC2::FlowLog', { TrafficType: 'ALL' });
    template.hasResource('AWS::Logs::LogGroup', {
      Properties: { RetentionInDays: 30 },
      DeletionPolicy: 'Delete',
    });
  });

  it('logs what flows into a log group that is given', () => {
    const stack = envStack();
    const group = logs.LogGroup.fromLogGroupName(stack, 'Logs', 'flows');
    const network = new Network(stack, 'Network', { flowLogGroup: group });
    assert.ok(network.flowLog);
    const template = templateOf(stack);
    template.resourceCountIs('AWS::Logs::LogGroup', 0);
    template.hasResourceProperties('AWS::EC2::FlowLog', { LogGroupName: 'flows' });
  });
});

const isOurs = (warning: string) => warning.includes('sluice:');

describe('a network in a VPC that exists', () => {
  const imported = (stack: Stack) =>
    ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
      vpcId: 'vpc-1',
      availabilityZones: ['a', 'b'],
      publicSubnetIds: ['subnet-1', 'subnet-2'],
      privateSubnetIds: ['subnet-3', 'subnet-4'],
    });

  it('makes nothing', () => {
    const stack = envStack();
    const network = new Network(stack, 'Network', { vpc: imported(stack) });
    templateOf(stack).templateMatches({ Resources: Match.absent() });
    assert.deepEqual(network.mediaSubnets.subnetIds, ['subnet-1', 'subnet-2']);
    assert.deepEqual(network.entrySubnets.subnetIds, ['subnet-1', 'subnet-2']);
    assert.deepEqual(network.masterSubnets.subnetIds, ['subnet-3', 'subnet-4']);
    assert.deepEqual(network.dataSubnets.subnetIds, ['subnet-3', 'subnet-4']);
    assert.deepEqual(errorsOf(stack), []);
  });

  it('puts masters into public subnets where there are no others', () => {
    const stack = envStack();
    const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
      vpcId: 'vpc-1',
      availabilityZones: ['a'],
      publicSubnetIds: ['subnet-1'],
    });
    assert.deepEqual(new Network(stack, 'Network', { vpc }).masterSubnets.subnetIds, ['subnet-1']);
  });

  it('takes subnets by selection and by themselves', () => {
    const stack = envStack();
    const network = new Network(stack, 'Network', {
      vpc: imported(stack),
      mediaSubnets: { availabilityZones: ['b'], subnetType: ec2.SubnetType.PUBLIC },
      masterSubnets: { subnets: [ec2.Subnet.fromSubnetId(stack, 'Mine', 'subnet-9')] },
    });
    assert.deepEqual(network.mediaSubnets.subnetIds, ['subnet-2']);
    assert.deepEqual(network.masterSubnets.subnetIds, ['subnet-9']);
    assert.deepEqual(errorsOf(stack), []);
  });

  it('has one subnet in each zone for a load balancer, which takes no more', () => {
    const stack = envStack();
    const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
      vpcId: 'vpc-1',
      availabilityZones: ['a', 'b'],
      publicSubnetNames: ['One', 'Two'],
      publicSubnetIds: ['subnet-1', 'subnet-2', 'subnet-3', 'subnet-4'],
    });
    const network = new Network(stack, 'Network', { vpc });
    assert.deepEqual(network.entrySubnets.subnetIds, ['subnet-1', 'subnet-2']);
    assert.equal(network.mediaSubnets.subnetIds.length, 4);
  });

  it('warns of Master Nodes in a zone that the load balancer is not in', () => {
    const stack = envStack();
    const network = (id: string, zones: string[]) =>
      new Network(stack, id, {
        vpc: imported(new Stack(stack, `${id}Vpc`)),
        entrySubnets: { availabilityZones: zones, subnetType: ec2.SubnetType.PUBLIC },
      });
    network('Both', ['a', 'b']);
    assert.deepEqual(warningsOf(stack).filter(isOurs), []);
    network('One', ['a']);
    assert.match(warningsOf(stack).filter(isOurs)[0] ?? '', /masterSubnets has the zones b and/);
  });

  it('may be known by tokens alone', () => {
    const stack = anyStack();
    const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
      vpcId: tokenText(stack, 'VpcId'),
      availabilityZones: [Fn.select(0, Fn.getAzs()), Fn.select(1, Fn.getAzs())],
      publicSubnetIds: [tokenText(stack, 'One'), tokenText(stack, 'Other')],
    });
    const network = new Network(stack, 'Network', { vpc });
    assert.equal(network.mediaSubnets.subnetIds.length, 2);
    assert.deepEqual(errorsOf(stack), []);
  });

  it('may have its subnets in a parameter', () => {
    const stack = anyStack();
    const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
      vpcId: tokenText(stack, 'VpcId'),
      availabilityZones: Fn.getAzs(),
      publicSubnetIds: tokenList(stack, 'Subnets'),
    });
    const network = new Network(stack, 'Network', { vpc });
    assert.deepEqual(stack.resolve(network.mediaSubnets.subnetIds), { Ref: 'Subnets' });
    assert.deepEqual(errorsOf(stack), []);
  });

  it('may be looked up', () => {
    const stack = envStack();
    const vpc = ec2.Vpc.fromLookup(stack, 'Vpc', { vpcId: 'vpc-1' });
    new Network(stack, 'Network', { vpc });
    assert.deepEqual(errorsOf(stack), []);
  });
});

describe('a network that cannot be', () => {
  const privateVpc = (stack: Stack) =>
    ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
      vpcId: 'vpc-1',
      availabilityZones: ['a'],
      privateSubnetIds: ['subnet-3'],
    });
  const errors = (props: (stack: Stack) => NetworkProps) => {
    const stack = envStack();
    new Network(stack, 'Network', props(stack));
    return errorsOf(stack);
  };

  it('fails with Media Nodes in private subnets', () => {
    const [error, ...others] = errors((stack) => ({
      vpc: new ec2.Vpc(stack, 'Vpc', { maxAzs: 1 }),
      mediaSubnets: { subnetType: ec2.SubnetType.PRIVATE_WITH_EGRESS },
    }));
    assert.match(error ?? '', /^mediaSubnets: got private subnets: .*, allowed is public subnets/);
    assert.deepEqual(others, []);
  });

  it('fails with a VPC that has no public subnets, once for each that needs them', () => {
    const found = errors((stack) => ({ vpc: privateVpc(stack) }));
    assert.match(found[0] ?? '', /^mediaSubnets: got .*no 'Public' subnet/);
    assert.match(found[0] ?? '', /0 public, 1 private with a way out/);
    assert.match(found[1] ?? '', /^entrySubnets: /);
  });

  it('fails with what is only for an own VPC, beside a VPC', () => {
    const [error] = errors((stack) => ({
      vpc: new ec2.Vpc(stack, 'Vpc', { maxAzs: 1 }),
      maxZones: 2,
      dualStack: true,
    }));
    assert.match(error ?? '', /^vpc and maxZones, dualStack: got both/);
  });

  it('fails with a number of zones that cannot be, and with flow logs that are and are not', () => {
    const found = errors((stack) => ({
      maxZones: 0,
      flowLogs: false,
      flowLogGroup: logs.LogGroup.fromLogGroupName(stack, 'Logs', 'flows'),
    }));
    assert.match(found.join('\n'), /maxZones: got 0, allowed is a whole number from 1 to 6/);
    assert.match(found.join('\n'), /flowLogs and flowLogGroup/);
  });

  for (const [what, value] of [
    ['a parameter', (stack: Stack) => tokenNumber(stack)],
    ['a lazy number', () => lazyNumber(2)],
  ] as const) {
    it(`says that ${what} cannot be the number of zones`, () => {
      const [error, ...others] = errors((stack) => ({ maxZones: value(stack) }));
      assert.match(error ?? '', /maxZones: got a value that is known at deployment only/);
      assert.deepEqual(others, []);
    });
  }
});
