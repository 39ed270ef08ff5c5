import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, afterEach, before } from 'node:test';
import { LeaveRequest } from '@livekit/protocol';
import { RoomServiceClient } from 'livekit-server-sdk';
import { type ServerOptions, startServer, type TestServer } from '../../support/server';
import { until } from '../../support/wait';
import { offersAreWhole, RawClient, type RawClientOptions } from './raw-client';

const KINDS = ['router', 'transport', 'producer', 'consumer', 'data_producer', 'data_consumer'];

/** A server to be attacked, and a Room in which somebody minds their own business meanwhile. */
export interface Siege {
  readonly server: TestServer;
  readonly api: RoomServiceClient;
  /** The Room of the test that runs. */
  readonly room: string;
  /** Joins that Room; closed when the test ends. */
  join(identity: string, options?: Partial<RawClientOptions>): Promise<RawClient>;
  /** Opens a connection to that Room without waiting to be let in. */
  open(identity: string, options?: Partial<RawClientOptions>): Promise<RawClient>;
  /** Asserts that another participant of the Room, and a newcomer, are served as ever. */
  assertPeace(): Promise<void>;
}

/**
 * Starts a server of the project's own for all tests of this file.
 *
 * When they are over, it must be up, must have logged no error, and must hold no more media objects
 * than before: whatever a test sends, that is asserted.
 */
export function siege(options: ServerOptions = {}): Siege {
  let server: TestServer | undefined;
  let room = '';
  let bystander: RawClient | undefined;
  let log = '';
  const clients: RawClient[] = [];
  const started = (): TestServer => {
    if (server === undefined) throw new Error('used before the suite was set up');
    return server;
  };

  before(async () => {
    server = await startServer({
      alwaysOwn: true,
      ...options,
      config: {
        room: { empty_timeout: 1, departure_timeout: 1 },
        ...options.config,
        sluice: {
          workers: options.workers ?? 1,
          joins_per_second_by_address: 0,
          joins_per_second_by_key: 0,
          signal_messages_per_second: 100,
          ...(options.config?.['sluice'] as object | undefined),
        },
      },
    });
    await untilNoObjects(server);
  });

  after(async () => {
    if (server === undefined) return;
    const closing = server;
    try {
      await untilNoObjects(closing, 90_000);
      log += closing.takeLog();
      assertQuiet(log);
    } finally {
      await closing.close();
    }
  });

  const suite: Siege = {
    get server() {
      return started();
    },
    get api() {
      const { httpUrl, apiKey, apiSecret } = started();
      return new RoomServiceClient(httpUrl, apiKey, apiSecret);
    },
    get room() {
      room ||= `room-${randomUUID().slice(0, 8)}`;
      return room;
    },
    join: async (identity, more = {}) => {
      const client = await suite.open(identity, more);
      await client.message('join');
      return client;
    },
    open: async (identity, more = {}) => {
      const client = await RawClient.open(started(), { room: suite.room, identity, ...more });
      clients.push(client);
      return client;
    },
    assertPeace: async () => {
      bystander ??= await suite.join('bystander', { answers: true });
      assert.ok(await bystander.lives(), 'the bystander was closed');
      assert.equal(bystander.count('leave'), 0, 'the bystander was told to leave');
      assert.ok(offersAreWhole(bystander), 'the bystander was offered nonsense');
      const newcomer = await RawClient.join(started(), {
        room: suite.room,
        identity: `newcomer-${randomUUID()}`,
      });
      assert.ok(await newcomer.lives(), 'a newcomer was closed');
      newcomer.send({ case: 'leave', value: new LeaveRequest() });
      newcomer.close();
    },
  };

  afterEach(async (context) => {
    const failed = 'passed' in context && context.passed === false;
    for (const client of clients.splice(0)) client.close();
    bystander = undefined;
    const written = server?.takeLog() ?? '';
    log += written;
    if (failed) process.stderr.write(`--- server\n${written.split('\n').slice(-40).join('\n')}\n`);
    if (room !== '') await suite.api.deleteRoom(room).catch(() => undefined);
    room = '';
  });
  return suite;
}

/** The media objects of all workers, by kind. */
export async function mediaObjects(server: TestServer): Promise<Record<string, number>> {
  const response = await fetch(server.own?.metricsUrl ?? '', {
    signal: AbortSignal.timeout(5_000),
  });
  const text = await response.text();
  const count = (kind: string): number =>
    Number(
      new RegExp(`^sluice_media_objects{[^}]*kind="${kind}"[^}]*} (\\d+)`, 'm').exec(text)?.[1],
    );
  return Object.fromEntries(KINDS.map((kind) => [kind, count(kind)]));
}

export async function untilNoObjects(server: TestServer, timeoutMs = 10_000): Promise<void> {
  let last: Record<string, number> = {};
  await until(
    'the node to hold no media object',
    async () => {
      last = await mediaObjects(server);
      return Object.values(last).every((count) => count === 0);
    },
    { timeoutMs, intervalMs: 250, explain: () => JSON.stringify(last) },
  );
}

/** No error was logged, and nothing was written but log lines. */
export function assertQuiet(log: string): void {
  for (const line of log.split('\n').filter((one) => one !== '')) {
    assert.doesNotMatch(line, /unhandled|uncaught/i);
    assert.ok(line.startsWith('{'), `the server wrote ${line}`);
    assert.doesNotMatch(line, /"level":("error"|"fatal"|50|60)/);
  }
}
