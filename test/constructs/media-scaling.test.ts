import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import { MediaNodes, type MediaNodesProps } from '../../constructs/media-nodes';
import { actionsOf, anImage, only, publicVpc, statements, textOf } from './support/nodes';
import { envStack, errorsOf, templateOf, tokenNumber } from './support/stacks';

const GROUP = 'AWS::AutoScaling::AutoScalingGroup';
const CALL = 'Custom::AWS';

function scaled(props: Partial<MediaNodesProps> = {}, stack = envStack()) {
  new MediaNodes(stack, 'Nodes', { vpc: publicVpc(stack), image: anImage, ...props });
  return { stack, template: templateOf(stack) };
}

/** The calls of the API that a deployment makes: `Create SuspendProcesses`. */
function callsOf(template: ReturnType<typeof scaled>['template']) {
  return Object.entries(template.findResources(CALL)).flatMap(([id, { Properties, DependsOn }]) =>
    ['Create', 'Update', 'Delete'].flatMap((when) => {
      if (Properties[when] === undefined) return [];
      const call = JSON.parse(textOf(Properties[when]));
      const { action, parameters, ignoreErrorCodesMatching: ignored } = call;
      return [{ id, when, action, parameters, ignored, waitsFor: DependsOn as string[] }];
    }),
  );
}

describe('the scaling of Media Nodes', () => {
  const { template } = scaled({
    initialCapacity: 3,
    scaling: {
      targetLoad: 0.5,
      schedules: [
        {
          schedule: autoscaling.Schedule.cron({ weekDay: 'MON-FRI', hour: '8', minute: '0' }),
          timeZone: 'Europe/Berlin',
          minCapacity: 2,
        },
      ],
    },
  });
  const { id: group, resource } = only(template, GROUP);
  const calls = callsOf(template);
  const find = (action: string) => calls.filter((call) => call.action === action);

  test('never lets the group take a machine away by itself', () => {
    assert.equal(resource.Properties['NewInstancesProtectedFromScaleIn'], true);
    for (const policy of Object.values(template.findResources('AWS::AutoScaling::ScalingPolicy'))) {
      assert.equal(policy['Properties'].TargetTrackingConfiguration.DisableScaleIn, true);
    }
  });

  test('never lets it move machines between zones', () => {
    const suspends = find('SuspendProcesses');
    assert.deepEqual(suspends.map(({ when }) => when).sort(), ['Create', 'Update']);
    for (const { parameters, waitsFor } of suspends) {
      assert.deepEqual(parameters.ScalingProcesses, ['AZRebalance']);
      assert.ok(waitsFor.includes(group));
    }
  });

  test('sets the size when the group is made, and at no later deployment', () => {
    const [set, ...more] = find('SetDesiredCapacity');
    assert.equal(more.length, 0);
    assert.equal(set?.when, 'Create');
    assert.equal(set?.parameters.DesiredCapacity, 3);
    assert.equal(resource.Properties['DesiredCapacity'], undefined);
  });

  test('leaves the group at its minimum where the initial size is none that it may have', () => {
    const [set] = find('SetDesiredCapacity');
    assert.equal(set?.ignored, 'ValidationError');
  });

  test('sets no size where none was asked for', () => {
    const { template: plain } = scaled();
    assert.equal(
      callsOf(plain).some(({ action }) => action === 'SetDesiredCapacity'),
      false,
    );
  });

  test('sets an initial size that is a parameter of the stack', () => {
    const stack = envStack();
    const { template: plain } = scaled({ initialCapacity: tokenNumber(stack, 'Initial') }, stack);
    const raw = JSON.stringify(plain.findResources(CALL));
    assert.match(raw, /DesiredCapacity\\":",\{"Ref":"Initial"\}/);
    assert.equal(only(plain, GROUP).resource.Properties['DesiredCapacity'], undefined);
  });

  test('ends the group with its machines when the stack is deleted or its creation fails', () => {
    const [end] = find('DeleteAutoScalingGroup');
    assert.equal(end?.when, 'Delete');
    assert.equal(end?.parameters.ForceDelete, true);
    // It is there before the group is, and works while CloudFormation waits for the group.
    assert.equal(end?.waitsFor.includes(group), false);
    assert.equal(resource.DependsOn?.includes(end?.id ?? ''), false);
  });

  test('names the same group in every call', () => {
    const names = new Set(calls.map(({ parameters }) => parameters.AutoScalingGroupName));
    assert.deepEqual([...names], [textOf(resource.Properties['AutoScalingGroupName'])]);
  });

  test('may call nothing but that, on that group', () => {
    const own = statements(template).filter((each) =>
      actionsOf(each).some((action) => /Suspend|SetDesired|DeleteAutoScalingGroup/.test(action)),
    );
    assert.equal(own.length, 3);
    for (const { Resource } of own) {
      assert.match(textOf(Resource), /autoScalingGroup:\*:autoScalingGroupName\/.*Nodes/);
    }
  });

  test('has a CPU rule that adds machines, as a net under the controller', () => {
    template.hasResourceProperties('AWS::AutoScaling::ScalingPolicy', {
      TargetTrackingConfiguration: {
        DisableScaleIn: true,
        TargetValue: 80,
        PredefinedMetricSpecification: { PredefinedMetricType: 'ASGAverageCPUUtilization' },
      },
    });
    scaled({ scaling: { cpuNet: 0 } }).template.resourceCountIs(
      'AWS::AutoScaling::ScalingPolicy',
      0,
    );
  });

  test('changes limits at times, never the size', () => {
    const { resource: action } = only(template, 'AWS::AutoScaling::ScheduledAction');
    assert.deepEqual(
      Object.keys(action.Properties).filter((key) => /Size|Capacity/.test(key)),
      ['MinSize'],
    );
    assert.equal(action.Properties['TimeZone'], 'Europe/Berlin');
  });

  test('tells a running controller of load and headroom by tags of the group', () => {
    const tags = resource.Properties['Tags'] as Record<string, unknown>[];
    const tag = (name: string) => tags.find(({ Key }) => Key === name);
    assert.equal(tag('sluice:target-load')?.['Value'], '0.5');
    assert.equal(tag('sluice:headroom-rooms')?.['Value'], '2');
    assert.equal(tag('sluice:headroom-rooms')?.['PropagateAtLaunch'], false);
  });

  test('refuses a schedule that changes nothing, and one that contradicts itself', () => {
    const schedule = autoscaling.Schedule.expression('0 8 * * *');
    const { stack } = scaled({
      scaling: { schedules: [{ schedule }, { schedule, minCapacity: 3, maxCapacity: 2 }] },
    });
    const errors = errorsOf(stack).join('\n');
    assert.match(errors, /schedules\[0\]: got neither minCapacity nor maxCapacity/);
    assert.match(errors, /schedules\[1\]\.minCapacity 3, scaling\.schedules\[1\]\.maxCapacity 2/);
  });
});
