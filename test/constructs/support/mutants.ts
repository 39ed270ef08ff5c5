/** Templates that are wrong on purpose: what a check that has gone blind would let through. */
import type { TemplateJson } from './golden';

/** Who has to find it: cfn-lint, or the rules of this project (invariants.ts). */
export type Checker = 'cfn-lint' | 'rules';

export interface Mutant {
  readonly what: string;
  readonly checker: Checker;
  /** Changes a copy of the High Availability template. */
  readonly change: (template: Json) => void;
}

interface Json {
  // biome-ignore lint/suspicious/noExplicitAny: mutants reach anywhere into a template.
  [key: string]: any;
}

/** The properties of the first resource of a type. */
function first(template: Json, type: string): Json {
  const found = Object.values<Json>(template['Resources']).find((one) => one['Type'] === type);
  if (!found) throw new Error(`no ${type} in the template`);
  return found['Properties'];
}

function resource(template: Json, type: string): Json {
  const found = Object.values<Json>(template['Resources']).find((one) => one['Type'] === type);
  if (!found) throw new Error(`no ${type} in the template`);
  return found;
}

const GROUP = 'AWS::AutoScaling::AutoScalingGroup';
const TEMPLATE = 'AWS::EC2::LaunchTemplate';
const LISTENER = 'AWS::ElasticLoadBalancingV2::Listener';
const REDIS = 'AWS::ElastiCache::ReplicationGroup';

/** The group that has hooks: that of the Media Nodes. */
const mediaGroup = (template: Json): Json => {
  const found = Object.values<Json>(template['Resources']).find(
    (one) => one['Type'] === GROUP && one['Properties']['LifecycleHookSpecificationList'],
  );
  if (!found) throw new Error('no group with hooks in the template');
  return found['Properties'];
};

