/** What is told of on AWS is told of on Azure, by what each cloud has to say of it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as aws from '../../constructs';
import * as azure from '../../pulumi-azure';
import { anyStack, templateOf } from '../constructs/support/stacks';
import { at } from '../pulumi-azure/support/read';
import { inWorld } from '../pulumi-azure/support/world';

/** By alarm of AWS: that of Azure, and what it asks; or why there is none. */
const COUNTERPARTS: Readonly<Record<string, readonly [name: string, asks: string] | string>> = {
  NoHeadroom: ['no-headroom', 'Percentage CPU'],
  // On AWS the healthy hosts of the target group: probes that are answered, in both.
  MasterDown: ['master-down', 'DipAvailability'],
  RedisMemory: ['redis-memory', 'usedmemorypercentage'],
  RedisBusy: ['redis-busy', 'serverLoad'],
  DrainStuck: ['drain-stuck', 'the journal'],
  JobsRefused: ['jobs-refused', 'the journal'],
  NoticesLost: 'notices of Azure go to the machine itself: no queue is in between',
  NoticesUnread: 'the same',
  RedisReplica: 'Azure Managed Redis says nothing of its replica',
};

function onAws(): readonly string[] {
  const stack = anyStack();
  const cluster = new aws.HighAvailabilityCluster(stack, 'Meet', {
    domain: aws.Domain.none(),
    logGroup: new logs.LogGroup(stack, 'Logs'),
    mediaNodes: { jobs: aws.Jobs.builtIn() },
  });
  return cluster.observability.addAlarms().map((alarm) => alarm.node.id);
}

async function onAzure(): Promise<Readonly<Record<string, unknown>>> {
  const world = await inWorld(() => {
    const domain = azure.Domain.none();
    const { observability } = new azure.HighAvailabilityCluster('meet', {
      domain,
      logGroup: {},
      mediaNodes: { jobs: azure.Jobs.builtIn() },
    });
    observability.addAlarms();
  });
  return Object.fromEntries(
    [
      ...world.all('azure-native:monitor:MetricAlert'),
      ...world.all('azure-native:monitor:ScheduledQueryRule'),
    ].map(({ name, inputs }) => [
      name.replace('meet-observability-', ''),
      at(inputs, 'criteria.allOf.0.metricName') ?? 'the journal',
    ]),
  );
}

describe('alarms', () => {
  test('of AWS have a counterpart on Azure, or a reason why not, and none is more there', async () => {
    assert.deepEqual([...onAws()].sort(), Object.keys(COUNTERPARTS).sort());
    const counterparts = Object.values(COUNTERPARTS).filter((each) => typeof each !== 'string');
    assert.deepEqual(await onAzure(), Object.fromEntries(counterparts));
  });
});

describe('a dashboard', () => {
  test('is made on both clouds, on request alone', async () => {
    for (const isAsked of [false, true]) {
      const stack = anyStack();
      const there = new aws.HighAvailabilityCluster(stack, 'Meet', { domain: aws.Domain.none() });
      if (isAsked) there.observability.addDashboard();
      const domain = azure.Domain.none();
      const world = await inWorld(() => {
        const here = new azure.HighAvailabilityCluster('meet', { domain });
        if (isAsked) here.observability.addDashboard();
      });
      templateOf(stack).resourceCountIs('AWS::CloudWatch::Dashboard', isAsked ? 1 : 0);
      assert.equal(world.all('azure-native:portal:Dashboard').length, isAsked ? 1 : 0);
    }
  });
});
