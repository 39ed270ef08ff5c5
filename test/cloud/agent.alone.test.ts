/** The whole of it: real nodes with a real call, agents and a controller that speak to a fake of AWS. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { assertNoneDropped, type Call, startCalls, untilFlowing } from '../cluster/support/calls';
import { FakeAws } from '../support/aws/fake-aws';
import { FakeMetadata } from '../support/aws/fake-metadata';
import { FakeQueue } from '../support/aws/fake-queue';
import { FakeScalingGroup } from '../support/aws/fake-scaling-group';
import { RustClients } from '../support/call-client-rust';
import { type ClusterNode, TestCluster } from '../support/cluster';
import { until } from '../support/wait';

const REPOSITORY = join(__dirname, '..', '..');
const HOOKS = [
  {
    name: 'sluice-launching',
    transition: 'launching',
    heartbeatTimeout: 900,
    defaultResult: 'ABANDON',
  },
  {
    name: 'sluice-terminating',
    transition: 'terminating',
    heartbeatTimeout: 30,
    defaultResult: 'ABANDON',
  },
] as const;

const folder = mkdtempSync(join(tmpdir(), 'sluice-agent-'));
const agents: { readonly process: ChildProcess; log: string }[] = [];
const services: FakeMetadata[] = [];
const group = new FakeScalingGroup({ min: 3, max: 3, hooks: HOOKS });
const queue = new FakeQueue();
let aws: FakeAws;
let cluster: TestCluster;
let clients: RustClients;
let call: Call;
let env: Record<string, string>;

const cloudOf = (metadata_url: string) => ({
  kind: 'aws',
  media_group: 'media',
  notices_queue: `${aws.url}/1/notices`,
  metadata_url,
});

async function metadataOf(machineId: string): Promise<FakeMetadata> {
  const service = await FakeMetadata.start({ 'instance-id': machineId });
  services.push(service);
  const timer = setInterval(() => {
    group.expire();
    const state = group.targetStateOf(machineId);
    if (state !== undefined) service.values.set('autoscaling/target-lifecycle-state', state);
  }, 100);
  timer.unref();
  return service;
}

/** A Media Node on a machine of the group, with its agent. */
async function startMachine(machineId: string): Promise<ClusterNode> {
  const { url } = await metadataOf(machineId);
  const sluice = { machine_id: machineId, cloud: cloudOf(url), drain: { patience: '0s' } };
  const node = await cluster.addMediaNode({ sluice });
  const config = join(folder, `${machineId}.yaml`);
  const boot = join(folder, 'boot.json');
  // JSON is YAML.
  writeFileSync(config, JSON.stringify(node.config), { mode: 0o600 });
  writeFileSync(boot, JSON.stringify({ signal: { stack: 'Elastic', resource: 'MediaNodes' } }));
  const args = ['--import', 'tsx', 'node-image/cli/main.ts', 'agent'];
  const child = spawn(process.execPath, [...args, '--config', config, '--boot-file', boot], {
    cwd: REPOSITORY,
    env,
  });
  const agent = { process: child, log: '' };
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data) => {
      agent.log += String(data);
    });
  }
  agents.push(agent);
  return node;
}

const explain = (): string => agents.map(({ log }) => log).join('\n');

describe('an Auto Scaling Group of Media Nodes', { timeout: 180_000 }, () => {
  before(async () => {
    aws = await FakeAws.start(group, queue);
    aws.waitingStacks.add('Elastic');
    const { PATH = '', HOME = '' } = process.env;
    env = {
      PATH,
      HOME,
      AWS_ENDPOINT_URL: aws.url,
      AWS_REGION: 'eu-west-1',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
    };
    group.setDesired(3);
    cluster = await TestCluster.start({ masters: 0, mediaNodes: 0 });
    clients = await RustClients.start();
  });
  after(async () => {
    for (const agent of agents) agent.process.kill('SIGTERM');
    await clients?.close();
    await cluster?.close();
    await Promise.all([aws.close(), ...services.map((service) => service.close())]);
    rmSync(folder, { recursive: true });
  });

  it('has machines in service when a call works through them, and not before', async () => {
    const ids = group.machines.map(({ id }) => id);
    for (const id of ids) assert.equal(group.machine(id)?.state, 'Pending:Wait');
    for (const id of ids) await startMachine(id);
    const inService = (): boolean => group.machines.every(({ state }) => state === 'InService');
    await until('all machines to be in service', inService, { timeoutMs: 60_000, explain });
    assert.match(explain(), /media by udp at 127\.0\.0\.1/);
    await until('all machines to signal the stack', () => aws.signals.length === 3, { explain });
    assert.deepEqual(new Set(aws.signals.map(({ status }) => status)), new Set(['SUCCESS']));
    assert.deepEqual(aws.signals.map(({ uniqueId }) => uniqueId).sort(), ids.sort());
  });

  it('moves a call away from a machine that AWS ends, and lets it end then', async () => {
    for (const [name, value] of Object.entries(env)) process.env[name] = value;
    const cloud = cloudOf((await metadataOf('master')).url);
    await cluster.addMaster({
      sluice: {
        cloud,
        drain: { patience: '0s' },
        scaling: { group: 'aws', scale_in_after: '3s', headroom_rooms: 0, interval: '1s' },
      },
    });
    await cluster.untilServing();
    [call] = (await startCalls(cluster, clients, { name: 'ending' })) as [Call];
    const node = await cluster.roomNode(call.room);
    const machineId = String((node.config['sluice'] as { machine_id: string }).machine_id);
    group.min = 2;
    group.max = 2;
    group.terminate(machineId, true);
    await until('the machine to end', () => group.machine(machineId) === undefined, {
      timeoutMs: 30_000,
      explain,
    });
    assert.deepEqual(group.cutOff, [], 'not by the timeout of its hook');
    assert.notEqual((await cluster.roomNode(call.room)).nodeId, node.nodeId);
    await untilFlowing(call);
    await assertNoneDropped([call]);
    await node.kill();
  });

  it('is shrunk to what it may be by ending exactly the machine without a call', async () => {
    const node = await cluster.roomNode(call.room);
    const machineId = String((node.config['sluice'] as { machine_id: string }).machine_id);
    group.min = 1;
    await until('one machine to be left', () => group.machines.length === 1, {
      timeoutMs: 60_000,
      explain: () => `${explain()}\n${cluster.log()}`,
    });
    assert.equal(group.machines[0]?.id, machineId);
    assert.equal(group.desired, 1);
    assert.deepEqual(group.cutOff, []);
    await assertNoneDropped([call]);
    assert.equal(aws.countOf('TerminateInstanceInAutoScalingGroup'), 1);
  });

  it('has agents that end when they are told to', async () => {
    for (const agent of agents) {
      const ended = once(agent.process, 'exit');
      agent.process.kill('SIGTERM');
      assert.deepEqual(await ended, [0, null], agent.log);
    }
  });
});
