import { parseEnv } from 'node:util';
import type { Logger } from 'pino';
import type { DrainableJobs } from '../cluster/drain-jobs';
import type { Ledger } from '../cluster/ledger';
import type { NodeState } from '../cluster/node-record';
import type { SluiceConfig } from '../contract';
import { type AgentContainer, AgentUnits, containerName } from './agent-units';
import type { Closers } from './closers';
import { type ConfigFiles, diskFiles, readSecretFile } from './config/secrets';
import { SupervisedProcess } from './local/supervised-process';
import type { MediaPlane } from './media-plane';
import { withParent } from './with-parent';

/** How often it is looked whether one is to be started or ended, ms. */
const LOOK_MS = 1000;
/** One that finds no room, or whose file cannot be read, is tried again after this, ms. */
const AGAIN_MS = 10_000;
/** A worker that drains ends by itself; who has to wait longer than this has no deadline, ms. */
const PATIENCE_MS = 2 ** 31 - 1;
/** Of a node that ends without a drain, ms. */
const END_MS = 10_000;
/** Longer lines of a worker's are cut, in characters. */
const MAX_LINE = 2000;
/** What a worker gets of the node's own environment, which has secrets. */
const PASSED_ON = ['PATH', 'HOME', 'LANG', 'TZ'] as const;

export interface OwnAgentsOptions {
  /** `sluice.agents` */
  readonly agents: SluiceConfig['sluice']['agents'];
  readonly ledger: Pick<Ledger, 'reserve' | 'release'>;
  readonly state: () => NodeState;
  readonly log: Logger;
  /** @default the disk */
  readonly files?: ConfigFiles | undefined;
  /** @default 1000 */
  readonly lookMs?: number | undefined;
  /** Where containers are told what is wanted. @default /run/sluice/agents */
  readonly unitsFolder?: string | undefined;
}

type OwnAgent = OwnAgentsOptions['agents'][number];

interface Slot {
  /** Of its reservation: "agent greeter 1". */
  readonly id: string;
  /** Of its container: "greeter-1". */
  readonly container: string;
  readonly agent: OwnAgent;
  process: SupervisedProcess | AgentContainer | undefined;
  ending: Promise<unknown> | undefined;
  tryAgainMs: number;
}

/**
 * The workers of agents that a node starts: they run while it serves, and are started again when they
 * die. When the node drains they are asked to end, which they do when their jobs have ended; at the
 * deadline they are ended.
 */
