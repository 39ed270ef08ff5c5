/** The whole of it: real nodes with a real call, agents and a controller that speak to a fake of Azure. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { assertNoneDropped, type Call, startCalls, untilFlowing } from '../cluster/support/calls';
import { RustClients } from '../support/call-client-rust';
import { type ClusterNode, TestCluster } from '../support/cluster';
import { FakeAzure } from '../support/fake-azure/fake-azure';
import { FakeAzureMetadata } from '../support/fake-azure/fake-metadata';
import { FakeScaleSet } from '../support/fake-azure/fake-scale-set';
import { until } from '../support/wait';

const REPOSITORY = join(__dirname, '..', '..');
const folder = mkdtempSync(join(tmpdir(), 'sluice-azure-'));
const agents: { readonly process: ChildProcess; log: string }[] = [];
const services: FakeAzureMetadata[] = [];
const set = new FakeScaleSet();
let azure: FakeAzure;
let cluster: TestCluster;
let clients: RustClients;
let call: Call;

async function metadataOf(name: string): Promise<FakeAzureMetadata> {
  const service = await FakeAzureMetadata.start({ name, set, azure });
  services.push(service);
  return service;
}

/** A Media Node on a machine of the scale set, with its agent. */
async function startMachine(machineId: string): Promise<ClusterNode> {
  const { url } = await metadataOf(machineId);
  const sluice = {
    machine_id: machineId,
    cloud: { ...azure.cloud, metadata_url: url },
    drain: { patience: '0s' },
  };
  const node = await cluster.addMediaNode({ sluice });
  const config = join(folder, `${machineId}.yaml`);
  mkdirSync(join(folder, machineId));
  // JSON is YAML.
  writeFileSync(config, JSON.stringify(node.config), { mode: 0o600 });
  const args = ['--import', 'tsx', 'node-image/cli/main.ts', 'agent', '--config', config];
  const files = ['--boot-file', join(folder, 'none'), '--state-folder', join(folder, machineId)];
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, [...args, ...files], {
    cwd: REPOSITORY,
    env: { PATH, HOME },
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
const machineOf = ({ config }: ClusterNode): string =>
  String((config['sluice'] as { machine_id: string }).machine_id);

function readinessOf(machineId: string): string {
  try {
    return readFileSync(join(folder, machineId, 'ready.json'), 'utf8').trim();
  } catch {
    return 'not yet';
  }
}

describe('a scale set of Media Nodes on Azure', { timeout: 200_000 }, () => {
  before(async () => {
    azure = await FakeAzure.start(set);
    set.setCapacity(3);
    cluster = await TestCluster.start({ masters: 0, mediaNodes: 0 });
    clients = await RustClients.start();
  });
  after(async () => {
    for (const agent of agents) agent.process.kill('SIGTERM');
    await clients?.close();
    await cluster?.close();
    await Promise.all([azure.close(), ...services.map((service) => service.close())]);
    rmSync(folder, { recursive: true });
  });

  it('has machines that say when a call works through them', async () => {
    const ids = set.machines.map(({ name }) => name);
    for (const id of ids) await startMachine(id);
    const areReady = (): boolean => ids.every((id) => readinessOf(id) === '{}');
    await until('all machines to be ready', areReady, { timeoutMs: 60_000, explain });
    assert.match(explain(), /media by udp at 127\.0\.0\.1/);
  });

  it('moves a call away from a machine that is deleted, and approves that then', async () => {
    const { url } = await metadataOf('master');
    const ca = join(folder, 'ca.pem');
    writeFileSync(ca, azure.ca);
    process.env['NODE_EXTRA_CA_CERTS'] = ca;
    process.env['AZURE_POD_IDENTITY_AUTHORITY_HOST'] = url;
    set.tags = { 'sluice:min-nodes': '2', 'sluice:max-nodes': '3' };
    await cluster.addMaster({
      sluice: {
        cloud: { ...azure.cloud, identity: 'client-1', metadata_url: url },
        drain: { patience: '0s' },
        scaling: { group: 'azure', scale_in_after: '600s', headroom_rooms: 0, interval: '1s' },
      },
    });
    await cluster.untilServing();
    [call] = (await startCalls(cluster, clients, { name: 'ending' })) as [Call];
    const node = await cluster.roomNode(call.room);
    const machineId = machineOf(node);
    set.delete(machineId);
    assert.ok(set.machine(machineId), 'it is held by its terminate notification');
    await until('the machine to be gone', () => set.gone.includes(machineId), {
      timeoutMs: 40_000,
      explain: () => `${explain()}\n${cluster.log()}`,
    });
    assert.deepEqual(set.timedOut, [], 'it was approved');
    assert.notEqual((await cluster.roomNode(call.room)).nodeId, node.nodeId);
    await untilFlowing(call);
    await assertNoneDropped([call]);
    await node.kill();
  });

  it('is shrunk by draining a node first, and deleting exactly its machine then', async () => {
    const busy = machineOf(await cluster.roomNode(call.room));
    const victim = set.machines.find(({ name }) => name !== busy)?.name ?? '';
    const asked = azure.countOf('delete machine');
    set.tags = { 'sluice:min-nodes': '1', 'sluice:max-nodes': '1' };
    await until('one machine to be left', () => set.machines.length === 1, {
      timeoutMs: 60_000,
      explain: () => `${explain()}\n${cluster.log()}`,
    });
    assert.equal(set.machines[0]?.name, busy);
    assert.equal(set.capacity, 1);
    assert.equal(azure.countOf('delete machine') - asked, 1);
    assert.deepEqual([set.chosenByAzure, set.timedOut], [[], []]);
    const trail = (await cluster.admin().audit()).map(({ text }) => text).reverse();
    const drained = trail.findIndex((text) => /draining node .*max_nodes/.test(text));
    const ended = trail.findIndex((text) => text.startsWith(`ended machine ${victim}`));
    assert.ok(drained >= 0 && ended > drained, trail.join('\n'));
    await assertNoneDropped([call]);
  });

  it('has agents that end when they are told to', async () => {
    for (const agent of agents) {
      const ended = once(agent.process, 'exit');
      agent.process.kill('SIGTERM');
      assert.deepEqual(await ended, [0, null], agent.log);
    }
  });
});
