import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { SignalResourceCommand, UpdateStackCommand } from '@aws-sdk/client-cloudformation';
import { AwsLab } from '../support/aws-lab/aws-lab';
import { LabGroup } from '../support/aws-lab/lab-group';
import { changed, createStack, groupTemplate, type Template } from '../support/aws-lab/templates';
import { until } from '../support/wait';

let lab: AwsLab;
let made = 0;

before(async () => {
  lab = await AwsLab.start();
});
after(() => lab.close());

const launch = (template: Template, data: object): Template =>
  changed(template, 'Template', {
    LaunchTemplateData: { ImageId: 'ami-0deb1a12a5d640001', InstanceType: 'c7i.large', ...data },
  });

/** Two machines, no hooks, replaced one by one as each new one signals. */
function rolling(): Template {
  const template = groupTemplate({ MinSize: '2', LifecycleHookSpecificationList: [] });
  const UpdatePolicy = {
    AutoScalingRollingUpdate: { MaxBatchSize: 1, WaitOnResourceSignals: true, PauseTime: 'PT5M' },
  };
  const Group = { ...template.Resources['Group'], UpdatePolicy };
  return { ...template, Resources: { ...template.Resources, Group } };
}

async function create(template: Template): Promise<{ stack: string; group: LabGroup }> {
  const stack = `Update${made++}`;
  const { status, reasons } = await createStack(lab, stack, template);
  assert.equal(status, 'CREATE_COMPLETE', reasons.join('\n'));
  const { Group = '' } = await lab.outputs(stack);
  return { stack, group: new LabGroup(lab.autoScaling, Group) };
}

const update = (stack: string, template: Template) =>
  lab.cloudFormation.send(
    new UpdateStackCommand({ StackName: stack, TemplateBody: JSON.stringify(template) }),
  );

async function ended(stack: string): Promise<string> {
  return until(`the update of ${stack} to end`, async () => {
    const status = await lab.status(stack);
    return status.endsWith('_IN_PROGRESS') ? '' : status;
  });
}

const ids = async (group: LabGroup): Promise<string[]> =>
  (await group.instances()).map(({ id }) => id).sort();

async function signal(stack: string, UniqueId: string, Status: 'SUCCESS' | 'FAILURE') {
  await lab.cloudFormation.send(
    new SignalResourceCommand({
      StackName: stack,
      LogicalResourceId: 'Group',
      UniqueId,
      Status,
    }),
  );
}

test('machines are rolled one by one, each after the one before it has signalled', async () => {
  const { stack, group } = await create(rolling());
  const known = new Set(await ids(group));
  const before = [...known];
  await update(stack, launch(rolling(), { InstanceType: 'c7i.xlarge' }));
  for (const left of [1, 0]) {
    // The old one goes before the new one comes.
    const isOneNew = async (): Promise<string | undefined> => {
      const now = await ids(group);
      const old = now.filter((id) => before.includes(id));
      return old.length === left ? now.find((id) => !known.has(id)) : undefined;
    };
    const newest = (await until(`a new machine beside ${left} old ones`, isOneNew)) ?? '';
    known.add(newest);
    assert.equal(await lab.status(stack), 'UPDATE_IN_PROGRESS');
    await signal(stack, newest, 'SUCCESS');
  }
  assert.equal(await ended(stack), 'UPDATE_COMPLETE');
  const versions = (await group.instances()).map((one) => one.templateVersion);
  assert.deepEqual(versions, ['2', '2']);
});

test('a group of which no update policy speaks keeps its machines', async () => {
  const { stack, group } = await create(groupTemplate());
  const before = await ids(group);
  await update(stack, launch(groupTemplate(), { InstanceType: 'c7i.xlarge' }));
  assert.equal(await ended(stack), 'UPDATE_COMPLETE');
  assert.deepEqual(await ids(group), before);
});

test('a size in the template that did not change is left alone only where it is asked for', async () => {
  const sized = groupTemplate({ DesiredCapacity: '1' });
  const UpdatePolicy = {
    AutoScalingScheduledAction: { IgnoreUnmodifiedGroupSizeProperties: true },
  };
  const careful: Template = {
    ...sized,
    Resources: { ...sized.Resources, Group: { ...sized.Resources['Group'], UpdatePolicy } },
  };
  for (const [template, desired] of [
    [sized, 1],
    [careful, 3],
  ] as const) {
    const { stack, group } = await create(template);
    await group.setDesired(3);
    await update(stack, changed(template, 'Group', { MaxSize: '6' }));
    assert.equal(await ended(stack), 'UPDATE_COMPLETE');
    assert.deepEqual(await group.sizes(), { min: 1, max: 6, desired });
  }
});

test('an update that fails is rolled back to what was there', async () => {
  const { stack, group } = await create(groupTemplate());
  const before = await ids(group);
  const wrong = changed(groupTemplate({ MaxSize: '7' }), 'Group', { MinSize: '9' });
  await update(stack, wrong);
  assert.equal(await ended(stack), 'UPDATE_ROLLBACK_COMPLETE');
  assert.deepEqual(await group.sizes(), { min: 1, max: 4, desired: 1 });
  assert.deepEqual(await ids(group), before);
});

test('what cannot be changed in place is replaced, and the event says by what', async () => {
  const { stack, group } = await create(groupTemplate({ AutoScalingGroupName: 'one' }));
  const before = await ids(group);
  const renamed = groupTemplate({
    AutoScalingGroupName: 'two',
    LifecycleHookSpecificationList: [],
  });
  await update(stack, renamed);
  const leaving = new LabGroup(lab.autoScaling, 'one');
  await leaving.untilState(before[0] ?? '', 'Terminating:Wait');
  await leaving.complete('leaving', { InstanceId: before[0] ?? '' });
  assert.equal(await ended(stack), 'UPDATE_COMPLETE');
  assert.match((await lab.events(stack)).join('\n'), /new physical resource.*AutoScalingGroupName/);
  assert.equal((await lab.outputs(stack))['Group'], 'two');
  await assert.rejects(leaving.sizes(), /there is no group/);
});
