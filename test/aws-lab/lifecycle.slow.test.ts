import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  RecordLifecycleActionHeartbeatCommand,
  SetInstanceHealthCommand,
  SetInstanceProtectionCommand,
} from '@aws-sdk/client-auto-scaling';
import { TerminateInstancesCommand } from '@aws-sdk/client-ec2';
import { AwsLab } from '../support/aws-lab/aws-lab';
import { LabGroup } from '../support/aws-lab/lab-group';
import { createStack, groupTemplate } from '../support/aws-lab/templates';

let lab: AwsLab;
let made = 0;

before(async () => {
  lab = await AwsLab.start();
});
after(() => lab.close());

async function group(properties = {}, hook = {}): Promise<LabGroup> {
  const name = `Group${made++}`;
  const { status, reasons } = await createStack(lab, name, groupTemplate(properties, hook));
  assert.equal(status, 'CREATE_COMPLETE', reasons.join('\n'));
  const { Group = '' } = await lab.outputs(name);
  return new LabGroup(lab.autoScaling, Group);
}

async function only(of: LabGroup): Promise<string> {
  const [instance] = await of.instances();
  assert.ok(instance);
  return instance.id;
}

const heartbeat = (of: LabGroup, InstanceId: string) =>
  lab.autoScaling.send(
    new RecordLifecycleActionHeartbeatCommand({
      AutoScalingGroupName: of.name,
      LifecycleHookName: 'leaving',
      InstanceId,
    }),
  );

const protect = (of: LabGroup, InstanceIds: string[], ProtectedFromScaleIn: boolean) =>
  lab.autoScaling.send(
    new SetInstanceProtectionCommand({
      AutoScalingGroupName: of.name,
      InstanceIds,
      ProtectedFromScaleIn,
    }),
  );

test('an instance that is to go waits for its hook, and is replaced at once', async () => {
  const nodes = await group();
  const id = await only(nodes);
  await nodes.terminate(id, false);
  assert.deepEqual(await nodes.states(), { 'Terminating:Wait': 1, InService: 1 });
  await nodes.complete('leaving', { InstanceId: id });
  await nodes.untilState(id, 'gone');
  assert.deepEqual(await nodes.states(), { InService: 1 });
});

test('a second completion of the same action is refused, and so is a heartbeat then', async () => {
  const nodes = await group();
  const id = await only(nodes);
  await assert.rejects(nodes.complete('leaving', { InstanceId: id }), /No active Lifecycle Action/);
  await nodes.terminate(id, false);
  await heartbeat(nodes, id);
  await nodes.complete('leaving', { InstanceId: id });
  await assert.rejects(nodes.complete('leaving', { InstanceId: id }), /No active Lifecycle Action/);
  await assert.rejects(heartbeat(nodes, id), /No active Lifecycle Action/);
});

test('a drain client that sends no heartbeats loses the machine; one that does keeps it', async () => {
  const nodes = await group({ MinSize: '2' });
  const [silent, beating] = await nodes.instances();
  assert.ok(silent && beating);
  await nodes.terminate(silent.id, false);
  await nodes.terminate(beating.id, false);
  await lab.passTime(45);
  await heartbeat(nodes, beating.id);
  await lab.passTime(30);
  await nodes.untilState(silent.id, 'gone');
  await nodes.untilState(beating.id, 'Terminating:Wait');
});

test('no heartbeat carries an action beyond a hundred times its time-out', async () => {
  const nodes = await group();
  const id = await only(nodes);
  await nodes.terminate(id, false);
  for (let passed = 0; passed < 6_000; passed += 55) {
    await heartbeat(nodes, id);
    await lab.passTime(55);
  }
  await nodes.untilState(id, 'gone');
});

