import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { SignalResourceCommand } from '@aws-sdk/client-cloudformation';
import { DescribeInstancesCommand } from '@aws-sdk/client-ec2';
import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { AwsLab } from '../support/aws-lab/aws-lab';
import { synthesize } from '../support/aws-lab/cdk';
import { LabGroup, takeEvents } from '../support/aws-lab/lab-group';
import { REGION } from '../support/aws-lab/lab-server';
import { until } from '../support/wait';

const APP = 'node --import tsx test/constructs/support/lab-sample.ts';
const STACK = 'Sample';

describe('a stack deployed by the CDK to the local AWS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-sample-'));
  let lab: AwsLab;
  let outputs: Readonly<Record<string, string>>;
  let nodes: LabGroup;

  const assembly = (name: string, context = {}): Promise<string> =>
    synthesize({ app: APP, folder: join(folder, name), context, region: REGION });

  before(async () => {
    lab = await AwsLab.start();
    await lab.bootstrap();
    outputs = await lab.deploy(STACK, { app: await assembly('one') });
    nodes = new LabGroup(lab.autoScaling, outputs['GroupName'] ?? '');
  });
  after(async () => {
    await lab.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test('has machines as the launch template says', async () => {
    assert.deepEqual(await nodes.states(), { InService: 1 });
    const [instance] = await nodes.instances();
    const { Reservations = [] } = await lab.ec2.send(
      new DescribeInstancesCommand({ InstanceIds: [instance?.id ?? ''] }),
    );
    const machine = Reservations[0]?.Instances?.[0];
    assert.equal(machine?.InstanceType, 'c7i.xlarge');
    assert.equal(machine?.MetadataOptions?.HttpTokens, 'required');
    assert.equal(machine?.MetadataOptions?.HttpPutResponseHopLimit, 1);
    assert.match(machine?.SecurityGroups?.[0]?.GroupName ?? '', /^Sample-Group/);
    assert.match(machine?.IamInstanceProfile?.Arn ?? '', /Sample-TemplateProfile/);
  });

  test('has an entry with TLS, and the machines behind it', async () => {
    const elb = (action: string, params = {}): Promise<string> =>
      lab.query('elasticloadbalancing', '2015-12-01', action, params);
    assert.match(await elb('DescribeLoadBalancers'), /<Type>network<\/Type>/);
    const [entry] = await lab.resources(STACK, 'AWS::ElasticLoadBalancingV2::LoadBalancer');
    const listeners = await elb('DescribeListeners', {
      LoadBalancerArn: entry?.physicalId ?? '',
    });
    assert.match(listeners, /<Port>443<\/Port>/);
    assert.match(listeners, /<Protocol>TLS<\/Protocol>/);
    assert.match(listeners, /ELBSecurityPolicy-TLS13-1-2/);
    const [targets] = await lab.resources(STACK, 'AWS::ElasticLoadBalancingV2::TargetGroup');
    const health = await elb('DescribeTargetHealth', { TargetGroupArn: targets?.physicalId ?? '' });
    const [instance] = await nodes.instances();
    assert.match(health, new RegExp(instance?.id ?? 'none'));
  });

  test('has a secret of the length that was asked for', async () => {
    const { SecretString } = await lab.secrets.send(
      new GetSecretValueCommand({ SecretId: outputs['SecretArn'] }),
    );
    assert.match(SecretString ?? '', /^[A-Za-z0-9]{43}$/);
  });

  test('is resized by a parameter, and the running size is not touched', async () => {
    await nodes.setDesired(4);
    const before = (await nodes.instances()).map(({ id }) => id).sort();
    const parameters = { Maximum: '6' };
    await lab.deploy(STACK, { app: join(folder, 'one'), parameters });
    assert.deepEqual(await nodes.sizes(), { min: 1, max: 6, desired: 4 });
    assert.deepEqual((await nodes.instances()).map(({ id }) => id).sort(), before);
  });

  test('gets a new launch template, and the machines that run keep theirs', async () => {
    const before = (await nodes.instances()).map(({ id }) => id).sort();
    await lab.deploy(STACK, { app: await assembly('two', { boot: 'two' }) });
    const instances = await nodes.instances();
    assert.deepEqual(instances.map(({ id }) => id).sort(), before);
    assert.deepEqual([...new Set(instances.map((one) => one.templateVersion))], ['1']);
    await nodes.setDesired(5);
    const newest = (await nodes.instances()).filter(({ id }) => !before.includes(id));
    assert.deepEqual(
      newest.map((one) => one.templateVersion),
      ['2'],
    );
  });

  test('tells its queue of an instance that is to go, and takes the token of that', async () => {
    const [instance] = await nodes.instances();
    assert.ok(instance);
    await nodes.terminate(instance.id, true);
    const queue = outputs['QueueUrl'] ?? '';
    const event = await until('the event', async () => (await takeEvents(lab.sqs, queue))[0]);
    assert.ok(event);
    assert.equal(event['detail-type'], 'EC2 Instance-terminate Lifecycle Action');
    assert.equal(event.detail['EC2InstanceId'], instance.id);
    const token = event.detail['LifecycleActionToken'] ?? '';
    const hook = 'sample-terminating';
    await assert.rejects(
      nodes.complete(hook, { LifecycleActionToken: 'another' }),
      /No active Lifecycle Action found with token another/,
    );
    await nodes.complete(hook, { LifecycleActionToken: token });
    await nodes.untilState(instance.id, 'gone');
  });

  test('waits for the signal of a machine, and fails with what the machine says', async () => {
    const app = await assembly('signalling', { signal: 'yes' });
    const other = await AwsLab.start();
    try {
      await other.bootstrap();
      const deployed = other.tryDeploy(STACK, { app });
      const waits = async (): Promise<boolean> =>
        (await other.resources(STACK).catch(() => [])).some((one) => one.logicalId === 'Nodes');
      await until('the group to be made', waits, { timeoutMs: 60_000 });
      assert.equal(await other.status(STACK), 'CREATE_IN_PROGRESS');
      await other.cloudFormation.send(
        new SignalResourceCommand({
          StackName: STACK,
          LogicalResourceId: 'Nodes',
          UniqueId: 'i-no-call-works',
          Status: 'FAILURE',
        }),
      );
      // Also a roll-back waits for the hooks of what it takes away.
      const [{ physicalId = '' } = {}] = await other.resources(
        STACK,
        'AWS::AutoScaling::AutoScalingGroup',
      );
      const group = new LabGroup(other.autoScaling, physicalId);
      const [instance] = await group.instances();
      assert.ok(instance);
      await group.untilState(instance.id, 'Terminating:Wait', 20_000);
      await group.complete('sample-terminating', { InstanceId: instance.id });
      const { code, output } = await deployed;
      assert.notEqual(code, 0);
      assert.match(output, /i-no-call-works/);
      assert.equal(await other.status(STACK), 'ROLLBACK_COMPLETE');
      assert.deepEqual(await other.resources(STACK), []);
    } finally {
      await other.close();
    }
  });
});
