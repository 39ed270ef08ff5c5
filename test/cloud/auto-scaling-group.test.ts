import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { AutoScalingGroup } from '../../node-image/cloud/aws/auto-scaling-group';
import { quiet } from '../cluster/core-support';
import { FakeAws } from '../support/aws/fake-aws';
import { type FakeGroupOptions, FakeScalingGroup } from '../support/aws/fake-scaling-group';
import { AwsFault } from '../support/aws/fault';

const HOOK = {
  name: 'sluice-terminating',
  transition: 'terminating' as const,
  heartbeatTimeout: 1800,
  defaultResult: 'ABANDON' as const,
};

describe('the Auto Scaling Group of the Media Nodes', () => {
  let aws: FakeAws | undefined;
  afterEach(() => aws?.close());

  async function groupOf(desired: number, options: FakeGroupOptions = {}) {
    const clock = { now: Date.parse('2026-09-01T12:00:00Z') };
    const fake = new FakeScalingGroup({ max: 5, now: () => clock.now, ...options });
    fake.desired = desired;
    fake.settle();
    aws = await FakeAws.start(fake);
    const group = new AutoScalingGroup({
      autoScaling: aws.clients.autoScaling,
      ec2: aws.clients.ec2,
      name: 'media',
      log: quiet,
      now: () => clock.now,
    });
    return { fake, group, clock, aws };
  }

  it('is described with its own limits, and how old its machines are', async () => {
    const { group, clock } = await groupOf(2, { min: 1 });
    clock.now += 60_000;
    const { wanted, limits, machines } = await group.describe();
    assert.equal(wanted, 2);
    assert.deepEqual(limits, { min: 1, max: 5 });
    assert.deepEqual(
      machines.map(({ state, ageMs, isOutdated }) => [state, ageMs, isOutdated]),
      [
        ['running', 60_000, false],
        ['running', 60_000, false],
      ],
    );
  });

  it('says what its tags say of scaling, as they are with each look', async () => {
    const { fake, group } = await groupOf(1);
    assert.deepEqual((await group.describe()).scaling, {
      targetLoad: undefined,
      headroomRooms: undefined,
    });
    fake.tags = { 'sluice:target-load': '0.5', 'sluice:headroom-rooms': '12', Name: 'media' };
    // It looks anew.
    await group.grow(0);
    assert.deepEqual((await group.describe()).scaling, { targetLoad: 0.5, headroomRooms: 12 });
  });

  it('is asked once by those who ask at the same time', async () => {
    const { group, aws } = await groupOf(1);
    await Promise.all([group.describe(), group.describe(), group.waiting()]);
    assert.equal(aws.countOf('DescribeAutoScalingGroups'), 1);
  });

  it('has machines that start at its launching hook, and stop at its terminating one', async () => {
    const launching = { ...HOOK, name: 'sluice-launching', transition: 'launching' as const };
    const { fake, group } = await groupOf(2, { hooks: [launching, HOOK] });
    const [first = '', second = ''] = fake.machines.map(({ id }) => id);
    fake.complete('sluice-launching', second, 'CONTINUE');
    fake.beginEnd(second);
    const states = new Map((await group.describe()).machines.map(({ id, state }) => [id, state]));
    assert.equal(states.get(first), 'starting');
    assert.equal(states.get(second), 'stopping');
    assert.deepEqual(await group.waiting(), [{ id: second, isRunning: true }]);
    const dead = fake.machine(second);
    if (dead !== undefined) dead.power = 'terminated';
    assert.deepEqual(await group.waiting(), [{ id: second, isRunning: false }]);
  });

  it('grows from what is wanted by now, whoever has raised that', async () => {
    const { fake, group } = await groupOf(1);
    await group.describe();
    fake.setDesired(3);
    await group.grow(1);
    assert.equal(fake.desired, 4);
  });

  it('grows to its maximum and not beyond, and never shrinks by it', async () => {
    const { fake, group, aws } = await groupOf(4);
    await group.grow(3);
    assert.equal(fake.desired, 5);
    fake.max = 3;
    await group.grow(1);
    assert.equal(fake.desired, 5);
    assert.equal(aws.countOf('SetDesiredCapacity'), 1);
  });

  it('ends exactly one machine, protected or not, and none takes its place', async () => {
    const { fake, group } = await groupOf(3, { hooks: [HOOK] });
    const [, second] = fake.machines;
    await group.terminate(second?.id ?? '');
    assert.equal(fake.desired, 2);
    assert.deepEqual(
      fake.machines.map(({ state }) => state),
      ['InService', 'Terminating:Wait', 'InService'],
    );
  });

  it('does not end a machine twice, which would lower what is wanted twice', async () => {
    const { fake, group } = await groupOf(3, { hooks: [HOOK] });
    const id = fake.machines[1]?.id ?? '';
    await Promise.all([group.terminate(id), group.terminate('i-gone')]);
    await group.terminate(id);
    assert.equal(fake.desired, 2);
  });

  it('has another machine take the place of one where it may not have fewer', async () => {
    const { fake, group } = await groupOf(2, { min: 2 });
    await group.terminate(fake.machines[0]?.id ?? '');
    assert.equal(fake.desired, 2);
    assert.deepEqual(
      fake.machines.map(({ id }) => id.at(-1)),
      ['2', '3'],
    );
  });

  it('ends a machine that its cloud has kept for its calls, and lowers nothing', async () => {
    const { fake, group } = await groupOf(2, { hooks: [HOOK], onAbandon: 'retain' });
    const id = fake.machines[0]?.id ?? '';
    fake.beginEnd(id);
    fake.complete(HOOK.name, id, 'ABANDON');
    const kept = (await group.describe()).machines.find((one) => one.id === id);
    assert.deepEqual([kept?.state, kept?.isKept], ['stopping', true]);
    await group.terminate(id);
    assert.equal(fake.machine(id), undefined);
    assert.equal(fake.desired, 2);
  });

  it('protects a machine that came without protection', async () => {
    const { fake, group } = await groupOf(2);
    const [first] = fake.machines;
    if (first !== undefined) first.isProtected = false;
    await group.describe();
    assert.equal(first?.isProtected, true);
  });

  it('is described although protecting fails', async () => {
    const { fake, group, aws } = await groupOf(1);
    const [first] = fake.machines;
    if (first !== undefined) first.isProtected = false;
    aws.fail('SetInstanceProtection', 1);
    assert.equal((await group.describe()).machines.length, 1);
  });

  it('says which machines are of another version of the launch template', async () => {
    const { fake, group } = await groupOf(1);
    const before = await group.describe();
    fake.template = { id: 'lt-1', version: '2' };
    await group.grow(1);
    const after = await group.describe();
    assert.deepEqual(
      after.machines.map(({ isOutdated }) => isOutdated),
      [true, false],
    );
    assert.notEqual(after.template, before.template);
  });

  it('finds out which version $Latest is', async () => {
    const { fake, group, aws } = await groupOf(1);
    fake.templateVersion = '$Latest';
    assert.equal((await group.describe()).machines[0]?.isOutdated, false);
    aws.latestVersions.set('lt-1', 7);
    await group.grow(1);
    assert.equal((await group.describe()).machines[0]?.isOutdated, true);
    aws.fail('DescribeLaunchTemplates', 1);
    await group.grow(1);
    assert.equal((await group.describe()).machines[0]?.isOutdated, false, 'where it is not known');
  });

  it('is described although EC2 says nothing of the machines', async () => {
    const { group, aws } = await groupOf(1);
    aws.fail('DescribeInstances', 1, new AwsFault('UnauthorizedOperation', 'no', 403));
    const [machine] = (await group.describe()).machines;
    assert.deepEqual([machine?.state, machine?.ageMs], ['running', 0]);
  });

  it('says which key is wrong where there is no such group', async () => {
    const { fake, group } = await groupOf(0);
    Object.assign(fake, { name: 'other' });
    await assert.rejects(
      group.describe(),
      /no Auto Scaling Group "media".*sluice\.cloud\.media_group/,
    );
  });
});
