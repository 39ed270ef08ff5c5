import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Duration } from 'aws-cdk-lib';
import { Match } from 'aws-cdk-lib/assertions';
import * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import { type DrainOptions, NodeDrain, OnDeadline } from '../../constructs/node-drain';
import { LIFECYCLE_HOOKS } from '../../node-image/contract';
import { actionsOf, only, statements, textOf } from './support/nodes';
import { anyStack, errorsOf, templateOf, tokenNumber } from './support/stacks';

function drained(options: DrainOptions = {}) {
  const stack = anyStack();
  const drain = new NodeDrain(stack, 'Drain', { autoScalingGroupName: 'Nodes', ...options });
  const group = new autoscaling.CfnAutoScalingGroup(stack, 'Group', { minSize: '1', maxSize: '2' });
  drain.attachTo(group);
  return { stack, drain, template: templateOf(stack) };
}

describe('the drain of Media Nodes', () => {
  const { template } = drained();

  test('holds machines at hooks of the group itself, so that its first ones have them', () => {
    template.resourceCountIs('AWS::AutoScaling::LifecycleHook', 0);
    template.hasResourceProperties('AWS::AutoScaling::AutoScalingGroup', {
      LifecycleHookSpecificationList: [
        {
          LifecycleHookName: LIFECYCLE_HOOKS.launching,
          LifecycleTransition: 'autoscaling:EC2_INSTANCE_LAUNCHING',
          DefaultResult: 'ABANDON',
          HeartbeatTimeout: 1800,
        },
        {
          LifecycleHookName: LIFECYCLE_HOOKS.terminating,
          LifecycleTransition: 'autoscaling:EC2_INSTANCE_TERMINATING',
          DefaultResult: 'CONTINUE',
          HeartbeatTimeout: 1800,
        },
      ],
    });
  });

  test('lets a machine wait for 48 hours: AWS waits for 100 heartbeats', () => {
    const { resource } = only(template, 'AWS::AutoScaling::AutoScalingGroup');
    const hooks = resource.Properties['LifecycleHookSpecificationList'] as {
      HeartbeatTimeout: number;
    }[];
    assert.ok((hooks[1]?.HeartbeatTimeout ?? 0) * 100 >= Duration.hours(48).toSeconds());
  });

  test('keeps a machine that is not empty in time, where it was asked to', () => {
    drained({ onDeadline: OnDeadline.RETAIN }).template.hasResourceProperties(
      'AWS::AutoScaling::AutoScalingGroup',
      {
        LifecycleHookSpecificationList: Match.arrayWith([
          Match.objectLike({
            LifecycleHookName: LIFECYCLE_HOOKS.terminating,
            DefaultResult: 'ABANDON',
          }),
        ]),
        InstanceLifecyclePolicy: { RetentionTriggers: { TerminateHookAbandon: 'retain' } },
      },
    );
  });

  test('queues what AWS says of the machines of the group', () => {
    template.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: {
        source: ['aws.autoscaling'],
        'detail-type': [
          'EC2 Instance-launch Lifecycle Action',
          'EC2 Instance-terminate Lifecycle Action',
        ],
        detail: { AutoScalingGroupName: ['Nodes'] },
      },
    });
  });

  test('queues spot notices, rebalance recommendations and changes of state', () => {
    const kinds = Object.values(template.findResources('AWS::Events::Rule')).flatMap(
      (rule) => rule['Properties'].EventPattern['detail-type'],
    );
    for (const kind of [
      'EC2 Spot Instance Interruption Warning',
      'EC2 Instance Rebalance Recommendation',
      'EC2 Instance State-change Notification',
    ]) {
      assert.ok(kinds.includes(kind), kind);
    }
  });

  test('loses no event quietly: each rule and the queue have dead letters', () => {
    for (const rule of Object.values(template.findResources('AWS::Events::Rule'))) {
      const [target] = rule['Properties'].Targets;
      assert.match(textOf(target.DeadLetterConfig.Arn), /DeadLetters/);
    }
    template.hasResourceProperties('AWS::SQS::Queue', {
      RedrivePolicy: { maxReceiveCount: 5 },
      SqsManagedSseEnabled: true,
    });
  });

  test('takes messages by TLS only', () => {
    const policies = Object.values(template.findResources('AWS::SQS::QueuePolicy'));
    assert.equal(policies.length, 2);
    for (const policy of policies) {
      assert.match(JSON.stringify(policy), /"aws:SecureTransport":"false"/);
    }
  });

  test('encrypts with a key of yours, which EventBridge may use', () => {
    const stack = anyStack();
    new NodeDrain(stack, 'Drain', {
      autoScalingGroupName: 'Nodes',
      encryptionKey: new kms.Key(stack, 'Key'),
    });
    const template = templateOf(stack);
    template.hasResourceProperties('AWS::SQS::Queue', { KmsMasterKeyId: Match.anyValue() });
    const [key] = Object.values(template.findResources('AWS::KMS::Key'));
    assert.match(JSON.stringify(key), /events\.amazonaws\.com/);
  });

  test('lets machines complete the hooks of their own group, and of no other', () => {
    const stack = anyStack();
    const drain = new NodeDrain(stack, 'Drain', { autoScalingGroupName: 'Nodes' });
    drain.grantComplete(
      new iam.Role(stack, 'Role', { assumedBy: new iam.ServicePrincipal('ec2.amazonaws.com') }),
    );
    const own = statements(templateOf(stack)).find((each) =>
      actionsOf(each).includes('autoscaling:CompleteLifecycleAction'),
    );
    assert.match(textOf(own?.Resource), /autoScalingGroup:\*:autoScalingGroupName\/Nodes$/);
  });

  test('refuses a deadline above 48 hours and a patience above the deadline, both at once', () => {
    const { stack } = drained({ patience: Duration.hours(50), deadline: Duration.hours(49) });
    const errors = errorsOf(stack);
    assert.equal(errors.length, 2);
    assert.match(errors.join('\n'), /drain\.deadline: got 2 days 1 hour/);
    assert.match(errors.join('\n'), /drain\.patience and drain\.deadline/);
  });

  test('refuses a deadline below the patience that it has by default', () => {
    assert.match(
      errorsOf(drained({ deadline: Duration.minutes(5) }).stack).join(),
      /patience 15 minutes, deadline 5 minutes|drain\.patience 15 minutes, drain\.deadline 5 minutes/,
    );
  });

  test('takes times that are known at deployment', () => {
    const stack = anyStack();
    new NodeDrain(stack, 'Drain', {
      autoScalingGroupName: 'Nodes',
      patience: Duration.minutes(tokenNumber(stack, 'Patience')),
      deadline: Duration.minutes(tokenNumber(stack, 'Deadline')),
    });
    assert.deepEqual(errorsOf(stack), []);
  });

  test('has a metric of notices that reached nobody', () => {
    const { stack, drain } = drained();
    const { metricStat } = drain.metricNoticesLost().toMetricConfig();
    assert.equal(metricStat?.metricName, 'ApproximateNumberOfMessagesVisible');
    assert.match(textOf(stack.resolve(metricStat?.dimensions?.[0]?.value)), /DeadLetters/);
  });
});
