import type { ClientEvent, ClientStatus, SmallClientOptions } from './small-client-protocol';

/** A participant of a test's call, whatever its SDK. */
export interface CallClient {
  readonly identity: string;
  readonly sdk: 'rust' | 'js';
  /** What it has seen since a moment, ms since 1970. @default - since it joined */
  status(sinceMs?: number): Promise<ClientStatus>;
  leave(): Promise<void>;
}

/** What makes clients of one SDK. */
export interface CallClients {
  /** Joins, and publishes a small picture and a tone. @throws Error where the SDK gives up. */
  join(
    identity: string,
    url: string,
    token: string,
    options?: SmallClientOptions,
  ): Promise<CallClient>;
  /** Ends them all. Idempotent. */
  close(): Promise<void>;
}

/** Whether the SDK has given up by itself, so that somebody has to call again: a dropped call. */
export function wasDropped({ events, state }: ClientStatus): boolean {
  return state === 'disconnected' || events.some(({ name }) => name === 'disconnected');
}

/** The first event of a name. */
export function firstEvent(
  { events }: ClientStatus,
  name: ClientEvent['name'],
): ClientEvent | undefined {
  return events.find((event) => event.name === name);
}
