import {
  AvailabilityRequest,
  type AvailabilityResponse,
  JobAssignment,
  JobTermination,
  type ParticipantPermission,
  type Job as ProtoJob,
  type ServerMessage,
  type UpdateWorkerStatus,
  WorkerStatus,
} from '@livekit/protocol';
import type { AgentKind } from './agent-kind';

/** How long a worker may take to say whether it takes a job, in ms. Source: livekit-server. */
const AVAILABILITY_MS = 10_000;
/** A job shows in the load that a worker tells of after so long, in ms: that is measured every 2.5 s. */
const LOAD_SHOWS_MS = 5000;
/** What a job that was just given is taken to add to the load until then. */
const NEW_JOB_LOAD = 0.1;
/**
 * A worker that has refused is not asked for so long, in ms, and twice as long each time again: one of
 * agents-js that drains says that it is full, then free once more, and full, and refuses all along.
 */
const REFUSED_MS = 5000;
const MAX_REFUSED_MS = 60_000;

/** What a worker says of a job that it is offered. */
export type Offer =
  | { readonly answer: 'taken'; readonly response: AvailabilityResponse }
  /** `over`: nobody else is to be asked either. */
  | { readonly answer: 'refused' | 'over' | 'silent' | 'gone' };

export interface AgentWorkerOptions extends AgentKind {
  readonly id: string;
  /** With what it has registered: its agents join with this key. */
  readonly apiKey: string;
  readonly permissions: ParticipantPermission | undefined;
  readonly send: (message: ServerMessage['message']) => void;
  /** @default 10000 */
  readonly availabilityMs?: number | undefined;
  /** Monotonic, ms. @default performance.now */
  readonly now?: () => number;
}

/** A worker that has registered. What it says of itself is believed; what it keeps to itself is counted here. */
export class AgentWorker {
  readonly options: AgentWorkerOptions;
  readonly #offers = new Map<string, (offer: Offer) => void>();
  readonly #given: number[] = [];
  #reserved = 0;
  #status = WorkerStatus.WS_AVAILABLE;
  #load = 0;
  #refusals = 0;
  #refusedUntilMs = 0;
  #closed = false;

  constructor(options: AgentWorkerOptions) {
    this.options = options;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** 0 to 1: what it told last, and what was given to it since. */
  get load(): number {
    const since = this.#now() - LOAD_SHOWS_MS;
    while (this.#given[0] !== undefined && this.#given[0] < since) this.#given.shift();
    const load =
      this.#load + NEW_JOB_LOAD * (this.#given.length + this.#offers.size + this.#reserved);
    // 7 times 0.1 is 0.7.
    return Math.round(load * 1000) / 1000;
  }

  /** Why it gets no job now, for people; undefined: it may get one. */
  whyNot(targetLoad: number): string | undefined {
    if (this.load > targetLoad && this.isOpen) {
      return `its load is ${this.load.toFixed(2)}, which is above ${targetLoad} (agents.target_load)`;
    }
    return this.#whyClosed();
  }

  /** Whether it may be offered a job, whatever its load is. */
  get isOpen(): boolean {
    return this.#whyClosed() === undefined;
  }

  /** Keeps room for a job that it is offered soon: nobody fetches more jobs than it may get. @returns ends it, once */
  reserve(): () => void {
    this.#reserved += 1;
    let isOver = false;
    return () => {
      if (!isOver) this.#reserved -= 1;
      isOver = true;
    };
  }

  #whyClosed(): string | undefined {
    if (this.#closed) return 'it is gone';
    if (this.#status !== WorkerStatus.WS_AVAILABLE) return 'it says that it is full';
    if (this.#now() < this.#refusedUntilMs) return 'it has just refused, or not answered';
    return undefined;
  }

  update({ status, load }: UpdateWorkerStatus): void {
    if (status !== undefined) this.#status = status;
    if (Number.isFinite(load)) this.#load = Math.min(1, Math.max(0, load));
  }

  /** Asks whether it takes a job. */
  offer(job: ProtoJob, resuming: boolean): Promise<Offer> {
    if (this.#closed || this.#offers.has(job.id)) return Promise.resolve({ answer: 'gone' });
    return new Promise((resolve) => {
      const timer = setTimeout(() => settle({ answer: 'silent' }), this.#availabilityMs);
      const settle = (offer: Offer): void => {
        clearTimeout(timer);
        this.#offers.delete(job.id);
        this.#count(offer);
        resolve(offer);
      };
      this.#offers.set(job.id, settle);
      this.options.send({
        case: 'availability',
        value: new AvailabilityRequest({ job, resuming }),
      });
    });
  }

  /** It has answered. An answer that nobody waits for any more changes nothing. */
  answered(response: AvailabilityResponse): void {
    this.#offers.get(response.jobId)?.(
      response.available
        ? { answer: 'taken', response }
        : { answer: response.terminate ? 'over' : 'refused' },
    );
  }

  assign(job: ProtoJob, token: string): void {
    this.#refusals = 0;
    this.#given.push(this.#now());
    this.options.send({ case: 'assignment', value: new JobAssignment({ job, token }) });
  }

  /** The job is over, or another worker's. */
  terminate(jobId: string): void {
    this.options.send({ case: 'termination', value: new JobTermination({ jobId }) });
  }

  /** It has refused a job, or taken one in a way that is no good: it is left alone for a while. */
  hasRefused(): void {
    const forMs = Math.min(MAX_REFUSED_MS, REFUSED_MS * 2 ** this.#refusals);
    this.#refusals += 1;
    this.#refusedUntilMs = this.#now() + forMs;
  }

  /** Its connection is gone. Idempotent. */
  close(): void {
    this.#closed = true;
    for (const settle of [...this.#offers.values()]) settle({ answer: 'gone' });
  }

  #count({ answer }: Offer): void {
    if (answer === 'refused' || answer === 'silent') this.hasRefused();
  }

  get #availabilityMs(): number {
    return this.options.availabilityMs ?? AVAILABILITY_MS;
  }

  #now(): number {
    return (this.options.now ?? (() => performance.now()))();
  }
}
