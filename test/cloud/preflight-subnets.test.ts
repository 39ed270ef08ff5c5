import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { awsError } from '../support/aws/fake-clients';
import { type Case, INTERNET, NAT, preflight, routeTable, SUBNETS, tells } from './preflight-world';

const closed = {
  DescribeRouteTablesCommand: {
    RouteTables: [INTERNET, routeTable(['subnet-c'], { DestinationCidrBlock: '10.1.0.0/16' })],
  },
};
const SERVICES = [
  'autoscaling',
  'cloudformation',
  'ec2',
  'logs',
  's3',
  'secretsmanager',
  'sqs',
  'ssm',
];
const endpoints = (State: string) => ({
  DescribeVpcEndpointsCommand: {
    VpcEndpoints: SERVICES.map((name) => ({
      ServiceName: `com.amazonaws.eu-west-1.${name}`,
      State,
    })),
  },
});

const CASES: readonly Case[] = [
  {
    name: 'a subnet that is not there',
    question: { subnets: ['subnet-a', 'subnet-b', 'subnet-x'] },
    check: 'Media Node subnets',
    found: /no subnet-x$/,
    todo: /describe-subnets/,
  },
  {
    name: 'Media Nodes behind NAT',
    question: { subnets: ['subnet-a', 'subnet-b', 'subnet-c'] },
    check: 'Media Node subnets',
    found: /^subnet-c is not public: .* a NAT gateway$/,
    todo: /internet gateway/,
  },
  {
    name: 'Media Nodes without a route out',
    question: {
      subnets: ['subnet-a', 'subnet-b', 'subnet-c'],
      masters: 1,
      masterSubnets: ['subnet-a'],
    },
    answers: closed,
    check: 'Media Node subnets',
    found: /^subnet-c is not public: it has no route for 0\.0\.0\.0\/0$/,
    todo: /internet gateway/,
  },
  {
    name: 'Media Nodes whose way out leads elsewhere',
    question: { subnets: ['subnet-a', 'subnet-b', 'subnet-d'] },
    answers: {
      DescribeRouteTablesCommand: {
        RouteTables: [INTERNET, routeTable(['subnet-d'], { TransitGatewayId: 'tgw-1' })],
      },
    },
    check: 'Media Node subnets',
    found: /^subnet-d is not public: .* no internet gateway$/,
    todo: /internet gateway/,
  },
  {
    name: 'too few addresses in the subnets',
    answers: {
      DescribeSubnetsCommand: {
        Subnets: [
          { ...SUBNETS.a, AvailableIpAddressCount: 2 },
          { ...SUBNETS.b, AvailableIpAddressCount: 1 },
          SUBNETS.c,
          SUBNETS.d,
        ],
      },
    },
    check: 'Media Node subnets',
    found: /^3 addresses are free, and 4 are needed/,
    todo: /Add subnets/,
  },
  {
    name: 'Media Nodes in one zone',
    question: { subnets: ['subnet-a'] },
    check: 'Media Node subnets',
    status: 'warning',
    found: /^all in eu-west-1a$/,
    todo: /another zone/,
  },
  {
    name: 'Master Nodes of which a subnet is not there',
    question: { masterSubnets: ['subnet-c', 'subnet-d', 'subnet-y'] },
    check: 'Master Node subnets',
    found: /no subnet-y$/,
    todo: /describe-subnets/,
  },
  {
    name: 'Master Nodes in one zone',
    question: { masterSubnets: ['subnet-c'] },
    check: 'Master Node subnets',
    status: 'warning',
    found: /^all in eu-west-1a$/,
    todo: /nobody can join/,
  },
  {
    name: 'Master Nodes whose NAT gateway is gone',
    question: { masters: 1, masterSubnets: ['subnet-c'] },
    answers: {
      DescribeRouteTablesCommand: {
        RouteTables: [
          INTERNET,
          routeTable(['subnet-c'], { NatGatewayId: 'nat-1', State: 'blackhole' }),
        ],
      },
    },
    check: 'Master Node subnets',
    found: /^subnet-c has no way out: .* a gateway that is gone$/,
    todo: /new NAT gateway/,
  },
  {
    name: 'Master Nodes with no way out and no endpoints',
    question: { masters: 1, masterSubnets: ['subnet-c'] },
    answers: { ...closed, ...endpoints('pending') },
    check: 'Master Node subnets',
    found: /no endpoints for autoscaling, cloudformation, ec2, logs, s3, secretsmanager, sqs, ssm$/,
    todo: /NAT gateway \(33 USD.*endpoints \(7 USD/,
  },
  {
    name: 'Master Nodes with no way out but endpoints',
    question: { masters: 1, masterSubnets: ['subnet-c'] },
    answers: { ...closed, ...endpoints('available') },
    check: 'Master Node subnets',
    status: 'warning',
    found: /no way out, but endpoints$/,
    todo: /baked\(\)/,
  },
  {
    name: 'subnets of two VPCs',
    answers: {
      DescribeSubnetsCommand: {
        Subnets: [SUBNETS.a, { ...SUBNETS.b, VpcId: 'vpc-2' }, SUBNETS.c, SUBNETS.d],
      },
      DescribeRouteTablesCommand: {
        RouteTables: [INTERNET, { ...INTERNET, VpcId: 'vpc-2' }, NAT],
      },
    },
    check: 'VPC',
    found: /^the subnets are of vpc-1, vpc-2$/,
    todo: /in one VPC/,
  },
];

describe('sluice preflight aws tells of', () => {
  for (const one of CASES) it(one.name, () => tells(one));
});

describe('sluice preflight aws', () => {
  it('does not know of endpoints where AWS does not say', async () => {
    const { findings } = await preflight({
      question: { masters: 1, masterSubnets: ['subnet-c'] },
      answers: { ...closed, DescribeVpcEndpointsCommand: awsError('UnauthorizedOperation') },
    });
    const one = findings.find(({ check }) => check === 'Master Node subnets');
    assert.equal(one?.status, 'unchecked');
    assert.match(one?.todo ?? '', /DescribeVpcEndpoints/);
  });
});
