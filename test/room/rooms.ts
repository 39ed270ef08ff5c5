import { ICEServer, type RoomConfiguration, ServerInfo } from '@livekit/protocol';
import type { WorkerPool } from '../../node-image/media/worker-pool';
import type { Grants } from '../../node-image/room/grants';
import { LocalRooms, type LocalRoomsOptions } from '../../node-image/room/local-rooms';
import type { Participant } from '../../node-image/room/participant';
import type { Room } from '../../node-image/room/room';
import type { RoomObserver } from '../../node-image/room/room-observer';
import type { RoomSettings } from '../../node-image/room/room-settings';
import { log, startPool } from '../media/support/media';
import { FakeSink, grants, JOIN } from './fakes';
import { SoleOwnership } from './sole-ownership';

export interface TestRoomsOptions {
  readonly presets?: ReadonlyMap<string, RoomConfiguration>;
  readonly settings?: Partial<RoomSettings>;
  readonly rooms?: Partial<LocalRoomsOptions>;
  /** @default 1 */
  readonly workers?: number;
}

/** The Rooms of a node with real workers, whose clock the test moves. */
export class TestRooms {
  nowMs = Date.now();
  /** What observers were told, as "event identity-or-room". */
  readonly events: string[] = [];
  readonly rooms: LocalRooms;

  private constructor(
    readonly pool: WorkerPool,
    options: TestRoomsOptions,
  ) {
    this.rooms = new LocalRooms({
      pool,
      ownership: new SoleOwnership(() => this.nowMs),
      settings: {
        enabledCodecs: [],
        dynacastPauseDelayMs: 5000,
        audioActiveLevel: 35,
        audioIntervalMs: 500,
        audioSmoothIntervals: 2,
        updateBatchBytes: 128_000,
        enableRemoteUnmute: false,
        syncStreams: false,
        subscriptionLimits: { video: 0, audio: 0 },
        enableDataTracks: true,
        tracksPerWorker: 0,
        joinTimeoutMs: 60_000,
        lostGraceMs: 5000,
        answerTimeoutMs: 15_000,
        ...options.settings,
      },
      defaults: { emptyTimeout: 300, departureTimeout: 20, maxParticipants: 0, syncStreams: false },
      presets: options.presets ?? new Map(),
      observer: this.#observer(),
      log,
      serverInfo: new ServerInfo({ version: '1.2.3', nodeId: 'ND_test' }),
      iceServers: ({ sid }) => [new ICEServer({ urls: [`turn:${sid}`] })],
      now: () => this.nowMs,
      ...options.rooms,
    });
  }

  static async start(options: TestRoomsOptions = {}): Promise<TestRooms> {
    return new TestRooms(await startPool(options.workers), options);
  }

  close(): void {
    this.rooms.close();
    this.pool.close();
  }

  /** Lets somebody into a Room. */
  async join(
    room: Room,
    identity: string,
    changes: { readonly grants?: Partial<Grants>; readonly video?: Partial<Grants['video']> } = {},
    sink = new FakeSink(),
  ): Promise<{ participant: Participant; sink: FakeSink }> {
    const token = { ...grants(identity, changes.video), ...changes.grants };
    return { participant: await room.join(token, JOIN, sink, () => {}), sink };
  }

  #observer(): RoomObserver {
    const note =
      (event: string) =>
      (room: { name: string }, participant?: { identity: string }): void => {
        this.events.push(`${event} ${participant?.identity ?? room.name}`);
      };
    return {
      roomStarted: note('started'),
      roomFinished: note('finished'),
      roomArrived: note('arrived'),
      roomDeparted: note('departed'),
      participantArrived: note('expected'),
      participantRejoined: note('rejoined'),
      participantDeparted: note('sent-on'),
      participantJoined: note('joined'),
      participantLeft: note('left'),
      participantConnectionAborted: note('aborted'),
    };
  }
}
