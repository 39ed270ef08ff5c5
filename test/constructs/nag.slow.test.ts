/** cdk-nag finds nothing in the shipped stacks but what is meant, and why it is. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Stack } from 'aws-cdk-lib';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { type Finding, nag } from './support/nag';
import { SHIPPED, shippedStack } from './support/shipped';

const CONTEXT = JSON.parse(readFileSync(join(__dirname, '../../cdk.json'), 'utf8')).context;

/** Which rule, at which constructs, and why it is not kept there. */
const MEANT: readonly [RegExp, RegExp, string][] = [
  [/VPC7/, /\/Network\/Vpc\/Resource$/, 'flow logs cost by the GB: `flowLogs` of a Network'],
  [
    /SMG4/,
    /\/(Secrets|Redis)\/(ApiKey|ClusterSecret|Password)\/Resource$/,
    'others hold the value too, applications or all nodes at a time: rotated by hand as docs/aws.md says',
  ],
  [/EC23/, /\/Entry\/SecurityGroup\/Resource$/, 'clients come from everywhere, to one port'],
  [
    /EC23/,
    /\/Machines\/SecurityGroup\/Resource$/,
    'clients send media and TURN from everywhere, to the ports of the contract',
  ],
  [/S1$/, /\/Recordings\/Bucket\/Resource$/, 'logs cost a bucket: `accessLogsBucket`'],
  [
    /IAM5\[Resource::<\w*RecordingsBucket\w+\.Arn>\/\*\]/,
    /\/Machines\/Role\/DefaultPolicy\/Resource$/,
    'all that is in the bucket for recordings: their names are as requests say',
  ],
  [/ELB2/, /\/Entry\/LoadBalancer\/Resource$/, 'access logs cost a bucket: `accessLogsBucket`'],
  [
    /AS3/,
    /\/Group\/Resource\/ASG$/,
    'who wants mails of each machine adds them; what matters has alarms: `addAlarms()`',
  ],
  [
    /IAM5\[Resource::\*\]/,
    /\/Machines\/Role\/DefaultPolicy\/Resource$/,
    'Session Manager, and to describe groups and machines: AWS has no resource level for these',
  ],
  [
    /IAM5\[Resource::arn:.*:autoScalingGroup:\*:autoScalingGroupName\//,
    /\/(DefaultPolicy|CustomResourcePolicy)\/Resource$/,
    'one group by its name; the * is an id that AWS makes',
  ],
  [
    /IAM5\[Resource::arn:.*:ec2:.*:instance\/\*\]/,
    /\/MasterNodes\/Machines\/Role\/DefaultPolicy\/Resource$/,
    'to attach the data volume: the machine is not there yet; a condition asks for the tag of the group',
  ],
  [
    /IAM4\[.*AWSLambdaBasicExecutionRole\]/,
    /\/AWS679f53fac002430cb0da5b7982bd2287\/ServiceRole\/Resource$/,
    'the function of custom resources, which CDK makes: it may write its log',
  ],
];

const isMeant = ({ rule, path }: Finding, [ofRule, at]: readonly [RegExp, RegExp, string]) =>
  ofRule.test(rule) && at.test(path);

test('what cdk-nag finds in the shipped stacks is meant, and nothing else is', () => {
  // With all that the context can turn on: it is more, and nothing is less.
  const found = nag({ ...CONTEXT, mediaNodesJobs: 'builtIn', jobsRtmp: 'true' }, (app) => {
    for (const name of SHIPPED) shippedStack(name, app);
  });
  assert.ok(found.length > 0);
  const unmeant = found.filter((finding) => !MEANT.some((entry) => isMeant(finding, entry)));
  assert.deepEqual(unmeant, []);
  const unused = MEANT.filter((entry) => !found.some((finding) => isMeant(finding, entry)));
  assert.deepEqual(unused, []);
});

test('what is not meant would be found', () => {
  const found = nag(CONTEXT, (app) => {
    new sqs.Queue(new Stack(app, 'Bad'), 'Queue');
  });
  assert.ok(
    found.some(({ rule }) => rule === 'AwsSolutions-SQS4'),
    JSON.stringify(found),
  );
});
