/** A log group of all nodes: machines are told of it, and may write to it and to no other. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Domain } from '../../constructs/domain';
import { HighAvailabilityCluster } from '../../constructs/high-availability-cluster';
import { SingleNode } from '../../constructs/single-node';
import { parseBootPlan } from '../../node-image/lifecycle/boot/boot-plan';
import { bootFileIn, userData } from './support/deployed';
import type { TemplateJson } from './support/golden';
import { actionsOf, anImage, statements } from './support/nodes';
import { anyStack, templateOf } from './support/stacks';

const ARN = 'arn:aws:acm:eu-central-1:111122223333:certificate/0f0f';

/** Both kinds of machines, with this log group, if any. */
function templateWith(logGroup: 'one of the stack' | 'an existing one' | 'none') {
  const stack = anyStack();
  const group =
    logGroup === 'one of the stack'
      ? new logs.LogGroup(stack, 'Logs')
      : logs.LogGroup.fromLogGroupName(stack, 'Existing', 'company/meet');
  const options = { image: anImage, ...(logGroup === 'none' ? {} : { logGroup: group }) };
  new SingleNode(stack, 'Single', { domain: Domain.none(), ...options });
  new HighAvailabilityCluster(stack, 'Cluster', {
    domain: Domain.certificate(
      'meet.example.com',
      acm.Certificate.fromCertificateArn(stack, 'Certificate', ARN),
    ),
    ...options,
  });
  return templateOf(stack);
}

const logGroupsOf = (template: ReturnType<typeof templateOf>): (string | undefined)[] =>
  userData(template.toJSON() as TemplateJson).map(
    ([, text]) => parseBootPlan(bootFileIn(text)).log_group,
  );

const logStatements = (template: ReturnType<typeof templateOf>) =>
  statements(template).filter((one) => actionsOf(one).some((action) => /^logs:/.test(action)));

describe('a log group of all nodes', () => {
  for (const choice of ['one of the stack', 'an existing one'] as const) {
    const template = templateWith(choice);
    const isOwn = choice === 'one of the stack';

    test(`${choice}: every machine is told its name`, () => {
      assert.deepEqual(logGroupsOf(template), Array(3).fill(isOwn ? 'some-value' : 'company/meet'));
      if (!isOwn) return;
      const [id = ''] = Object.keys(
        template.findResources('AWS::Logs::LogGroup', {
          DeletionPolicy: 'Retain',
        }),
      );
      const templates = Object.values(template.findResources('AWS::EC2::LaunchTemplate'));
      for (const one of templates) assert.ok(JSON.stringify(one).includes(`{"Ref":"${id}"}`));
    });

    test(`${choice}: every role may make streams in it and write to them, and no more`, () => {
      const found = logStatements(template);
      assert.equal(found.length, 3);
      for (const { Action, Resource } of found) {
        assert.deepEqual(Action, ['logs:CreateLogStream', 'logs:PutLogEvents']);
        const text = JSON.stringify(Resource);
        assert.match(
          text,
          isOwn ? /^\{"Fn::GetAtt":\["Logs\w+","Arn"\]\}$/ : /:log-group:company\/meet:\*"/,
        );
      }
    });
  }

  test('none: no machine is told of one, and none may write to any', () => {
    const template = templateWith('none');
    assert.deepEqual(logGroupsOf(template), [undefined, undefined, undefined]);
    assert.deepEqual(logStatements(template), []);
  });
});
