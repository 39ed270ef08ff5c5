/** What must hold for every template that this package makes, whatever made it. Pure. */
import { PORT_USES, PORT_USES_ON_REQUEST, PORTS } from '../../../node-image/contract';
import type { ResourceJson, TemplateJson } from './golden';

/** A sentence each: which resource, and what is wrong with it. */
export function broken(template: TemplateJson): string[] {
  return Object.entries(template.Resources).flatMap(([id, resource]) =>
    RULES.flatMap((rule) => rule(resource, template).map((what) => `${id}: ${what}`)),
  );
}

type Rule = (resource: ResourceJson, template: TemplateJson) => string[];

/** Ports that anybody may reach: the entry, media and TURN, encoders, and 80 for Let's Encrypt. */
const OPEN = [
  ...[...PORT_USES, ...PORT_USES_ON_REQUEST].filter(({ from }) => from === 'clients'),
  { protocol: 'tcp', start: PORTS.entry, end: PORTS.entry },
  { protocol: 'tcp', start: 80, end: 80 },
];

const WORLD = ['0.0.0.0/0', '::/0'];

const closedToTheWorld: Rule = ({ Type, Properties = {} }) => {
  if (Type !== 'AWS::EC2::SecurityGroup' && Type !== 'AWS::EC2::SecurityGroupIngress') return [];
  const rules =
    Type === 'AWS::EC2::SecurityGroup' ? list(Properties['SecurityGroupIngress']) : [Properties];
  return rules.filter(isRecord).flatMap((rule) => {
    const from = rule['CidrIp'] ?? rule['CidrIpv6'];
    if (typeof from !== 'string' || !WORLD.includes(from)) return [];
    const isOpen = OPEN.some(
      ({ protocol, start, end }) =>
        rule['IpProtocol'] === protocol &&
        Number(rule['FromPort']) >= start &&
        Number(rule['ToPort']) <= end,
    );
    return isOpen ? [] : [`lets the world in at ${JSON.stringify(rule)}`];
  });
};

const launchTemplates: Rule = ({ Type, Properties = {} }) => {
  if (Type !== 'AWS::EC2::LaunchTemplate') return [];
  const data = record(Properties['LaunchTemplateData']);
  const metadata = record(data['MetadataOptions']);
  const disks = list(data['BlockDeviceMappings']).map((disk) => record(record(disk)['Ebs']));
  return [
    ...(metadata['HttpTokens'] === 'required' ? [] : ['metadata without a token (IMDSv1)']),
    ...(metadata['HttpPutResponseHopLimit'] === 1 ? [] : ['metadata more than one hop away']),
    ...(data['KeyName'] === undefined ? [] : ['takes SSH by a key']),
    ...(disks.length > 0 && disks.every((disk) => disk['Encrypted'] === true)
      ? []
      : ['a disk that is not encrypted']),
    ...(/secretsmanager:/.test(JSON.stringify(data['UserData'] ?? '')) &&
    /resolve:secretsmanager/.test(JSON.stringify(data['UserData']))
      ? ['a secret in the user data']
      : []),
  ];
};

const volumes: Rule = ({ Type, Properties = {}, DeletionPolicy }) => {
  if (Type !== 'AWS::EC2::Volume') return [];
  return [
    ...(Properties['Encrypted'] === true ? [] : ['is not encrypted']),
    ...(['Snapshot', 'Retain', 'RetainExceptOnCreate'].includes(DeletionPolicy ?? '')
      ? []
      : ['goes with the stack, and leaves no snapshot']),
  ];
};

const groups: Rule = ({ Type, Properties = {} }) => {
  if (Type !== 'AWS::AutoScaling::AutoScalingGroup') return [];
  const hooks = list(Properties['LifecycleHookSpecificationList']).map(record);
  const terminating = hooks.find(
    (hook) => hook['LifecycleTransition'] === 'autoscaling:EC2_INSTANCE_TERMINATING',
  );
  return [
    ...(Properties['DesiredCapacity'] === undefined
      ? []
      : ['a deployment sets its size: DesiredCapacity']),
    // A wait at the hook ends after 100 heartbeats: 48 hours need 1728 s.
    ...(terminating && Number(terminating['HeartbeatTimeout']) < 1728
      ? ['a terminating hook that cannot wait for 48 hours']
      : []),
  ];
};

const redis: Rule = ({ Type, Properties = {} }) => {
  if (Type !== 'AWS::ElastiCache::ReplicationGroup') return [];
  const wanted = ['TransitEncryptionEnabled', 'AtRestEncryptionEnabled', 'MultiAZEnabled'];
  const missing = wanted.filter((name) => Properties[name] !== true);
  const nodes = Number(Properties['NumCacheClusters'] ?? 0);
  return [
    ...missing.map((name) => `without ${name}`),
    ...(nodes < 2 ? ['one node, which cannot fail over'] : []),
    ...(/^cache\.[a-z0-9-]+\.[a-z0-9]+$/.test(String(Properties['CacheNodeType']))
      ? []
      : [`no node type of ElastiCache: ${Properties['CacheNodeType']}`]),
  ];
};

/** Policies of a load balancer that let in nothing older than TLS 1.2. */
const SSL_POLICY = /^ELBSecurityPolicy-TLS13-1-[23]-(Res-|Ext[12]-)?(PQ-)?(FIPS-)?20\d\d-\d\d$/;

const listeners: Rule = ({ Type, Properties = {} }) => {
  if (Type !== 'AWS::ElasticLoadBalancingV2::Listener' || Properties['Protocol'] !== 'TLS') {
    return [];
  }
  const policy = String(Properties['SslPolicy']);
  return SSL_POLICY.test(policy) ? [] : [`an old or unknown TLS policy: ${policy}`];
};

/** Keys that EventBridge's patterns for these events may have. */
const DETAIL_KEYS = ['AutoScalingGroupName', 'state', 'EC2InstanceId', 'instance-id'];

const rules: Rule = ({ Type, Properties = {} }) => {
  if (Type !== 'AWS::Events::Rule') return [];
  const pattern = record(Properties['EventPattern']);
  const unknown = [
    ...Object.keys(pattern).filter((key) => !['source', 'detail-type', 'detail'].includes(key)),
    ...Object.keys(record(pattern['detail'])).filter((key) => !DETAIL_KEYS.includes(key)),
  ];
  const targets = list(Properties['Targets']).map(record);
  return [
    ...unknown.map((key) => `a pattern that matches nothing: ${key}`),
    ...(targets.every((target) => target['DeadLetterConfig'] !== undefined)
      ? []
      : ['what cannot be delivered is lost: no dead-letter queue']),
  ];
};

const RULES: readonly Rule[] = [
  closedToTheWorld,
  launchTemplates,
  volumes,
  groups,
  redis,
  listeners,
  rules,
];

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const record = (value: unknown) => (isRecord(value) ? value : {});
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
