import { z } from 'zod';
import { AzureMetadataError, askMetadata, parsed } from './instance-metadata';

const PATH = 'scheduledevents?api-version=2020-07-01';
/** The first answer enables the events for this machine, which takes up to two minutes, ms. */
const FIRST_TIMEOUT_MS = 130_000;
const TIMEOUT_MS = 5000;

const eventSchema = z.object({
  EventId: z.string().min(1),
  EventType: z.string(),
  Resources: z.array(z.string()).default([]),
  EventStatus: z.string().default('Scheduled'),
  NotBefore: z.string().default(''),
  DurationInSeconds: z.number().default(-1),
});
const documentSchema = z.object({ Events: z.array(eventSchema) });

/** What is about to happen to machines, of which this one may be none. */
export interface ScheduledEvent {
  readonly id: string;
  /** Freeze, Reboot, Redeploy, Preempt, Terminate, or what Azure comes to add. */
  readonly type: string;
  /** Names of the machines that it happens to. */
  readonly machines: readonly string[];
  readonly isStarted: boolean;
  /** It does not start before, unless it is approved; ms since 1970. undefined: it has started. */
  readonly notBeforeMs: number | undefined;
  /** How long the machines pause; -1: not known. */
  readonly seconds: number;
}

export interface ScheduledEventsOptions {
  /** sluice.cloud.metadata_url */
  readonly url: string;
  /** Of the first request, ms. @default 130000 */
  readonly firstTimeoutMs?: number;
  /** Of the others, ms. @default 5000 */
  readonly timeoutMs?: number;
}

/**
 * What Azure is about to do to the machines of this one's scale set. To ask for it once a second is
 * what Azure recommends.
 *
 * Every method rejects with AzureMetadataError where there is no answer.
 * Source: learn.microsoft.com, "Azure Metadata Service: Scheduled Events for Linux VMs".
 */
export class ScheduledEvents {
  readonly #options: ScheduledEventsOptions;
  readonly #closed = new AbortController();
  #hasAnswered = false;

  constructor(options: ScheduledEventsOptions) {
    this.#options = options;
  }

  async list(): Promise<ScheduledEvent[]> {
    const { Events } = parsed(PATH, await this.#ask(), documentSchema);
    this.#hasAnswered = true;
    return Events.map((event): ScheduledEvent => {
      const notBeforeMs = Date.parse(event.NotBefore);
      return {
        id: event.EventId,
        type: event.EventType,
        machines: event.Resources,
        isStarted: event.EventStatus !== 'Scheduled',
        notBeforeMs: Number.isNaN(notBeforeMs) ? undefined : notBeforeMs,
        seconds: event.DurationInSeconds,
      };
    });
  }

  /** Lets an event start now, for all the machines that it is about. */
  async approve(id: string): Promise<void> {
    const { status } = await this.#ask({ StartRequests: [{ EventId: id }] });
    if (status !== 200) {
      throw new AzureMetadataError(
        `the metadata service answers ${status} to the approval of ${id}`,
      );
    }
  }

  /** Ends what is being asked. Idempotent. */
  close(): void {
    this.#closed.abort();
  }

  #ask(body?: unknown) {
    const { url, firstTimeoutMs = FIRST_TIMEOUT_MS, timeoutMs = TIMEOUT_MS } = this.#options;
    return askMetadata({
      url,
      path: PATH,
      timeoutMs: this.#hasAnswered ? timeoutMs : firstTimeoutMs,
      body,
      signal: this.#closed.signal,
    });
  }
}
