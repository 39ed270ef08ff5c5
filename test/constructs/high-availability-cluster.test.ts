import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CfnParameter, Fn, type Stack } from 'aws-cdk-lib';
import { Match } from 'aws-cdk-lib/assertions';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as sm from 'aws-cdk-lib/aws-secretsmanager';
import { parse } from 'yaml';
import { ClusterEntry } from '../../constructs/cluster-entry';
import { Domain } from '../../constructs/domain';
import {
  HighAvailabilityCluster,
  type HighAvailabilityClusterProps,
} from '../../constructs/high-availability-cluster';
import { Network } from '../../constructs/network';
import { Turn } from '../../constructs/turn';
import { bootFileIn, configurations, userData } from './support/deployed';
import type { TemplateJson } from './support/golden';
import { broken } from './support/invariants';
import { anyStack, envStack, errorsOf, templateOf, tokenNumber } from './support/stacks';

const ARN =
  'arn:aws:acm:eu-central-1:111122223333:certificate/11111111-2222-3333-4444-555555555555';

function certified(stack: Stack): Domain {
  const certificate = acm.Certificate.fromCertificateArn(stack, 'Certificate', ARN);
  return Domain.certificate('meet.example.com', certificate);
}

function define(stack: Stack, props: Partial<HighAvailabilityClusterProps> = {}) {
  return new HighAvailabilityCluster(stack, 'Meet', { domain: certified(stack), ...props });
}

/** What each kind of machine fetches, by its purpose. */
const secretsOnMachines = (template: TemplateJson): string[][] =>
  userData(template).map(([, text]) => Object.keys(JSON.parse(bootFileIn(text)).secrets).sort());

const jsonOf = (stack: Stack) => templateOf(stack).toJSON() as TemplateJson;

describe('with nothing but a domain, in a stack of no account', () => {
  const stack = anyStack();
  const cluster = define(stack);
  const template = templateOf(stack);

  test('there are no errors, and every rule is kept', () => {
    assert.deepEqual(errorsOf(stack), []);
    assert.deepEqual(broken(template.toJSON() as TemplateJson), []);
  });

  test('it stretches over the two zones that every region has', () => {
    template.resourceCountIs('AWS::EC2::Subnet', 4);
    template.resourceCountIs('AWS::EC2::NatGateway', 0);
  });

  test('3 Master Nodes are kept, and 1 to 4 Media Nodes', () => {
    template.hasResourceProperties('AWS::AutoScaling::AutoScalingGroup', {
      MinSize: '3',
      MaxSize: '3',
    });
    template.hasResourceProperties('AWS::AutoScaling::AutoScalingGroup', {
      MinSize: '1',
      MaxSize: '4',
      NewInstancesProtectedFromScaleIn: true,
    });
  });

  test('Redis lets in the nodes of the cluster, and nobody else', () => {
    const rules = Object.values(template.findResources('AWS::EC2::SecurityGroupIngress')).filter(
      ({ Properties }) => Properties.FromPort === 6379,
    );
    assert.deepEqual(rules.map(({ Properties }) => Properties.Description).sort(), [
      'Master Nodes',
      'Media Nodes',
    ]);
  });

  test('machines may read the secrets they need, each', () => {
    template.resourceCountIs('AWS::SecretsManager::Secret', 3);
    for (const secrets of secretsOnMachines(template.toJSON() as TemplateJson)) {
      assert.deepEqual(secrets, ['api_key', 'cluster', 'redis']);
    }
  });

  test('Master Nodes are told to take clients from the load balancer', () => {
    const boots = userData(template.toJSON() as TemplateJson).map(([, text]) =>
      JSON.parse(bootFileIn(text)),
    );
    assert.deepEqual(boots.find(({ role }) => role === 'master').entry, {
      tls: false,
      port: 7443,
      redirect: false,
      proxy_protocol: true,
      health_port: 7444,
    });
    assert.equal(boots.find(({ role }) => role === 'media').entry, undefined);
  });

  test('it says where it is', () => {
    assert.equal(cluster.url, 'https://meet.example.com');
    assert.equal(cluster.domainName, 'meet.example.com');
    assert.equal(cluster.connections.securityGroups.length, 1);
    assert.ok(cluster.node.findAll().includes(cluster.mediaNodes.autoScalingGroup));
  });
});

