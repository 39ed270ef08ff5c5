import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { AwsLab } from '../support/aws-lab/aws-lab';
import { changed, createStack, groupTemplate, type Template } from '../support/aws-lab/templates';

let lab: AwsLab;
let made = 0;

before(async () => {
  lab = await AwsLab.start();
});
after(() => lab.close());

const good = groupTemplate();
const network = { Vpc: good.Resources['Vpc'] ?? {}, SubnetA: good.Resources['SubnetA'] ?? {} };
const certificate = {
  Type: 'AWS::CertificateManager::Certificate',
  Properties: { DomainName: 'sample.example.com', ValidationMethod: 'DNS' },
};

/** The good template, with this beside. */
const beside = (resources: Template['Resources']): Template => ({
  ...good,
  Resources: { ...good.Resources, ...resources },
});

function withHook(hook: Readonly<Record<string, unknown>>): Template {
  return groupTemplate({}, hook);
}

function entry(listener: object, targets: object = {}): Template {
  const given = {
    VpcId: { Ref: 'Vpc' },
    Port: 7880,
    Protocol: 'TCP',
    TargetType: 'instance',
    ...targets,
  };
  return {
    Resources: {
      ...network,
      Gateway: { Type: 'AWS::EC2::InternetGateway' },
      Entry: {
        Type: 'AWS::ElasticLoadBalancingV2::LoadBalancer',
        Properties: { Type: 'network', Subnets: [{ Ref: 'SubnetA' }] },
      },
      Targets: { Type: 'AWS::ElasticLoadBalancingV2::TargetGroup', Properties: given },
      Certificate: certificate,
      Listener: {
        Type: 'AWS::ElasticLoadBalancingV2::Listener',
        Properties: {
          LoadBalancerArn: { Ref: 'Entry' },
          Port: 443,
          Protocol: 'TLS',
          SslPolicy: 'ELBSecurityPolicy-TLS13-1-2-2021-06',
          Certificates: [{ CertificateArn: { Ref: 'Certificate' } }],
          DefaultActions: [{ Type: 'forward', TargetGroupArn: { Ref: 'Targets' } }],
          ...listener,
        },
      },
    },
  };
}

function redis(properties: object): Template {
  return {
    Resources: {
      Redis: {
        Type: 'AWS::ElastiCache::ReplicationGroup',
        Properties: {
          ReplicationGroupDescription: 'for a test',
          Engine: 'valkey',
          CacheNodeType: 'cache.t4g.small',
          NumCacheClusters: 2,
          AutomaticFailoverEnabled: true,
          MultiAZEnabled: true,
          ...properties,
        },
      },
    },
  };
}

const secret = (properties: object): Template => ({
  Resources: { Secret: { Type: 'AWS::SecretsManager::Secret', Properties: properties } },
});

const launch = (data: object): Template =>
  changed(good, 'Template', {
    LaunchTemplateData: { ImageId: 'ami-0deb1a12a5d640001', InstanceType: 'c7i.large', ...data },
  });

const RIGHT: Readonly<Record<string, Template>> = {
  'a group with a hook': good,
  'a Network Load Balancer with TLS': entry({}),
  'a replicated cache': redis({}),
  'a generated secret': secret({ GenerateSecretString: { PasswordLength: 43 } }),
};

