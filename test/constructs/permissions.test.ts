/** What machines may do is what the node's software does, and no more. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as route53 from 'aws-cdk-lib/aws-route53';
import * as sm from 'aws-cdk-lib/aws-secretsmanager';
import { Jobs } from '../../constructs/jobs';
import { MasterNodes } from '../../constructs/master-nodes';
import { MediaNodes } from '../../constructs/media-nodes';
import { NodeImage } from '../../constructs/node-image';
import { Recordings } from '../../constructs/recordings';
import { StaticAddresses } from '../../constructs/static-addresses';
import { actionsOf, publicVpc, statements } from './support/nodes';
import { anyStack, templateOf } from './support/stacks';

/** Where the software of machines speaks to AWS: `sluice boot` is in lifecycle. */
const FOLDERS = ['cloud', 'lifecycle', 'jobs'].map((name) =>
  path.join(__dirname, '../../node-image', name),
);

/** The prefix of actions by the name of the SDK's client. */
const SERVICES: Readonly<Record<string, string>> = {
  'auto-scaling': 'autoscaling',
  cloudformation: 'cloudformation',
  'cloudwatch-logs': 'logs',
  ec2: 'ec2',
  ecr: 'ecr',
  s3: 's3',
  'secrets-manager': 'secretsmanager',
  sqs: 'sqs',
  ssm: 'ssm',
  sts: 'sts',
};

/** Calls of S3 whose action is called otherwise; another role is assumed only by who may, as you say. */
const CALLED_OTHERWISE: Readonly<Record<string, string | undefined>> = {
  's3:CreateMultipartUpload': 's3:PutObject',
  's3:DeleteObjects': 's3:DeleteObject',
  'sts:AssumeRole': undefined,
};

/** What user data and Podman do by themselves, and the agent of Session Manager. */
const BESIDE: readonly string[] = [
  'ecr:BatchCheckLayerAvailability',
  'ecr:BatchGetImage',
  'ecr:GetDownloadUrlForLayer',
  'route53:ChangeResourceRecordSets',
  // Else an object that is not there is a 403.
  's3:ListBucket',
  'ssm:UpdateInstanceInformation',
  'ssmmessages:CreateControlChannel',
  'ssmmessages:CreateDataChannel',
  'ssmmessages:OpenControlChannel',
  'ssmmessages:OpenDataChannel',
];

/** What comes with CDK's grants for reading a queue and a secret. */
const WITH_GRANTS: readonly string[] = [
  'secretsmanager:DescribeSecret',
  'sqs:ChangeMessageVisibility',
  'sqs:GetQueueAttributes',
  'sqs:GetQueueUrl',
];

describe('the roles of machines', () => {
  const stack = anyStack();
  const vpc = publicVpc(stack);
  const secrets = { cluster: new sm.Secret(stack, 'Cluster') };
  const logGroup = new logs.LogGroup(stack, 'Logs');
  const zone = new route53.PrivateHostedZone(stack, 'Zone', { vpc, zoneName: 'meet.internal' });
  const mediaNodes = new MediaNodes(stack, 'Media', {
    vpc,
    secrets,
    image: NodeImage.fromAsset(),
    staticAddresses: StaticAddresses.allocate(1),
    jobs: Jobs.builtIn({ recordings: Recordings.create() }),
    logGroup,
  });
  const services = new MediaNodes(stack, 'Services', {
    vpc,
    secrets,
    image: NodeImage.fromAsset(),
    jobs: Jobs.liveKit({
      egressImage: '123456789012.dkr.ecr.eu-central-1.amazonaws.com/egress:v1',
    }),
  });
  const masters = new MasterNodes(stack, 'Masters', {
    vpc,
    secrets,
    mediaNodes,
    dataVolume: {},
    addressRecord: { zone, name: 'master.meet.internal' },
    logGroup,
  });
  const roles = [mediaNodes.role, services.role, masters.role].map(
    (role) => stack.resolve(role.roleName).Ref,
  );
  const template = templateOf(stack);
  const granted = new Set(
    statements(template, (policy) =>
      roles.some((role) => JSON.stringify(policy).includes(`"${role}"`)),
    ).flatMap(actionsOf),
  );
  const used = usedActions();

  test('are granted every call of AWS that the node makes', () => {
    assert.ok(used.size > 10);
    assert.deepEqual(
      [...used].filter((action) => !granted.has(action)),
      [],
    );
  });

  test('are granted nothing else', () => {
    const known = new Set([...used, ...BESIDE, ...WITH_GRANTS]);
    assert.deepEqual(
      [...granted].filter((action) => !known.has(action)),
      [],
    );
  });
});

/** `ec2:AttachVolume` for each AttachVolumeCommand that is imported. */
function usedActions(): Set<string> {
  const used = new Set<string>();
  const files = FOLDERS.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) =>
      path.join(folder, name),
    ),
  );
  for (const name of files) {
    // What people run, with rights of their own, before there is a machine.
    if (name.includes(`${path.sep}preflight`)) continue;
    if (!name.endsWith('.ts')) continue;
    const text = readFileSync(name, 'utf8');
    for (const [, names = '', client = ''] of text.matchAll(
      /import \{([^}]*)\} from '@aws-sdk\/client-([\w-]+)'/g,
    )) {
      const service = SERVICES[client];
      assert.ok(service, `${name} speaks to ${client}: name its prefix in SERVICES`);
      for (const [, command] of names.matchAll(/(\w+)Command\b/g)) {
        const action = `${service}:${command}`;
        const called = action in CALLED_OTHERWISE ? CALLED_OTHERWISE[action] : action;
        if (called !== undefined) used.add(called);
      }
    }
  }
  return used;
}
