import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { awsError } from '../support/aws/fake-clients';
import { bad } from './preflight-cases';
import { type Case, preflight, quotas, tells } from './preflight-world';

const machine = (InstanceType: string, CoreCount: number, InstanceLifecycle?: string) => ({
  InstanceType,
  CpuOptions: { CoreCount, ThreadsPerCore: 2 },
  ...(InstanceLifecycle === undefined ? {} : { InstanceLifecycle }),
});
const running = (...Instances: readonly object[]) => ({
  DescribeInstancesCommand: { Reservations: [{ Instances }] },
});
const limit = (value: number) => ({
  GetServiceQuotaCommand: quotas({ 'L-1216C47A': value, 'L-34B43A08': value, 'L-0263D0A3': value }),
});
/** Only in these zones there is the type, all others are everywhere. */
const offered = (only: string, zones: readonly string[]) => ({
  DescribeInstanceTypeOfferingsCommand: {
    InstanceTypeOfferings: ['c7i.large', 'c7i.xlarge', 'c6i.2xlarge'].flatMap((InstanceType) =>
      (InstanceType === only ? zones : ['eu-west-1a', 'eu-west-1b', 'eu-west-1c']).map(
        (Location) => ({ InstanceType, Location }),
      ),
    ),
  },
});
const ofVpc = { subnets: [], masterSubnets: [] };
const CASES: readonly Case[] = [
  {
    name: 'too few vCPUs for the size',
    answers: { ...limit(20), DescribeAddressesCommand: { Addresses: [] } },
    check: 'vCPUs, on demand',
    found: /^22 needed at most, the quota is 20, 0 in use$/,
    todo: /Ask for 22 of "Running On-Demand Standard .*--quota-code L-1216C47A --desired-value 22.*--max-media-nodes/,
  },
  {
    name: 'too few vCPUs next to what runs already, spot and other families aside',
    answers: {
      ...limit(32),
      ...running(
        machine('m7i.2xlarge', 4),
        machine('t3.large', 2),
        machine('c7i.xlarge', 50, 'spot'),
        machine('g5.xlarge', 50),
        machine('inf2.xlarge', 50),
      ),
    },
    check: 'vCPUs, on demand',
    found: /^22 needed at most, the quota is 32, 12 in use$/,
    todo: /--desired-value 34/,
  },
  {
    name: 'too few vCPUs of spot',
    question: { spot: true },
    answers: {
      GetServiceQuotaCommand: quotas({ 'L-1216C47A': 6, 'L-34B43A08': 15, 'L-0263D0A3': 5 }),
    },
    check: 'vCPUs, spot',
    found: /^16 needed at most, the quota is 15/,
    todo: /L-34B43A08/,
  },
  {
    name: 'too few vCPUs where AWS takes the largest alternative',
    question: { instanceTypes: ['c7i.xlarge', 'c6i.2xlarge'] },
    answers: limit(37),
    check: 'vCPUs, on demand',
    found: /^38 needed/,
    todo: /--desired-value 38/,
  },
  {
    name: 'too few vCPUs by the quota that all accounts have',
    answers: {
      GetServiceQuotaCommand: quotas({ 'L-0263D0A3': 5 }),
      GetAWSDefaultServiceQuotaCommand: { Quota: { Value: 5 } },
    },
    check: 'vCPUs, on demand',
    found: /the quota is 5,/,
    todo: /Ask for 22/,
  },
  {
    name: 'too few Elastic IP addresses',
    question: { staticAddresses: 4 },
    answers: { DescribeAddressesCommand: { Addresses: [{}, {}] } },
    check: 'Elastic IP addresses',
    found: /^4 needed, the quota is 5, 2 taken$/,
    todo: /--quota-code L-0263D0A3 --desired-value 6.*release-address/,
  },
  {
    name: 'a type that the region does not have',
    question: { instanceTypes: ['c7i.xlarge', 'c9z.xlarge'] },
    check: 'Media Node types',
    found: /^the region has no c9z\.xlarge$/,
    todo: /another type, or another region/,
  },
  {
    name: 'a Master Node of a type that the region does not have',
    question: { masterInstanceType: 'c9z.large' },
    check: 'Master Node type',
    found: /no c9z\.large/,
    todo: /another type/,
  },
  {
    name: 'types of different processors',
    question: { instanceTypes: ['c7i.xlarge', 'c7g.xlarge'] },
    check: 'Media Node types',
    found: /c7i\.xlarge, c7g\.xlarge have no processor in common/,
    todo: /x86_64 .* or arm64/,
  },
  {
    name: 'a type that a zone of the subnets does not have',
    answers: offered('c7i.xlarge', ['eu-west-1a']),
    check: 'Media Node types',
    found: /^c7i\.xlarge: not in eu-west-1b$/,
    todo: /Leave out the subnets of that zone.*alternativeInstanceTypes/,
  },
  {
    name: 'a type that one of the first two zones does not have',
    question: ofVpc,
    answers: offered('c7i.xlarge', ['eu-west-1a', 'eu-west-1c']),
    check: 'Media Node types',
    found: /not in eu-west-1b$/,
    todo: /takes the first two zones/,
  },
  {
    name: 'a burstable type',
    question: { instanceTypes: ['t3.xlarge'] },
    check: 'Media Node types',
    status: 'warning',
    found: /t3\.xlarge earns its CPU/,
    todo: /compute-optimized/,
  },
];

