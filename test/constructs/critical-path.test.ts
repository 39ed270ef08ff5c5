/** What waits for what is read from templates rightly. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BOOT_SECONDS, criticalPath, dependencies, schedule } from './support/critical-path';
import type { TemplateJson } from './support/golden';

const GROUP = {
  Type: 'AWS::AutoScaling::AutoScalingGroup',
  CreationPolicy: { ResourceSignal: { Count: 1 } },
};

test('a resource waits for what it refers to, however it says so', () => {
  const template: TemplateJson = {
    Resources: {
      A: { Type: 'AWS::SQS::Queue' },
      B: { Type: 'AWS::SQS::Queue' },
      C: { Type: 'AWS::SQS::Queue' },
      D: { Type: 'AWS::SQS::Queue' },
      E: {
        Type: 'AWS::SNS::Topic',
        DependsOn: 'A',
        Properties: {
          b: { 'Fn::GetAtt': ['B', 'Arn'] },
          // biome-ignore lint/suspicious/noTemplateCurlyInString: CloudFormation fills these in.
          c: [{ 'Fn::Sub': 'x-${C.Arn}-${AWS::Region}' }],
          d: { 'Fn::Join': ['', [{ Ref: 'D' }, { Ref: 'AWS::Region' }]] },
        },
      },
    },
  };
  assert.deepEqual(dependencies(template.Resources['E'] ?? { Type: '' }, template), [
    'A',
    'B',
    'C',
    'D',
  ]);
});

test('machines that boot meanwhile make a slow Redis no longer than it is', () => {
  const template: TemplateJson = {
    Resources: {
      Redis: { Type: 'AWS::ElastiCache::ReplicationGroup' },
      Config: {
        Type: 'AWS::SSM::Parameter',
        Properties: { Value: { 'Fn::GetAtt': ['Redis', 'PrimaryEndPoint.Address'] } },
      },
      Masters: GROUP,
    },
  };
  const steps = schedule(template, { Masters: ['Config'] });
  const redis = steps.get('Redis')?.end ?? 0;
  assert.ok(redis > BOOT_SECONDS);
  assert.ok((steps.get('Masters')?.end ?? 0) < redis + 30);
  assert.deepEqual(
    criticalPath(steps).map(({ id }) => id),
    ['Redis', 'Config', 'Masters'],
  );
});

test('machines that are begun after it do', () => {
  const template: TemplateJson = {
    Resources: {
      Redis: { Type: 'AWS::ElastiCache::ReplicationGroup' },
      Masters: { ...GROUP, DependsOn: ['Redis'] },
    },
  };
  const steps = schedule(template);
  assert.ok((steps.get('Masters')?.end ?? 0) >= (steps.get('Redis')?.end ?? 0) + BOOT_SECONDS);
});

test('a circle is told', () => {
  const template: TemplateJson = {
    Resources: {
      A: { Type: 'AWS::SQS::Queue', DependsOn: 'B' },
      B: { Type: 'AWS::SQS::Queue', DependsOn: 'A' },
    },
  };
  assert.throws(() => schedule(template), /a circle: A -> B -> A/);
});
