import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { AwsLab } from '../support/aws-lab/aws-lab';
import { takeEvents } from '../support/aws-lab/lab-group';
import { createStack, type Template } from '../support/aws-lab/templates';

const SPOT = 'EC2 Spot Instance Interruption Warning';

let lab: AwsLab;
let made = 0;

before(async () => {
  lab = await AwsLab.start();
});
after(() => lab.close());

const ruleArn = { 'Fn::GetAtt': ['Rule', 'Arn'] };

function template(statement: object, rule: object = {}): Template {
  const Statement = [
    {
      Effect: 'Allow',
      Principal: { Service: 'events.amazonaws.com' },
      Action: 'sqs:SendMessage',
      Resource: { 'Fn::GetAtt': ['Queue', 'Arn'] },
      Condition: { ArnEquals: { 'aws:SourceArn': ruleArn } },
      ...statement,
    },
  ];
  return {
    Resources: {
      Queue: { Type: 'AWS::SQS::Queue' },
      Rule: {
        Type: 'AWS::Events::Rule',
        Properties: {
          EventPattern: { source: ['aws.ec2'], 'detail-type': [SPOT] },
          Targets: [{ Id: 'Queue', Arn: { 'Fn::GetAtt': ['Queue', 'Arn'] } }],
          ...rule,
        },
      },
      Policy: {
        Type: 'AWS::SQS::QueuePolicy',
        Properties: { Queues: [{ Ref: 'Queue' }], PolicyDocument: { Statement } },
      },
    },
    Outputs: { Queue: { Value: { Ref: 'Queue' } } },
  };
}

/** What arrives in the queue of a Spot notice. */
async function arriving(given: Template): Promise<string[]> {
  const stack = `Events${made++}`;
  const { status, reasons } = await createStack(lab, stack, given);
  assert.equal(status, 'CREATE_COMPLETE', reasons.join('\n'));
  await lab.sendEvent('aws.ec2', SPOT, { 'instance-id': 'i-0', 'instance-action': 'terminate' });
  await lab.sendEvent('aws.ec2', 'EC2 Instance State-change Notification', { state: 'running' });
  const events = await takeEvents(lab.sqs, (await lab.outputs(stack))['Queue'] ?? '');
  return events.map((event) => event['detail-type']);
}

test('a rule brings what it names to its queue, and nothing else', async () => {
  assert.deepEqual(await arriving(template({})), [SPOT]);
});

for (const [what, given] of [
  [
    'the policy of a queue speaks of another service',
    { Principal: { Service: 'sns.amazonaws.com' } },
  ],
  ['the policy of a queue allows another action', { Action: 'sqs:ReceiveMessage' }],
  [
    'the policy of a queue names another rule',
    {
      Condition: { ArnEquals: { 'aws:SourceArn': 'arn:aws:events:eu-west-1:123456789012:rule/x' } },
    },
  ],
] as const) {
  test(`nothing arrives where ${what}`, async () => {
    assert.deepEqual(await arriving(template(given)), []);
  });
}

test('nothing arrives where the rule is off, or its pattern has a slip', async () => {
  assert.deepEqual(await arriving(template({}, { State: 'DISABLED' })), []);
  const EventPattern = { source: ['aws.ec2'], detail_type: [SPOT] };
  assert.deepEqual(await arriving(template({}, { EventPattern })), []);
});