test('in a stack that knows its zones it stretches over three', () => {
  const stack = envStack();
  define(stack);
  templateOf(stack).resourceCountIs('AWS::EC2::Subnet', 6);
});

test('there may be 4 Master Nodes', () => {
  const stack = anyStack();
  define(stack, { masterNodes: { count: 4 } });
  templateOf(stack).hasResourceProperties('AWS::AutoScaling::AutoScalingGroup', { MinSize: '4' });
  assert.deepEqual(errorsOf(stack), []);
});

test('numbers that are known at deployment only trip no check', () => {
  const stack = anyStack();
  define(stack, {
    masterNodes: { count: tokenNumber(stack, 'Masters') },
    mediaNodes: {
      minCapacity: tokenNumber(stack, 'Min'),
      maxCapacity: tokenNumber(stack, 'Max'),
      initialCapacity: tokenNumber(stack, 'Initial'),
      scaling: {
        targetLoad: tokenNumber(stack, 'Load'),
        headroomRooms: tokenNumber(stack, 'Rooms'),
      },
    },
  });
  assert.deepEqual(errorsOf(stack), []);
  templateOf(stack).hasResourceProperties('AWS::AutoScaling::AutoScalingGroup', {
    MinSize: { Ref: 'Min' },
    MaxSize: { Ref: 'Max' },
  });
});

test('a VPC whose id and subnets are parameters will do', () => {
  const stack = anyStack();
  const list = (name: string, type: string) => new CfnParameter(stack, name, { type }).valueAsList;
  const subnets = list('Subnets', 'List<AWS::EC2::Subnet::Id>');
  const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Given', {
    vpcId: new CfnParameter(stack, 'VpcId', { type: 'AWS::EC2::VPC::Id' }).valueAsString,
    vpcCidrBlock: '10.0.0.0/16',
    availabilityZones: [0, 1].map((i) => Fn.select(i, Fn.getAzs())),
    publicSubnetIds: [0, 1].map((i) => Fn.select(i, subnets)),
  });
  define(stack, { vpc });
  assert.deepEqual(errorsOf(stack), []);
  templateOf(stack).resourceCountIs('AWS::EC2::VPC', 0);
});

describe('what contradicts is told, all at once', () => {
  const stack = anyStack();
  const vpc = new ec2.Vpc(stack, 'Vpc');
  define(stack, {
    vpc,
    network: new Network(stack, 'Network', { vpc }),
    masterNodes: { count: 1 },
    mediaNodes: { minCapacity: 5, maxCapacity: 2 },
  });
  const errors = errorsOf(stack);

  test('two networks', () => {
    assert.ok(
      errors.some((error) => /vpc and network: got both/.test(error)),
      errors.join('\n'),
    );
  });
  test('one Master Node', () => {
    assert.ok(
      errors.some((error) => /masterNodes\.count: got 1, allowed is 2 or more/.test(error)),
    );
  });
  test('more Media Nodes at least than at most', () => {
    assert.ok(
      errors.some((error) => /minCapacity 5, maxCapacity 2/.test(error)),
      errors.join('\n'),
    );
  });
});

test('clients cannot come in to several Master Nodes themselves', () => {
  const stack = anyStack();
  assert.throws(
    () => define(stack, { entry: ClusterEntry.onMasterNode(), domain: Domain.none() }),
    /entry: got ClusterEntry.onMasterNode\(\), allowed is a load balancer/,
  );
});

test('a certificate that only a machine can have is refused with the way out', () => {
  const stack = anyStack();
  define(stack, { domain: Domain.letsEncrypt('meet.example.com') });
  assert.match(errorsOf(stack).join('\n'), /Domain.route53\(\) or Domain.certificate\(\)/);
});

test('its size by parameters is in no launch template: a resized cluster is not rolled', () => {
  const stack = anyStack();
  define(stack, {
    mediaNodes: {
      minCapacity: tokenNumber(stack, 'Min'),
      maxCapacity: tokenNumber(stack, 'Max'),
      scaling: {
        targetLoad: tokenNumber(stack, 'Load'),
        headroomRooms: tokenNumber(stack, 'Rooms'),
      },
    },
  });
  const templates = Object.values(jsonOf(stack).Resources).filter(
    ({ Type }) => Type === 'AWS::EC2::LaunchTemplate',
  );
  assert.equal(templates.length, 2);
  for (const name of ['Min', 'Max', 'Load', 'Rooms']) {
    assert.ok(!JSON.stringify(templates).includes(`{"Ref":"${name}"}`), name);
  }
});

