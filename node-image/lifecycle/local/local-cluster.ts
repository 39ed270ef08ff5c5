import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { LogLevel } from '../../contract';
import { GroupServer } from './group-server';
import { LocalGroup, type LocalMachine } from './local-group';
import { LocalRedis } from './local-redis';
import {
  type LocalClusterFacts,
  type LocalSettings,
  writeMasterConfig,
  writeMediaConfig,
} from './node-config';
import { NodeProcess, type NodeProgram, NodeStartError } from './node-process';
import { findSlotPorts, MAX_BASES } from './slot-ports';

export interface LocalClusterOptions {
  /** Path of redis-server. */
  readonly redisServer: string;
  readonly program: NodeProgram;
  /** Of the master, for clients. */
  readonly port: number;
  /** Of the master, for encoders. */
  readonly rtmpPort: number;
  /** Media Nodes at first, at least and at most. */
  readonly nodes: { readonly initial: number; readonly min: number; readonly max: number };
  readonly settings?: LocalSettings | undefined;
  readonly level: LogLevel;
  readonly print: (line: string) => void;
}

/** In the folder that it is started in. */
const RECORDINGS = 'recordings';
const START_MS = 60_000;
/** A Media Node that is taken away has been drained: it has nothing left to do. ms. */
const TERMINATE_MS = 20_000;
/** Together below the 10 s that somebody waits who pressed Ctrl-C, ms. */
const STOP_MEDIA_MS = 4000;
const STOP_MASTER_MS = 3000;
const STOP_REDIS_MS = 2000;

/** Redis, one Master Node and several Media Nodes: processes of this computer. */
export class LocalCluster {
  readonly #options: LocalClusterOptions;
  readonly #media = new Map<string, NodeProcess>();
  readonly #bases = new Map<string, number>();
  readonly #group: LocalGroup;
  #reserving: Promise<unknown> = Promise.resolve();
  #folder = '';
  #facts: LocalClusterFacts | undefined;
  #redis: LocalRedis | undefined;
  #master: NodeProcess | undefined;
  #server: GroupServer | undefined;
  #closing: Promise<void> | undefined;
  #hurry = false;

  private constructor(options: LocalClusterOptions) {
    this.#options = options;
    this.#group = new LocalGroup({
      maxMachines: Math.min(options.nodes.max, MAX_BASES),
      start: (id) => this.#startMedia(id),
    });
  }

  /**
   * Starts all of it. What was started is ended again where that fails, or `signal` aborts.
   *
   * @throws LocalRedisError, NodeStartError with a text that says why; the signal's reason.
   */
  static async start(options: LocalClusterOptions, signal: AbortSignal): Promise<LocalCluster> {
    const cluster = new LocalCluster(options);
    const aborted = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    const starting = cluster.#start(signal);
    // Only one of them is waited for; the other must not count as unhandled.
    starting.catch(() => {});
    aborted.catch(() => {});
    try {
      await Promise.race([starting, aborted]);
      return cluster;
    } catch (error) {
      await cluster.#stopAll();
      await starting.catch(() => {});
      // With what was just being started.
      await cluster.#close();
      throw error;
    }
  }

  /** Ends all of it in order, within 10 s. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Ends all of it without any order, because somebody cannot wait. */
  kill(): void {
    this.#hurry = true;
    for (const node of [...this.#media.values(), this.#master]) {
      void node?.stopNow(0);
    }
    void this.#redis?.close(0);
  }

  async #start(signal: AbortSignal): Promise<void> {
    const { nodes, port, rtmpPort, program, redisServer, settings, level, print } = this.#options;
    this.#folder = await mkdtemp(join(tmpdir(), 'sluice-'));
    signal.throwIfAborted();
    const redis = await LocalRedis.start(
      {
        program: redisServer,
        folder: this.#folder,
        env: program.env,
        onDeath: (how, againInMs) =>
          print(`redis     ${how}; it is started again in ${againInMs / 1000} s`),
      },
      signal,
    );
    this.#redis = redis;
    signal.throwIfAborted();
    const facts: LocalClusterFacts = {
      folder: this.#folder,
      redis: { address: redis.address, password: redis.password },
      clusterSecret: randomBytes(32).toString('hex'),
      port,
      rtmpPort,
      groupSocket: join(this.#folder, 'group.sock'),
      minNodes: nodes.min,
      maxNodes: nodes.max,
      recordings: resolve(RECORDINGS),
      settings,
    };
    this.#facts = facts;
    await this.#group.grow(nodes.initial);
    signal.throwIfAborted();
    // Only now: the controller must not find a group that is still being filled.
    this.#server = await GroupServer.listen({ group: this.#group, socket: facts.groupSocket });
    signal.throwIfAborted();
    const configFile = await writeMasterConfig(facts);
    signal.throwIfAborted();
    const master = new NodeProcess({ name: 'master', program, configFile, level, print });
    this.#master = master;
    const first = [...this.#media.values(), master];
    await Promise.all(first.map((node) => node.whenServing(START_MS)));
  }

  async #startMedia(id: string): Promise<LocalMachine> {
    const { program, level, print } = this.#options;
    const facts = this.#facts;
    const taken = await this.#reservePorts(id);
    if (facts === undefined || taken === undefined) {
      throw new NodeStartError(`${id} finds no free ports: each base of ports is in use`);
    }
    const configFile = await writeMediaConfig(facts, id, taken);
    const node = new NodeProcess({ name: id, program, configFile, level, print });
    this.#media.set(id, node);
    return {
      isServing: () => node.isServing(),
      stop: async () => {
        await node.stop(TERMINATE_MS);
        this.#media.delete(id);
        this.#bases.delete(id);
      },
      stopNow: () => node.stopNow(this.#hurry ? 0 : STOP_MEDIA_MS),
    };
  }

  /** One after the other, so that two that start together do not choose the same. */
  #reservePorts(id: string): ReturnType<typeof findSlotPorts> {
    const next = this.#reserving.then(async () => {
      const ports = await findSlotPorts(new Set(this.#bases.values()));
      if (ports !== undefined) {
        this.#bases.set(id, ports.base);
      }
      return ports;
    });
    this.#reserving = next.catch(() => undefined);
    return next;
  }

  async #close(): Promise<void> {
    await this.#stopAll();
    if (this.#folder !== '') {
      await rm(this.#folder, { recursive: true, force: true });
    }
  }

  /** Can be done again. */
  async #stopAll(): Promise<void> {
    await this.#server?.close();
    // First, while the master still passes on what clients are told.
    await this.#group.close();
    await this.#master?.stopNow(this.#hurry ? 0 : STOP_MASTER_MS);
    await this.#redis?.close(this.#hurry ? 0 : STOP_REDIS_MS);
  }
}
