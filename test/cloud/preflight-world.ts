import {
  type PreflightQuestion,
  QUESTION_DEFAULTS,
} from '../../node-image/cloud/aws/preflight/question';
import {
  type PreflightReport,
  runPreflight,
} from '../../node-image/cloud/aws/preflight/run-preflight';
import { awsError, type FakeAnswers, fakeClients } from '../support/aws/fake-clients';
import { assertTold, type Told } from './preflight-cases';

export const ACCOUNT = '123456789012';
const HERE = `eu-west-1:${ACCOUNT}`;
export const CERTIFICATE = `arn:aws:acm:${HERE}:certificate/1`;
export const KEY = `arn:aws:kms:${HERE}:key/1`;
export const BALANCER = `arn:aws:elasticloadbalancing:${HERE}:loadbalancer/net/meet/1`;
export const GROUP_ROLE = `arn:aws:iam::${ACCOUNT}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling`;
const NAME_SERVERS = ['ns-1.awsdns-01.org', 'ns-2.awsdns-02.com'];

/** All that there is to ask of, and all of it in order. */
export const QUESTION: PreflightQuestion = {
  domain: 'meet.example.com',
  zone: 'Z1',
  certificate: CERTIFICATE,
  instanceTypes: [QUESTION_DEFAULTS.instanceType],
  masterInstanceType: QUESTION_DEFAULTS.masterInstanceType,
  maxMediaNodes: 4,
  masters: 3,
  spot: false,
  staticAddresses: 2,
  subnets: ['subnet-a', 'subnet-b'],
  masterSubnets: ['subnet-c', 'subnet-d'],
  loadBalancer: BALANCER,
  key: KEY,
  qualifier: QUESTION_DEFAULTS.qualifier,
};

const MACHINES: Readonly<Record<string, readonly [vcpus: number, architecture: string]>> = {
  'c7i.xlarge': [4, 'x86_64'],
  'c7i.large': [2, 'x86_64'],
  'c7g.xlarge': [4, 'arm64'],
  'c6i.2xlarge': [8, 'x86_64'],
  't3.xlarge': [4, 'x86_64'],
  'g5.xlarge': [4, 'x86_64'],
};

type Input = Readonly<Record<string, unknown>>;

/** The values of the first filter. */
const filtered = ({ Filters }: Input): readonly string[] =>
  (Filters as readonly { readonly Values: readonly string[] }[])[0]?.Values ?? [];

const knownTypes = (input: Input): string[] => filtered(input).filter((name) => name in MACHINES);

const subnet = (SubnetId: string, AvailabilityZone: string, AvailableIpAddressCount = 100) => ({
  SubnetId,
  VpcId: 'vpc-1',
  AvailabilityZone,
  AvailableIpAddressCount,
});

export const SUBNETS = {
  a: subnet('subnet-a', 'eu-west-1a'),
  b: subnet('subnet-b', 'eu-west-1b'),
  c: subnet('subnet-c', 'eu-west-1a'),
  d: subnet('subnet-d', 'eu-west-1b'),
};

/** A table with a route for everything. */
export const routeTable = (ids: readonly string[], way: object) => ({
  VpcId: 'vpc-1',
  Associations: ids.map((SubnetId) => (SubnetId === '' ? { Main: true } : { SubnetId })),
  Routes: [
    { DestinationCidrBlock: '10.0.0.0/16', GatewayId: 'local' },
    { DestinationCidrBlock: '0.0.0.0/0', State: 'active', ...way },
  ],
});

export const INTERNET = routeTable([''], { GatewayId: 'igw-1' });
export const NAT = routeTable(['subnet-c', 'subnet-d'], { NatGatewayId: 'nat-1' });

export const parameters =
  (version: string | undefined, hasImages = true) =>
  ({ Name }: Input): object => {
    const isImage = String(Name).startsWith('/aws/service/debian/');
    const Value = isImage ? (hasImages ? 'ami-1' : undefined) : version;
    return Value === undefined ? awsError('ParameterNotFound') : { Parameter: { Value } };
  };

export const quotas =
  (values: Readonly<Record<string, number>>) =>
  ({ QuotaCode }: Input): object => {
    const Value = values[String(QuotaCode)];
    return Value === undefined ? awsError('NoSuchResourceException') : { Quota: { Value } };
  };