test('the secret of TURN servers that exist is for the Media Nodes, which tell clients of them', () => {
  const stack = anyStack();
  const shared = sm.Secret.fromSecretNameV2(stack, 'Shared', 'turn');
  define(stack, { turn: Turn.existing([{ host: 'turn.example.com' }], shared) });
  assert.deepEqual(errorsOf(stack), []);
  templateOf(stack).resourceCountIs('AWS::SecretsManager::Secret', 3);
  const found = secretsOnMachines(jsonOf(stack));
  assert.deepEqual(found.filter((secrets) => secrets.includes('turn')).length, 1);
});

describe('TURN/TLS', () => {
  const turnOf = (stack: Stack) =>
    Object.fromEntries(
      configurations(jsonOf(stack)).map(([id, text]) => [
        id.includes('Master') ? 'masters' : 'mediaNodes',
        (parse(text) as { turn?: Record<string, unknown> }).turn,
      ]),
    );
  const letInToTurn = (stack: Stack) =>
    templateOf(stack).findResources('AWS::EC2::SecurityGroupIngress', {
      Properties: { IpProtocol: 'tcp', FromPort: 3478, ToPort: 3478 },
    });

  test('is passed on by Master Nodes, which Media Nodes let in', () => {
    const stack = anyStack();
    define(stack);
    const { masters, mediaNodes } = turnOf(stack);
    const name = { enabled: true, tls_port: 443, external_tls: true, domain: 'meet.example.com' };
    assert.deepEqual(masters, name);
    assert.deepEqual(mediaNodes, { ...name, udp_port: 3478 });
    const [rule, ...others] = Object.values(letInToTurn(stack));
    assert.deepEqual(others, []);
    assert.match(JSON.stringify(rule?.['Properties'].SourceSecurityGroupId), /MasterNodes/);
    assert.match(JSON.stringify(rule?.['Properties'].GroupId), /MediaNodes/);
  });

  for (const [name, props] of Object.entries<Partial<HighAvailabilityClusterProps>>({
    'it is not wanted': { turn: Turn.onMediaNodes({ tls: false }) },
    'there is no TLS': { domain: Domain.none() },
    'there is no TURN': { turn: Turn.none() },
  })) {
    test(`is left out where ${name}`, () => {
      const stack = anyStack();
      define(stack, props);
      const { masters, mediaNodes } = turnOf(stack);
      assert.equal(masters, undefined);
      assert.equal(mediaNodes?.['domain'], undefined);
      assert.deepEqual(letInToTurn(stack), {});
    });
  }
});

test('another load or headroom changes the group alone: machines are told by its tags', () => {
  const withScaling = (targetLoad: number, headroomRooms: number) => {
    const stack = anyStack();
    define(stack, { mediaNodes: { scaling: { targetLoad, headroomRooms } } });
    return jsonOf(stack).Resources;
  };
  const before = withScaling(0.6, 2);
  const after = withScaling(0.5, 9);
  const changed = Object.keys(before).filter(
    (id) => JSON.stringify(before[id]) !== JSON.stringify(after[id]),
  );
  assert.deepEqual(
    changed.map((id) => before[id]?.Type),
    ['AWS::AutoScaling::AutoScalingGroup'],
  );
});

test('a cluster of another stack gives its key', () => {
  const stack = anyStack();
  const cluster = HighAvailabilityCluster.fromHighAvailabilityClusterAttributes(stack, 'Other', {
    url: 'https://meet.example.com',
    apiKey: sm.Secret.fromSecretNameV2(stack, 'ApiKey', 'meet/api-key'),
  });
  const role = new iam.Role(stack, 'Role', {
    assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com'),
  });
  cluster.grantApiKey(role);
  assert.equal(cluster.domainName, 'meet.example.com');
  templateOf(stack).hasResourceProperties('AWS::IAM::Policy', {
    PolicyDocument: {
      Statement: [Match.objectLike({ Action: Match.arrayWith(['secretsmanager:GetSecretValue']) })],
    },
  });
});
