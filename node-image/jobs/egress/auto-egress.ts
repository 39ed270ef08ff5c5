import { setTimeout as sleep } from 'node:timers/promises';
import {
  EgressStatus,
  type ParticipantInfo,
  ParticipantInfo_Kind,
  type RoomEgress,
  type Room as RoomInfo,
  type TrackInfo,
} from '@livekit/protocol';
import type { Logger } from 'pino';
import type { LocalRooms } from '../../room/local-rooms';
import type { Room } from '../../room/room';
import type { RoomObserver } from '../../room/room-observer';
import { PatientTasks } from '../agents/patient-tasks';
import type { JobStore } from '../job-store';
import { autoEgressId, ofParticipant, ofRoom, ofTrack, stayEgressId } from './auto-egress-requests';
import { infoOfText, newEgressJob } from './egress-info';
import type { EgressRequest } from './from-request';
import type { SpecSealer } from './sealed-spec';
import type { DefaultStorage } from './storage-choice';

export interface AutoEgressOptions {
  readonly store: Pick<JobStore, 'create' | 'list'>;
  readonly sealer: SpecSealer;
  readonly storage: DefaultStorage;
  /** Whether somebody else than a node may run them. @default false */
  readonly keepsRequest?: boolean;
  /** The Rooms of this node. */
  readonly rooms: () => Pick<LocalRooms, 'get'>;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  /** See STAY_MS. */
  readonly stayMs?: number;
}

/** By then a recording of somebody who has left, and is back, has noticed; in ms. */
const STAY_MS = 5000;

/**
 * Makes the Egresses that start with the Rooms of this node, with their participants and their tracks.
 * Where they run is none of its business: they wait in the store of jobs until they are placed.
 *
 * Source: RoomEgress, livekit_room.proto.
 */
export class AutoEgress implements RoomObserver {
  readonly #options: AutoEgressOptions;
  readonly #tasks: PatientTasks;

  constructor(options: AutoEgressOptions) {
    this.#options = options;
    this.#tasks = new PatientTasks(options.log);
  }

  roomStarted({ name, sid }: RoomInfo): void {
    // The Room that observers are told of is among those of the node a moment later.
    setImmediate(() => {
      const room = this.#options.rooms().get(name);
      const wanted = room?.sid === sid ? this.#wanted(room)?.room : undefined;
      if (room === undefined || wanted === undefined) return;
      this.#start(room, autoEgressId(sid, 'room'), ofRoom(wanted, name));
    });
  }

  participantJoined({ name }: RoomInfo, info: ParticipantInfo): void {
    const { identity, sid, kind, permission } = info;
    const room = this.#options.rooms().get(name);
    const wanted = room && this.#wanted(room)?.participant;
    const records = kind === ParticipantInfo_Kind.EGRESS || permission?.recorder === true;
    if (room === undefined || wanted === undefined || records || permission?.hidden === true) {
      return;
    }
    const { id, stays } = stayEgressId(room.sid, identity, sid);
    const isThere = (): boolean => room.participants.get(identity)?.sid === sid;
    this.#start(room, id, ofParticipant(wanted, name, identity), { stays, isThere });
  }

  trackPublished({ name }: RoomInfo, _participant: ParticipantInfo, { sid }: TrackInfo): void {
    const room = this.#options.rooms().get(name);
    const wanted = room && this.#wanted(room)?.tracks;
    if (room === undefined || wanted === undefined) return;
    this.#start(room, autoEgressId(room.sid, sid), ofTrack(wanted, name, sid));
  }

  /** Idempotent. */
  close(): void {
    this.#tasks.close();
  }

  #wanted(room: Room): RoomEgress | undefined {
    const { sealer, log } = this.#options;
    if (room.autoEgress === undefined) return undefined;
    try {
      return sealer.openRoom(room.name, room.autoEgress);
    } catch (error) {
      log.warn({ err: error, room: room.name }, 'what is to be recorded of a Room cannot be read');
      return undefined;
    }
  }

  #start(
    room: Room,
    id: string,
    request: EgressRequest,
    stay?: { readonly stays: string; readonly isThere: () => boolean },
  ): void {
    const { store, sealer, storage, keepsRequest, log, stayMs = STAY_MS } = this.#options;
    const isWanted = (): boolean => !room.closed && stay?.isThere() !== false;
    void this.#tasks.run('to start an automatic Egress', isWanted, async () => {
      if (stay !== undefined && (await this.#isRecorded(room.name, stay.stays))) {
        // Its Room has lost its node, and the recording goes on; or it ends just now.
        await sleep(stayMs, undefined, { ref: false });
        if (!isWanted() || (await this.#isRecorded(room.name, stay.stays))) return;
      }
      const job = newEgressJob({ id, request, roomSid: room.sid, sealer, storage, keepsRequest });
      if ((await store.create(job)) === undefined) return;
      log.info({ room: room.name, egress: id, request: request.case }, 'an automatic Egress');
    });
  }

  /** Whether an earlier stay of the participant still is. */
  async #isRecorded(room: string, stays: string): Promise<boolean> {
    const jobs = await this.#options.store.list({ kind: 'egress', room, running: true });
    return jobs.some(
      ({ id, info }) =>
        id.startsWith(stays) && infoOfText(info).status < EgressStatus.EGRESS_ENDING,
    );
  }
}