export const policy = (...statements: readonly object[]) => ({
  Policy: JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` },
        Action: 'kms:*',
        Resource: '*',
      },
      ...statements,
    ],
  }),
});

const USE = {
  Effect: 'Allow',
  Principal: { AWS: [GROUP_ROLE] },
  Action: [
    'kms:Encrypt',
    'kms:Decrypt',
    'kms:ReEncrypt*',
    'kms:GenerateDataKey*',
    'kms:DescribeKey',
  ],
  Resource: '*',
};
/** As constructs/ adds them to a key. */
export const STATEMENTS = {
  use: USE,
  pass: {
    ...USE,
    Principal: { AWS: GROUP_ROLE },
    Action: 'kms:CreateGrant',
    Condition: { Bool: { 'kms:GrantIsForAWSResource': 'true' } },
  },
};

const GOOD: FakeAnswers = {
  GetCallerIdentityCommand: {
    Account: ACCOUNT,
    Arn: `arn:aws:sts::${ACCOUNT}:assumed-role/Deployer/ada`,
  },
  GetServiceQuotaCommand: quotas({ 'L-1216C47A': 64, 'L-34B43A08': 64, 'L-0263D0A3': 5 }),
  GetAWSDefaultServiceQuotaCommand: { Quota: { Value: 5 } },
  DescribeInstancesCommand: { Reservations: [] },
  DescribeAddressesCommand: { Addresses: [] },
  DescribeInstanceTypesCommand: (input) => ({
    InstanceTypes: knownTypes(input).map((InstanceType) => ({
      InstanceType,
      VCpuInfo: { DefaultVCpus: MACHINES[InstanceType]?.[0] },
      ProcessorInfo: { SupportedArchitectures: [MACHINES[InstanceType]?.[1]] },
      BurstablePerformanceSupported: InstanceType.startsWith('t'),
    })),
  }),
  DescribeInstanceTypeOfferingsCommand: (input) => ({
    InstanceTypeOfferings: knownTypes(input).flatMap((InstanceType) =>
      ['eu-west-1a', 'eu-west-1b', 'eu-west-1c'].map((Location) => ({ InstanceType, Location })),
    ),
  }),
  DescribeAvailabilityZonesCommand: {
    AvailabilityZones: ['eu-west-1c', 'eu-west-1b', 'eu-west-1a'].map((ZoneName) => ({
      ZoneName,
      State: 'available',
    })),
  },
  DescribeSubnetsCommand: (input) => ({
    Subnets: Object.values(SUBNETS).filter(({ SubnetId }) => filtered(input).includes(SubnetId)),
  }),
  DescribeRouteTablesCommand: { RouteTables: [INTERNET, NAT] },
  DescribeVpcEndpointsCommand: { VpcEndpoints: [] },
  DescribeCertificateCommand: {
    Certificate: {
      Status: 'ISSUED',
      DomainName: 'example.com',
      SubjectAlternativeNames: ['example.com', '*.example.com'],
    },
  },
  GetHostedZoneCommand: {
    HostedZone: { Name: 'example.com.', Config: { PrivateZone: false } },
    DelegationSet: { NameServers: NAME_SERVERS },
  },
  DescribeLoadBalancersCommand: {
    LoadBalancers: [
      {
        LoadBalancerName: 'meet',
        Type: 'network',
        Scheme: 'internet-facing',
        SecurityGroups: ['sg-1'],
        State: { Code: 'active' },
      },
    ],
  },
  GetParameterCommand: parameters('21'),
  GetRoleCommand: ({ RoleName }) => ({ Role: { RoleName } }),
  GetUserCommand: ({ UserName }) => ({ User: { UserName } }),
  DescribeKeyCommand: {
    KeyMetadata: {
      Arn: KEY,
      KeyManager: 'CUSTOMER',
      KeyState: 'Enabled',
      KeySpec: 'SYMMETRIC_DEFAULT',
      KeyUsage: 'ENCRYPT_DECRYPT',
    },
  },
  GetKeyPolicyCommand: policy(STATEMENTS.use, STATEMENTS.pass),
  ListGrantsCommand: { Grants: [] },
};

export interface WorldOptions {
  /** What is asked otherwise. */
  readonly question?: Partial<PreflightQuestion>;
  /** What AWS answers otherwise. */
  readonly answers?: FakeAnswers;
  readonly resolveNs?: (name: string) => Promise<readonly string[]>;
}

export interface World extends PreflightReport {
  /** Names of the commands that were sent. */
  readonly sent: readonly string[];
}

export async function preflight(options: WorldOptions = {}): Promise<World> {
  const { question, answers, resolveNs = async () => NAME_SERVERS } = options;
  const { clients, sent } = fakeClients({ ...GOOD, ...answers });
  try {
    const report = await runPreflight({
      question: { ...QUESTION, ...question },
      clients,
      resolveNs,
    });
    return { ...report, sent };
  } finally {
    clients.close();
  }
}

/** One thing that is out of order, and how it is told. */
export interface Case extends WorldOptions, Told {}

export const tells = async (one: Case): Promise<void> => assertTold(await preflight(one), one);
