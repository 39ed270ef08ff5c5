import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Duration, type Stack } from 'aws-cdk-lib';
import * as cloudwatchActions from 'aws-cdk-lib/aws-cloudwatch-actions';
import * as sns from 'aws-cdk-lib/aws-sns';
import { Domain } from '../../constructs/domain';
import { ElasticCluster } from '../../constructs/elastic-cluster';
import { HighAvailabilityCluster } from '../../constructs/high-availability-cluster';
import { anyStack, errorsOf, templateOf, tokenNumber } from './support/stacks';

/** Alarms by the last part of their construct's id. */
function alarmsOf(stack: Stack): Record<string, Record<string, unknown>> {
  const found = templateOf(stack).findResources('AWS::CloudWatch::Alarm');
  return Object.fromEntries(
    Object.entries(found)
      .filter(([id]) => id.includes('Observability'))
      .map(([id, { Properties }]) => [
        id.replace(/^.*Observability/, '').replace(/[0-9A-F]{8}$/, ''),
        Properties,
      ]),
  );
}

describe('alarms of a High Availability cluster', () => {
  const stack = anyStack();
  const cluster = new HighAvailabilityCluster(stack, 'Meet', {
    domain: Domain.none(),
    mediaNodes: { drain: { patience: Duration.minutes(30), deadline: Duration.hours(2) } },
  });
  const topic = new sns.Topic(stack, 'OnCall');
  cluster.observability.addAlarms({ actions: [new cloudwatchActions.SnsAction(topic)] });
  const alarms = alarmsOf(stack);

  test('are for what somebody has to look at', () => {
    assert.deepEqual(errorsOf(stack), []);
    assert.deepEqual(Object.keys(alarms).sort(), [
      'DrainStuck',
      'MasterDown',
      'NoHeadroom',
      'NoticesLost',
      'NoticesUnread',
      'RedisBusy',
      'RedisMemory',
      'RedisReplica',
    ]);
  });

  test('tell of their beginning and their end', () => {
    for (const [name, alarm] of Object.entries(alarms)) {
      assert.equal((alarm['AlarmActions'] as unknown[]).length, 1, name);
      assert.equal((alarm['OKActions'] as unknown[]).length, 1, name);
      assert.equal(alarm['TreatMissingData'], 'notBreaching', name);
      assert.ok(alarm['AlarmDescription'], name);
    }
  });

  test('wait longer for a drain than it may take', () => {
    const { DrainStuck } = alarms;
    assert.equal(DrainStuck?.['Statistic'], 'Minimum');
    assert.ok(Number(DrainStuck?.['Period']) > 7200);
  });

  test('ask the load balancer for the Master Nodes that answer', () => {
    assert.match(JSON.stringify(alarms['MasterDown']), /HealthyHostCount/);
  });
});

test('an Elastic cluster has none for Redis, which is on its Master Node', () => {
  const stack = anyStack();
  const { observability } = new ElasticCluster(stack, 'Meet', { domain: Domain.none() });
  assert.equal(observability.addAlarms().length, 5);
});

test('a deadline of two days is watched as long as CloudWatch can', () => {
  const stack = anyStack();
  const cluster = new ElasticCluster(stack, 'Meet', {
    domain: Domain.none(),
    mediaNodes: { drain: { deadline: Duration.hours(48) } },
  });
  cluster.observability.addAlarms();
  assert.equal(alarmsOf(stack)['DrainStuck']?.['Period'], 86_400);
});

test('a deadline that is known at deployment only trips nothing', () => {
  const stack = anyStack();
  const cluster = new ElasticCluster(stack, 'Meet', {
    domain: Domain.none(),
    mediaNodes: { drain: { deadline: Duration.seconds(tokenNumber(stack)) } },
  });
  cluster.observability.addAlarms();
  assert.deepEqual(errorsOf(stack), []);
});

test('the dashboard is of one screen, and there on request only', () => {
  const stack = anyStack();
  const { observability } = new HighAvailabilityCluster(stack, 'Meet', { domain: Domain.none() });
  observability.addDashboard();
  const template = templateOf(stack);
  template.resourceCountIs('AWS::CloudWatch::Dashboard', 1);
  template.resourceCountIs('AWS::Logs::LogGroup', 1);
});
