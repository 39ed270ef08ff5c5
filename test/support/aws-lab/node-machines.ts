import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClusterNode, Config, TestCluster } from '../cluster';
import { within } from '../wait';
import type { AwsLab } from './aws-lab';
import { type LabInstance, LabMachines, type Machine } from './lab-machines';
import type { MetadataMock } from './metadata-mock';

const REPOSITORY = join(__dirname, '..', '..', '..');

export interface NodeMachinesOptions {
  readonly lab: AwsLab;
  readonly stack: string;
  /** Its nodes are those of the machines. Start it without nodes. */
  readonly cluster: TestCluster;
  /** Over the configuration of every Media Node. @default none */
  readonly media?: Config;
  /** Over the configuration of every Master Node. @default none */
  readonly master?: Config;
}

/** A real node, with the agent beside it. */
export class NodeMachine implements Machine {
  readonly node: ClusterNode;
  readonly #agent: ChildProcess;
  #log = '';

  constructor(node: ClusterNode, agent: ChildProcess) {
    this.node = node;
    this.#agent = agent;
    for (const stream of [agent.stdout, agent.stderr]) {
      stream?.on('data', (data: Buffer) => {
        this.#log += data.toString();
      });
    }
  }

  /** What the agent wrote. */
  get agentLog(): string {
    return this.#log;
  }

  /** The agent is gone at once, and does not come back. */
  async killAgent(): Promise<void> {
    if (this.#agent.exitCode !== null || this.#agent.signalCode !== null) return;
    const ended = once(this.#agent, 'exit');
    this.#agent.kill('SIGKILL');
    await within('the agent to end', ended);
  }

  /** As a machine that is switched off. */
  async close(): Promise<void> {
    await Promise.all([this.killAgent(), this.node.kill()]);
  }
}

/**
 * Instances of a stack as real local nodes, each with a real agent that speaks to the lab: they serve
 * when a call through them works, and end when the lab ends the instance.
 */
export class NodeMachines {
  readonly #options: NodeMachinesOptions;
  readonly #machines: LabMachines;
  readonly #folder = mkdtempSync(join(tmpdir(), 'sluice-machines-'));

  constructor(options: NodeMachinesOptions) {
    this.#options = options;
    this.#machines = new LabMachines({
      lab: options.lab,
      group: `${options.stack}-`,
      boot: (instance, metadata) => this.#boot(instance, metadata),
    });
  }

  get instances(): LabInstance[] {
    return this.#machines.instances;
  }

  /** @throws Error where no such instance runs. */
  async machine(id: string): Promise<NodeMachine> {
    const found = await this.#machines.machine(id);
    if (found instanceof NodeMachine) return found;
    throw new Error(`${id} is no node`);
  }

  /** What all agents wrote that run now. */
  async log(): Promise<string> {
    const all = await Promise.all(this.instances.map(({ id }) => this.machine(id)));
    return all.map(({ node, agentLog }) => `${node.name}:\n${agentLog}`).join('\n');
  }

  /** Idempotent. */
  async close(): Promise<void> {
    await this.#machines.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #boot(instance: LabInstance, metadata: MetadataMock): Promise<NodeMachine> {
    const { lab, stack, cluster, media = {}, master = {} } = this.#options;
    const queues = await lab.resources(stack, 'AWS::SQS::Queue');
    const groups = await lab.resources(stack, 'AWS::AutoScaling::AutoScalingGroup');
    const isMaster = /Master/.test(instance.group);
    const mediaGroup = groups.find(({ logicalId }) => /MediaNodes/.test(logicalId))?.physicalId;
    const cloud = {
      kind: 'aws',
      // That of the Master Nodes may be there first: its name is the same but for one part.
      media_group: mediaGroup ?? instance.group.replace('MasterNodes', 'MediaNodes'),
      notices_queue: queues.find(({ logicalId }) => /Notices/.test(logicalId))?.physicalId ?? '',
      metadata_url: metadata.url,
    };
    const own = { machine_id: instance.id, cloud };
    const node = isMaster
      ? await cluster.addMaster(withSluice(master, own))
      : await cluster.addMediaNode(withSluice(media, own));
    return new NodeMachine(
      node,
      this.#startAgent(node, instance, await this.#resourceOf(instance)),
    );
  }

  /** What waits for the signal of this machine: its group, by the tag that CloudFormation puts on it. */
  async #resourceOf({ group }: LabInstance): Promise<string> {
    const { lab, stack } = this.#options;
    const template = await lab.template(stack);
    const part = /MasterNodes|MediaNodes/.exec(group)?.[0] ?? '';
    const found = Object.entries(template.Resources).find(
      ([id, { Type }]) => Type === 'AWS::AutoScaling::AutoScalingGroup' && id.includes(part),
    );
    if (found === undefined) throw new Error(`${stack} has no group of ${part}`);
    return found[0];
  }

  #startAgent(node: ClusterNode, { id }: LabInstance, resource: string): ChildProcess {
    const config = join(this.#folder, `${id}.yaml`);
    const boot = join(this.#folder, `${id}.json`);
    // JSON is YAML.
    writeFileSync(config, JSON.stringify(node.config), { mode: 0o600 });
    writeFileSync(boot, JSON.stringify({ signal: { stack: this.#options.stack, resource } }));
    const args = ['--import', 'tsx', 'node-image/cli/main.ts', 'agent'];
    const { PATH = '', HOME = '' } = process.env;
    return spawn(process.execPath, [...args, '--config', config, '--boot-file', boot], {
      cwd: REPOSITORY,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH, HOME, ...this.#options.lab.env },
    });
  }
}

function withSluice(config: Config, sluice: Config): Config {
  return { ...config, sluice: { ...(config['sluice'] as Config | undefined), ...sluice } };
}
