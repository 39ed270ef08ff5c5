import { existsSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { DrainableJobs } from '../cluster/drain-jobs';
import type { NodeState } from '../cluster/node-record';
import type { SluiceConfig } from '../contract';
import type { Closers } from './closers';

/** LiveKit's own services that a machine can run beside its node. */
export const LIVEKIT_SERVICES = ['egress', 'ingress'] as const;
export type LiveKitService = (typeof LIVEKIT_SERVICES)[number];

/** How often it is looked whether the node still serves, and a service still runs, ms. */
const LOOK_MS = 1000;
/** What is wanted is said again after this, ms: who carries it out may have been at work just then. */
const AGAIN_MS = 10_000;
/** `sluice boot` and the units keep to it. */
const FOLDER = '/run/sluice/livekit';

/** What is wanted of the services: the words that image/bin/livekit-order knows. */
type Wanted = 'serve' | 'drain' | 'kill';

/** Whether a service belongs to the machine of this node. */
export const runsHere = (config: SluiceConfig, service: LiveKitService): boolean =>
  config.sluice.role !== 'master' &&
  config[service].service === 'livekit' &&
  config[service].image !== '';

export interface LiveKitUnitsOptions {
  /** Those that belong to this machine. */
  readonly services: readonly LiveKitService[];
  readonly state: () => NodeState;
  readonly log: Logger;
  /** @default /run/sluice/livekit */
  readonly folder?: string | undefined;
  /** @default 1000 */
  readonly lookMs?: number | undefined;
}

/**
 * LiveKit's own services on the machine of a node, which systemd runs. The node may stop none of them,
 * and writes down what it wants: when it drains they get SIGTERM, take nothing new and end when their
 * last job has; at the deadline they are killed; they run again when it serves again.
 */
export class LiveKitUnits {
  readonly #options: LiveKitUnitsOptions;
  readonly #folder: string;
  #wanted: Wanted | undefined;
  #saidMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: LiveKitUnitsOptions) {
    this.#options = options;
    this.#folder = options.folder ?? FOLDER;
  }

  /** From now on they follow the node. Once. */
  start(): void {
    if (this.#options.services.length === 0) return;
    this.#timer = setInterval(() => this.#look(), this.#options.lookMs ?? LOOK_MS);
    this.#look();
  }

  /** Those that run, as a drain sees them, with the other jobs of the node. */
  drainable(others: DrainableJobs): DrainableJobs {
    const own = (id: string): LiveKitService | undefined =>
      this.#options.services.find((service) => idOf(service) === id);
    return {
      jobs: () => [
        ...others.jobs(),
        ...this.#options.services.filter((service) => this.#isRunning(service)).map(idOf),
      ],
      kindOf: (id) => {
        const service = own(id);
        return service === undefined ? others.kindOf(id) : `livekit_${service}`;
      },
      handOver: async (id, leftMs) => {
        const service = own(id);
        if (service === undefined) return others.handOver(id, leftMs);
        this.#look();
        return !this.#isRunning(service);
      },
      stop: async (id) => {
        const service = own(id);
        if (service === undefined) return others.stop(id);
        this.#want('kill');
        while (this.#isRunning(service) && !this.#isClosed) {
          await sleep(this.#options.lookMs ?? LOOK_MS);
        }
      },
    };
  }

  /** They go on without the node. Idempotent. */
  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
  }

  /** systemd makes this folder when it starts one, and takes it away when it has ended. */
  #isRunning(service: LiveKitService): boolean {
    return existsSync(`${this.#folder}/running/${service}`);
  }

  #look(): void {
    if (this.#options.state() === 'serving') this.#want('serve');
    // Only a node that serves takes back what was meant to end them.
    else this.#want(this.#wanted === 'kill' ? 'kill' : 'drain');
  }

  #want(wanted: Wanted): void {
    const isNew = wanted !== this.#wanted;
    if (!isNew && performance.now() < this.#saidMs + AGAIN_MS) return;
    const { services, log } = this.#options;
    if (isNew && wanted !== 'serve') {
      log.info({ services }, `LiveKit's own services are told to ${WORDS[wanted]}`);
    }
    this.#wanted = wanted;
    this.#saidMs = performance.now();
    try {
      writeFileSync(`${this.#folder}/order/wanted`, `${wanted}\n`);
    } catch (err) {
      if (!isNew) return;
      log.warn(
        { err, services },
        `LiveKit's own services on this machine cannot be told to ${WORDS[wanted]}: units of \`install.sh\` run them, and \`sluice boot\` prepares that`,
      );
    }
  }
}

const WORDS: Readonly<Record<Wanted, string>> = { serve: 'run', drain: 'drain', kill: 'end now' };

const idOf = (service: LiveKitService): string => `livekit/${service}`;

/** Of a Media Node. */
export function liveKitUnits(options: {
  readonly config: SluiceConfig;
  readonly state: () => NodeState;
  readonly log: Logger;
  readonly closers: Closers;
}): LiveKitUnits {
  const { config, state, log, closers } = options;
  const services = LIVEKIT_SERVICES.filter((service) => runsHere(config, service));
  const units = new LiveKitUnits({ services, state, log });
  closers.add(() => units.close());
  return units;
}