/** What is wrong, the template, and what has to be said of it. */
const WRONG: readonly (readonly [string, Template, RegExp])[] = [
  ['a type that AWS does not have', beside({ X: { Type: 'AWS::EC2::Server' } }), /Unrecognized/],
  ['an unknown property', changed(good, 'Group', { MinimumSize: '1' }), /MinimumSize/],
  ['a missing property', changed(good, 'Group', { MaxSize: undefined }), /MaxSize/],
  ['a reference to nothing', changed(good, 'Group', { Context: { Ref: 'No' } }), /No/],
  [
    'an attribute that the type does not have',
    changed(good, 'Group', { Context: { 'Fn::GetAtt': ['Vpc', 'Name'] } }),
    /does not support attribute type Name/,
  ],
  [
    'resources that need each other',
    beside({
      A: { Type: 'AWS::EC2::InternetGateway', DependsOn: 'B' },
      B: { Type: 'AWS::EC2::InternetGateway', DependsOn: 'A' },
    }),
    /[Cc]ircular/,
  ],
  ['a minimum above the maximum', groupTemplate({ MinSize: '5' }), /less than or equal to max/],
  ['a wanted size above the maximum', groupTemplate({ DesiredCapacity: '9' }), /between/],
  ['no launch template', changed(good, 'Group', { LaunchTemplate: undefined }), /LaunchTemplate/],
  ['a heartbeat time-out of 10 s', withHook({ HeartbeatTimeout: 10 }), /30 to 7200/],
  ['a heartbeat time-out of 3 h', withHook({ HeartbeatTimeout: 10_800 }), /30 to 7200/],
  ['a default result RETAIN', withHook({ DefaultResult: 'RETAIN' }), /RETAIN/],
  ['a transition STOPPING', withHook({ LifecycleTransition: 'STOPPING' }), /STOPPING/],
  ['a subnet outside the VPC', changed(good, 'SubnetA', { CidrBlock: '10.9.0.0/24' }), /10\.9/],
  ['a zone of another region', changed(good, 'SubnetA', { AvailabilityZone: 'us-east-1a' }), /us-/],
  ['an instance type that there is not', launch({ InstanceType: 'c7i.huge' }), /c7i\.huge/],
  ['a security group that there is not', launch({ SecurityGroupIds: ['sg-0'] }), /sg-0/],
  ['user data that is not base64', launch({ UserData: '#!/bin/sh' }), /[Bb]ase64|user data/],
  ['user data above 16 KiB', launch({ UserData: 'QUFB'.repeat(6_000) }), /16384/],
  ['an HTTP listener at a Network Load Balancer', entry({ Protocol: 'HTTP' }), /HTTP/],
  ['a TLS listener without certificate', entry({ Certificates: [] }), /certificate/i],
  ['a TLS policy that there is not', entry({ SslPolicy: 'Modern-2024' }), /Modern-2024/],
  ['TLS handed to a UDP group', entry({}, { Protocol: 'UDP' }), /UDP/],
  ['a health check by UDP', entry({}, { HealthCheckProtocol: 'UDP' }), /UDP/],
  [
    'a target group with a name of 40 characters',
    entry({}, { Name: 'a'.repeat(40) }),
    /32|length|long/,
  ],
  ['fail-over of a single cache', redis({ NumCacheClusters: 1 }), /at least one replica/],
  ['a cache node type without "cache."', redis({ CacheNodeType: 't4g.small' }), /t4g\.small/],
  ['a cache engine that there is not', redis({ Engine: 'keydb' }), /keydb/],
  [
    'a secret of 5000 characters',
    secret({ GenerateSecretString: { PasswordLength: 5000 } }),
    /5000|4096/,
  ],
  [
    'a key for a secret without a template',
    secret({ GenerateSecretString: { GenerateStringKey: 'key' } }),
    /together/,
  ],
  [
    'a parameter above 4 KiB',
    {
      Resources: {
        Config: {
          Type: 'AWS::SSM::Parameter',
          Properties: { Type: 'String', Value: 'a'.repeat(5000) },
        },
      },
    },
    /4096/,
  ],
  [
    'a parameter that has no value',
    { ...good, Parameters: { Size: { Type: 'Number' } } },
    /must have values/,
  ],
  [
    'a parameter beyond its bounds',
    { ...good, Parameters: { Size: { Type: 'Number', Default: 9, MaxValue: 4 } } },
    /from any to 4/,
  ],
  [
    'an image parameter that there is not',
    {
      ...good,
      Parameters: {
        Image: {
          Type: 'AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>',
          Default: '/aws/service/debian/release/99/latest/amd64',
        },
      },
    },
    /Unable to fetch parameters/,
  ],
  [
    'a rule that does not hold',
    {
      ...good,
      Rules: {
        Sizes: {
          Assertions: [{ Assert: { 'Fn::Equals': ['1', '2'] }, AssertDescription: 'one is two' }],
        },
      },
    },
    /one is two/,
  ],
];

for (const [what, template] of Object.entries(RIGHT)) {
  test(`${what} is made`, async () => {
    const { status, reasons } = await createStack(lab, `Right${made++}`, template);
    assert.equal(status, 'CREATE_COMPLETE', reasons.join('\n'));
  });
}

for (const [what, template, said] of WRONG) {
  test(`${what} is refused, and nothing of it stays`, async () => {
    const name = `Wrong${made++}`;
    const { status, reasons } = await createStack(lab, name, template);
    assert.match(status, /^(refused|ROLLBACK_COMPLETE)$/, reasons.join('\n'));
    assert.match(reasons.join('\n'), said);
    if (status !== 'refused') assert.deepEqual(await lab.resources(name), []);
  });
}
