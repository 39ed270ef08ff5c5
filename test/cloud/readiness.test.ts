import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { becomeReady, type ReadinessListener } from '../../node-image/cloud/agent/readiness';
import { DeploymentSignal } from '../../node-image/cloud/aws/deployment-signal';
import { LifecycleHook } from '../../node-image/cloud/aws/lifecycle-hook';
import { quiet } from '../cluster/core-support';
import { FakeAws } from '../support/aws/fake-aws';
import { FakeScalingGroup } from '../support/aws/fake-scaling-group';

const LAUNCHING = {
  name: 'sluice-launching',
  transition: 'launching',
  heartbeatTimeout: 900,
  defaultResult: 'ABANDON',
} as const;

describe('a machine that starts', () => {
  let aws: FakeAws | undefined;
  const ends: AbortController[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0)) end.abort();
    await aws?.close();
  });

  async function machineOf() {
    const group = new FakeScalingGroup({ hooks: [LAUNCHING] });
    group.setDesired(1);
    const id = group.machines[0]?.id ?? '';
    aws = await FakeAws.start(group);
    const hook = new LifecycleHook({
      client: aws.clients.autoScaling,
      group: 'media',
      hook: LAUNCHING.name,
    });
    const client = aws.clients.cloudFormation;
    const stack = new DeploymentSignal({ client, stack: 'Elastic', resource: 'MediaNodes' });
    const listeners: ReadinessListener[] = [
      {
        name: 'hook',
        tell: (why) => hook.complete(id, why === undefined ? 'CONTINUE' : 'ABANDON'),
      },
      { name: 'stack', tell: (why) => stack.send(id, why) },
    ];
    const end = new AbortController();
    ends.push(end);
    const ready = (call: () => Promise<string>, withinMs = 5000): Promise<boolean> =>
      becomeReady({
        call,
        listeners,
        withinMs,
        log: quiet,
        signal: end.signal,
        pauseMs: 10,
        tellPauseMs: 10,
      });
    return { group, id, aws, ready, end };
  }

  it('is told to go on when a call works, which may take some attempts', async () => {
    const { group, id, aws, ready } = await machineOf();
    aws.waitingStacks.add('Elastic');
    let attempts = 0;
    const isReady = await ready(async () => {
      attempts += 1;
      assert.equal(group.machine(id)?.state, 'Pending:Wait');
      if (attempts < 3) throw new Error('the node is starting');
      return 'media';
    });
    assert.deepEqual([isReady, attempts], [true, 3]);
    assert.equal(group.machine(id)?.state, 'InService');
    assert.deepEqual(aws.signals, [
      { stack: 'Elastic', resource: 'MediaNodes', status: 'SUCCESS', uniqueId: id },
    ]);
  });

  it('is given up with the reason, which the events of the stack show', async () => {
    const { group, id, aws, ready } = await machineOf();
    aws.waitingStacks.add('Elastic');
    const why = 'no media port answers: udp 203.0.113.5:50000, tcp 203.0.113.5:7881';
    assert.equal(await ready(() => Promise.reject(new Error(why)), 50), false);
    assert.equal(group.machine(id), undefined);
    const [signal] = aws.signals;
    assert.equal(signal?.status, 'FAILURE');
    assert.equal(signal?.uniqueId, `${id} ${why}`.slice(0, 64));
  });

  it('tells again where AWS throttles, and tells one although the other fails', async () => {
    const { group, id, aws, ready } = await machineOf();
    aws.waitingStacks.add('Elastic');
    aws.fail('CompleteLifecycleAction', 3);
    await ready(async () => 'media');
    assert.equal(group.machine(id)?.state, 'InService');
    assert.equal(aws.signals.length, 1);
  });

  it('changes nothing where nobody waits any more: the agent was restarted', async () => {
    const { group, id, aws, ready } = await machineOf();
    group.complete(LAUNCHING.name, id, 'CONTINUE');
    assert.equal(await ready(async () => 'media'), true);
    assert.equal(await ready(() => Promise.reject(new Error('it drains')), 20), false);
    assert.equal(group.machine(id)?.state, 'InService');
    assert.deepEqual(aws.signals, []);
  });

  it('says nothing of itself where the agent is told to end', async () => {
    const { group, id, ready, end } = await machineOf();
    const outcome = ready(() => Promise.reject(new Error('not yet')));
    end.abort();
    assert.equal(await outcome, false);
    assert.equal(group.machine(id)?.state, 'Pending:Wait');
  });
});