export class OwnAgents {
  readonly #options: OwnAgentsOptions;
  readonly #slots: readonly Slot[];
  readonly #units: AgentUnits;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: OwnAgentsOptions) {
    const { agents, log, lookMs, unitsFolder } = options;
    this.#options = options;
    this.#slots = agents.flatMap((agent) =>
      Array.from({ length: agent.count }, (_one, index) => ({
        ...{ id: `agent ${agent.name} ${index + 1}`, agent, tryAgainMs: 0 },
        ...{ container: containerName(agent, index), process: undefined, ending: undefined },
      })),
    );
    this.#units = new AgentUnits({ log, folder: unitsFolder, lookMs });
  }

  /** From now on they run while the node serves. Once. */
  start(): void {
    if (this.#slots.length > 0) {
      this.#timer = setInterval(() => this.#look(), this.#options.lookMs ?? LOOK_MS);
    }
  }

  /** Of those that run: what they use is covered by their reservations. */
  pids(): number[] {
    return this.#slots.flatMap(({ process }) => process?.pid ?? []);
  }

  /** Those that run, as a drain sees them, with the other jobs of the node. */
  drainable(others: DrainableJobs): DrainableJobs {
    const own = (id: string): Slot | undefined => this.#slots.find((slot) => slot.id === id);
    return {
      jobs: () => [
        ...others.jobs(),
        ...this.#slots.flatMap(({ id, process }) => (process === undefined ? [] : [id])),
      ],
      kindOf: (id) => (own(id) === undefined ? others.kindOf(id) : 'agent_worker'),
      handOver: async (id, leftMs) => {
        const slot = own(id);
        if (slot === undefined) return others.handOver(id, leftMs);
        void this.#end(slot, 'SIGTERM', PATIENCE_MS);
        return slot.process === undefined;
      },
      stop: async (id) => {
        const slot = own(id);
        if (slot === undefined) await others.stop(id);
        else await this.#end(slot, 'SIGKILL', 0);
      },
    };
  }

  /** Idempotent. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#slots.map((slot) => this.#end(slot, 'SIGTERM', END_MS)));
    this.#units.close();
  }

  #look(): void {
    const isServing = this.#options.state() === 'serving';
    for (const slot of this.#slots) {
      if (!isServing) void this.#end(slot, 'SIGTERM', PATIENCE_MS);
      else if (slot.process === undefined && performance.now() >= slot.tryAgainMs) {
        this.#start(slot);
      }
    }
  }

  #start(slot: Slot): void {
    const { ledger, log } = this.#options;
    const { id, agent } = slot;
    const child = log.child({ agent: id });
    slot.tryAgainMs = performance.now() + AGAIN_MS;
    const env =
      agent.image === '' ? this.#environment(agent.name, agent.env_file, child) : undefined;
    if (agent.image === '' && env === undefined) return;
    const cost = { cpus: agent.cpus, memoryBytes: agent.memory };
    if (!ledger.reserve({ id, kind: 'agent', cost })) {
      child.warn(cost, 'there is no room on this node for a worker of agents yet');
      return;
    }
    slot.process = env === undefined ? this.#contain(slot, child) : run(slot, env, child);
  }

  #contain({ container, agent }: Slot, log: Logger): AgentContainer {
    const { image } = agent;
    log.info({ image }, 'the container of a worker of agents is to run');
    return this.#units.start(container, (isRunning) => {
      if (isRunning) log.info('the container of a worker of agents runs');
      else {
        const where = `journalctl -u sluice-agents@${container}`;
        log.warn(`the container of a worker of agents has ended, and is started again: ${where}`);
      }
    });
  }

  #end(slot: Slot, ask: 'SIGTERM' | 'SIGKILL', patienceMs: number): Promise<unknown> {
    const { process } = slot;
    if (process === undefined) return Promise.resolve();
    // Asked once; but what ends it sooner is always done.
    if (slot.ending !== undefined && patienceMs === PATIENCE_MS) return slot.ending;
    slot.ending = process.stop(ask, patienceMs).then(() => {
      if (slot.process !== process) return;
      slot.process = undefined;
      slot.ending = undefined;
      slot.tryAgainMs = 0;
      this.#options.ledger.release(slot.id);
    });
    return slot.ending;
  }

  /** @returns undefined where its file cannot be used, which is logged. */
  #environment(name: string, path: string, log: Logger): NodeJS.ProcessEnv | undefined {
    const problems: string[] = [];
    const { files = diskFiles } = this.#options;
    const text = readSecretFile(path, `sluice.agents (${name}) env_file`, files, problems);
    if (text === undefined) {
      log.error(`${problems[0] ?? `${path} cannot be read`}; the worker is not started`);
      return undefined;
    }
    const passedOn = PASSED_ON.map((each) => [each, process.env[each]] as const);
    return {
      ...Object.fromEntries(passedOn.filter(([, value]) => value !== undefined)),
      ...parseEnv(text),
    };
  }
}

function run({ id, agent }: Slot, env: NodeJS.ProcessEnv, log: Logger): SupervisedProcess {
  log.info({ command: agent.command }, 'a worker of agents is started');
  // One whose node is killed would be beside the one that its node starts anew.
  const [command, args] = withParent(agent.command, agent.args);
  return new SupervisedProcess({
    ...{ name: id, command, args, env },
    ...(agent.folder !== '' && { folder: agent.folder }),
    onLine: (line) => log.info({ from: 'worker' }, line.slice(0, MAX_LINE)),
    onDeath: (how, againInMs) =>
      log.warn({ againInMs }, `a worker of agents ${how}; it is started again`),
  });
}

/** The workers of agents of a node that has Rooms and runs jobs: they count in its ledger. */
export function ownAgents(options: {
  readonly config: SluiceConfig;
  readonly plane: Pick<MediaPlane, 'ledger' | 'meterJobs'>;
  readonly state: () => NodeState;
  readonly log: Logger;
  readonly closers: Closers;
}): OwnAgents {
  const { config, plane, state, log, closers } = options;
  const own = new OwnAgents({ agents: config.sluice.agents, ledger: plane.ledger, state, log });
  closers.add(() => own.close());
  plane.meterJobs(() => own.pids());
  return own;
}