test('an abandoned drain ends the machine, unless the group retains it', async () => {
  const plain = await group();
  const lost = await only(plain);
  await plain.terminate(lost, false);
  await plain.complete('leaving', { InstanceId: lost }, 'ABANDON');
  await plain.untilState(lost, 'gone');

  const retaining = await group(
    { InstanceLifecyclePolicy: { RetentionTriggers: { TerminateHookAbandon: 'retain' } } },
    { DefaultResult: 'ABANDON' },
  );
  const kept = await only(retaining);
  await retaining.terminate(kept, false);
  await lab.passTime(61);
  await retaining.untilState(kept, 'Terminating:Retained');
  assert.deepEqual(await retaining.states(), { 'Terminating:Retained': 1, InService: 1 });
  await retaining.terminate(kept, false);
  await retaining.untilState(kept, 'gone');
});

test('exactly the named instance goes where the wanted size shrinks with it', async () => {
  const nodes = await group({ DesiredCapacity: '3' });
  const named = (await nodes.instances())[1];
  assert.ok(named);
  await nodes.terminate(named.id, true);
  assert.deepEqual(await nodes.sizes(), { min: 1, max: 4, desired: 2 });
  await nodes.complete('leaving', { InstanceId: named.id });
  await nodes.untilState(named.id, 'gone');
  assert.deepEqual(await nodes.states(), { InService: 2 });
});

test('the size stays between its bounds', async () => {
  const nodes = await group();
  const id = await only(nodes);
  await assert.rejects(nodes.terminate(id, true), /violate group's min size constraint/);
  await assert.rejects(nodes.setDesired(5), /above max value 4/);
  await assert.rejects(nodes.setDesired(0), /below min value 1/);
  await assert.rejects(nodes.terminate('i-00000000000000000', false), /No managed instance found/);
});

test('a protected instance is not taken when the group shrinks, and any is when it is unhealthy', async () => {
  const nodes = await group({ DesiredCapacity: '3', NewInstancesProtectedFromScaleIn: true });
  await nodes.setDesired(1);
  assert.deepEqual(await nodes.states(), { InService: 3 });
  const [free, sick] = await nodes.instances();
  assert.ok(free && sick);
  await protect(nodes, [free.id], false);
  await nodes.untilState(free.id, 'Terminating:Wait');
  assert.deepEqual(await nodes.states(), { InService: 2, 'Terminating:Wait': 1 });
  await assert.rejects(protect(nodes, [free.id], true), /not in InService/);
  await lab.autoScaling.send(
    new SetInstanceHealthCommand({ InstanceId: sick.id, HealthStatus: 'Unhealthy' }),
  );
  await nodes.untilState(sick.id, 'Terminating:Wait');
});

test('the hook of a machine that died waits until somebody completes it', async () => {
  const nodes = await group();
  const id = await only(nodes);
  await lab.ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }));
  await nodes.untilState(id, 'Terminating:Wait');
  await nodes.complete('leaving', { InstanceId: id });
  await nodes.untilState(id, 'gone');
  assert.deepEqual(await nodes.states(), { InService: 1 });
});

test('a launching hook holds an instance out of service; abandoned, it is replaced', async () => {
  const launching = {
    LifecycleHookName: 'arriving',
    LifecycleTransition: 'autoscaling:EC2_INSTANCE_LAUNCHING',
    HeartbeatTimeout: 60,
    DefaultResult: 'ABANDON',
  };
  const nodes = await group({ LifecycleHookSpecificationList: [launching] });
  const first = await only(nodes);
  assert.deepEqual(await nodes.states(), { 'Pending:Wait': 1 });
  await nodes.complete('arriving', { InstanceId: first }, 'ABANDON');
  await nodes.untilState(first, 'gone');
  const second = await only(nodes);
  await nodes.complete('arriving', { InstanceId: second });
  await nodes.untilState(second, 'InService');
});

test('instances are spread over the zones', async () => {
  const nodes = await group({ DesiredCapacity: '4' });
  const zones = (await nodes.instances()).map(({ zone }) => zone).sort();
  assert.deepEqual(zones, ['eu-west-1a', 'eu-west-1a', 'eu-west-1b', 'eu-west-1b']);
});