describe('sluice preflight aws tells of', () => {
  for (const one of CASES) {
    it(one.name, () => tells(one));
  }
});

describe('sluice preflight aws', () => {
  it('takes as much as the quotas allow exactly', async () => {
    const question = { masterSubnets: [], staticAddresses: 5 };
    const report = await preflight({
      question,
      answers: {
        GetServiceQuotaCommand: quotas({ 'L-1216C47A': 34, 'L-0263D0A3': 5 }),
        ...running(machine('m7i.2xlarge', 4), machine('t3.large', 2)),
      },
    });
    assert.deepEqual(bad(report), []);
  });

  it('asks for no quota of what is not needed', async () => {
    const { findings } = await preflight({
      question: { masters: 0, maxMediaNodes: 1, spot: true, staticAddresses: 0, ...ofVpc },
      answers: limit(4),
    });
    const titles = findings.map(({ check }) => check);
    assert.ok(titles.includes('vCPUs, spot'));
    assert.ok(!titles.includes('vCPUs, on demand'));
    assert.ok(!titles.includes('Master Node type'));
    assert.deepEqual(
      findings.find(({ check }) => check === 'Elastic IP addresses'),
      { check: 'Elastic IP addresses', status: 'ok', found: 'none are needed' },
    );
  });

  it('says of families with quotas of their own where to look', async () => {
    const { findings } = await preflight({ question: { instanceTypes: ['g5.xlarge'] } });
    const one = findings.find(({ check }) => check === 'vCPUs');
    assert.equal(one?.status, 'unchecked');
    assert.match(one?.found ?? '', /^g5\.xlarge has a quota of its own$/);
  });

  it('takes a zone that has one of the alternatives', async () => {
    const report = await preflight({
      question: { instanceTypes: ['c7i.xlarge', 'c6i.2xlarge'], masterSubnets: [] },
      answers: offered('c7i.xlarge', ['eu-west-1a']),
    });
    assert.deepEqual(bad(report), []);
  });

  it('says that it does not know where AWS does not say', async () => {
    const answers = Object.fromEntries(
      [
        'DescribeInstanceTypes',
        'DescribeSubnets',
        'GetServiceQuota',
        'DescribeAvailabilityZones',
      ].map((name) => [`${name}Command`, awsError('UnauthorizedOperation', 'not you')]),
    );
    const report = await preflight({ answers });
    assert.deepEqual(bad(report), []);
    for (const [check, permission] of [
      ['Media Node types', /ec2:DescribeInstanceTypes/],
      ['Media Node subnets', /ec2:DescribeSubnets/],
      ['vCPUs', /instance types first/],
      ['Elastic IP addresses', /servicequotas:GetServiceQuota/],
    ] as const) {
      const one = report.findings.find((each) => each.check === check);
      assert.equal(one?.status, 'unchecked', check);
      assert.match(one?.todo ?? '', permission);
    }
  });

  it('judges the zones of nothing where the subnets are not there', async () => {
    const { findings } = await preflight({
      question: { subnets: ['subnet-x'], masterSubnets: [] },
    });
    assert.equal(findings.find(({ check }) => check === 'Media Node types')?.status, 'unchecked');
    assert.equal(findings.find(({ check }) => check === 'Media Node subnets')?.status, 'failed');
  });

  it('does not know the zones of a VPC to be where AWS does not say them', async () => {
    const { findings } = await preflight({
      question: ofVpc,
      answers: { DescribeAvailabilityZonesCommand: awsError('UnauthorizedOperation') },
    });
    const one = findings.find(({ check }) => check === 'Media Node types');
    assert.equal(one?.status, 'unchecked');
    assert.match(one?.todo ?? '', /ec2:DescribeAvailabilityZones/);
  });

  it('judges vCPUs as far as AWS says', async () => {
    const { findings } = await preflight({
      answers: {
        DescribeInstancesCommand: awsError('UnauthorizedOperation'),
        DescribeAddressesCommand: awsError('TimeoutError', ''),
      },
    });
    const of = (check: string) => findings.find((each) => each.check === check);
    assert.match(of('vCPUs, on demand')?.found ?? '', /an unknown number in use$/);
    assert.equal(of('Elastic IP addresses')?.status, 'unchecked');
    assert.match(of('Elastic IP addresses')?.todo ?? '', /reaches AWS, and try again/);
  });
});