export const MUTANTS: readonly Mutant[] = [
  {
    what: 'a property that does not exist',
    checker: 'cfn-lint',
    change: (t) => {
      first(t, GROUP)['MinCapacity'] = '1';
    },
  },
  {
    what: 'a reference to nothing',
    checker: 'cfn-lint',
    change: (t) => {
      first(t, LISTENER)['LoadBalancerArn'] = { Ref: 'Nobody' };
    },
  },
  {
    what: 'an attribute that does not exist',
    checker: 'cfn-lint',
    change: (t) => {
      const id = Object.keys(t['Resources']).find((one) => t['Resources'][one]['Type'] === REDIS);
      first(t, 'AWS::SSM::Parameter')['Value'] = { 'Fn::GetAtt': [id, 'Endpoint'] };
    },
  },
  {
    what: 'a required property that is missing',
    checker: 'cfn-lint',
    change: (t) => {
      delete first(t, GROUP)['MaxSize'];
    },
  },
  {
    what: 'a number where there is a word',
    checker: 'cfn-lint',
    change: (t) => {
      first(t, REDIS)['NumCacheClusters'] = 'two';
    },
  },
  {
    what: 'resources that wait for each other',
    checker: 'cfn-lint',
    change: (t) => {
      const [a = '', b = ''] = Object.keys(t['Resources']);
      t['Resources'][a]['DependsOn'] = b;
      t['Resources'][b]['DependsOn'] = a;
    },
  },
  {
    what: 'an action of IAM that does not exist',
    checker: 'cfn-lint',
    change: (t) => {
      first(t, 'AWS::IAM::Policy')['PolicyDocument']['Statement'][0]['Action'] =
        'autoscaling:CompleteLifecycle';
    },
  },
  {
    what: 'an effect that is neither Allow nor Deny',
    checker: 'cfn-lint',
    change: (t) => {
      first(t, 'AWS::IAM::Policy')['PolicyDocument']['Statement'][0]['Effect'] = 'Permit';
    },
  },
  {
    what: 'addresses that are none',
    checker: 'cfn-lint',
    change: (t) => {
      first(t, 'AWS::EC2::VPC')['CidrBlock'] = '10.0.0.0/33';
    },
  },
  {
    what: 'a protocol that a listener does not know',
    checker: 'cfn-lint',
    change: (t) => {
      first(t, LISTENER)['Protocol'] = 'WSS';
    },
  },
  {
    what: 'a type that does not exist',
    checker: 'cfn-lint',
    change: (t) => {
      resource(t, 'AWS::SQS::Queue')['Type'] = 'AWS::SQS::Qeue';
    },
  },
  {
    what: 'a condition that is not defined',
    checker: 'cfn-lint',
    change: (t) => {
      resource(t, LISTENER)['Condition'] = 'Sometimes';
    },
  },
  {
    what: 'a group of no launch template',
    checker: 'cfn-lint',
    change: (t) => {
      delete first(t, GROUP)['LaunchTemplate'];
    },
  },
  {
    what: 'a port open to the world that is nobody business',
    checker: 'rules',
    change: (t) => {
      first(t, 'AWS::EC2::SecurityGroup')['SecurityGroupIngress'] = [
        { CidrIp: '0.0.0.0/0', IpProtocol: 'tcp', FromPort: 22, ToPort: 22 },
      ];
    },
  },
  {
    what: 'all ports open to the world',
    checker: 'rules',
    change: (t) => {
      first(t, 'AWS::EC2::SecurityGroup')['SecurityGroupIngress'] = [
        { CidrIpv6: '::/0', IpProtocol: '-1' },
      ];
    },
  },
  {
    what: 'metadata without a token',
    checker: 'rules',
    change: (t) => {
      first(t, TEMPLATE)['LaunchTemplateData']['MetadataOptions']['HttpTokens'] = 'optional';
    },
  },
  {
    what: 'metadata for containers too',
    checker: 'rules',
    change: (t) => {
      first(t, TEMPLATE)['LaunchTemplateData']['MetadataOptions']['HttpPutResponseHopLimit'] = 2;
    },
  },
  {
    what: 'a disk that is not encrypted',
    checker: 'rules',
    change: (t) => {
      first(t, TEMPLATE)['LaunchTemplateData']['BlockDeviceMappings'][0]['Ebs']['Encrypted'] =
        false;
    },
  },
  {
    what: 'SSH',
    checker: 'rules',
    change: (t) => {
      first(t, TEMPLATE)['LaunchTemplateData']['KeyName'] = 'me';
    },
  },
  {
    what: 'a secret in the user data',
    checker: 'rules',
    change: (t) => {
      first(t, TEMPLATE)['LaunchTemplateData']['UserData'] = {
        'Fn::Base64': 'export PASSWORD={{resolve:secretsmanager:redis}}',
      };
    },
  },
  {
    what: 'a size that each deployment sets',
    checker: 'rules',
    change: (t) => {
      first(t, GROUP)['DesiredCapacity'] = '2';
    },
  },
  {
    what: 'a hook that cannot wait for two days',
    checker: 'rules',
    change: (t) => {
      for (const hook of mediaGroup(t)['LifecycleHookSpecificationList']) {
        hook['HeartbeatTimeout'] = 60;
      }
    },
  },
  {
    what: 'a Redis of one node',
    checker: 'rules',
    change: (t) => {
      first(t, REDIS)['NumCacheClusters'] = 1;
    },
  },
  {
    what: 'a Redis that is read on its way',
    checker: 'rules',
    change: (t) => {
      first(t, REDIS)['TransitEncryptionEnabled'] = false;
    },
  },
  {
    what: 'a node type that ElastiCache has not',
    checker: 'rules',
    change: (t) => {
      first(t, REDIS)['CacheNodeType'] = 't4g.small';
    },
  },
  {
    what: 'TLS of the last decade',
    checker: 'rules',
    change: (t) => {
      first(t, LISTENER)['SslPolicy'] = 'ELBSecurityPolicy-2016-08';
    },
  },
  {
    what: 'a pattern of events with a slip of the pen',
    checker: 'rules',
    change: (t) => {
      first(t, 'AWS::Events::Rule')['EventPattern']['detail'] = { AutoScalingGroup: ['a'] };
    },
  },
  {
    what: 'events that are lost when the queue is away',
    checker: 'rules',
    change: (t) => {
      delete first(t, 'AWS::Events::Rule')['Targets'][0]['DeadLetterConfig'];
    },
  },
];

export function mutated(template: TemplateJson, { change }: Mutant): TemplateJson {
  const copy = structuredClone(template);
  change(copy as unknown as Json);
  return copy;
}
