import {
  type EgressInfo,
  type ListEgressRequest,
  ListRoomsRequest,
  type Room,
  type RoomCompositeEgressRequest,
  UpdateParticipantRequest,
  type UpdateStreamRequest,
} from '@livekit/protocol';
import { newId } from '../../room/ids';
import type { RoomControl } from '../../room/room-control';
import type { JobDispatcher } from '../job-dispatcher';
import { JobRequestError } from '../job-runner';
import type { JobStore } from '../job-store';
import { autoEgressId, ofRoom } from './auto-egress-requests';
import { EgressError } from './egress-error';
import { hasEnded, infoOfText, newEgressJob } from './egress-info';
import { type EgressRequest, specOf } from './from-request';
import type { SpecSealer } from './sealed-spec';
import type { DefaultStorage } from './storage-choice';

export interface EgressControlOptions {
  readonly jobs: Pick<JobDispatcher, 'start' | 'request' | 'stop'>;
  readonly store: Pick<JobStore, 'get' | 'list'>;
  readonly rooms: Pick<RoomControl, 'listRooms' | 'updateParticipant'>;
  readonly sealer: SpecSealer;
  readonly storage: DefaultStorage;
  /** @default Date.now */
  readonly now?: () => number;
}

/** What the server API can do to Egresses, wherever they run. */
export class EgressControl {
  readonly #options: EgressControlOptions;

  constructor(options: EgressControlOptions) {
    this.#options = options;
  }

  /** Whether it could be done, as far as that can be seen now. @throws EgressError */
  check(request: EgressRequest): void {
    specOf(request, this.#options.storage);
  }

  /** @throws EgressError, NoNodeError, RegistryUnavailableError */
  async start(request: EgressRequest): Promise<EgressInfo> {
    const { room } = specOf(request, this.#options.storage);
    const roomSid = room === '' ? '' : await this.#roomSid(room);
    return this.#start(newId('EG_'), request, roomSid);
  }

  /**
   * What is recorded of a Room from its start on: once, however often it is asked for.
   *
   * @throws EgressError, NoNodeError, RegistryUnavailableError
   */
  async startWithRoom(room: Room, wanted: RoomCompositeEgressRequest): Promise<EgressInfo> {
    const id = autoEgressId(room.sid, 'room');
    const known = await this.#options.store.get(id);
    if (known !== undefined) return infoOfText(known.info);
    return this.#start(id, ofRoom(wanted, room.name), room.sid);
  }

  async list({ roomName, egressId, active }: ListEgressRequest): Promise<EgressInfo[]> {
    const { store } = this.#options;
    if (egressId !== '') {
      const job = await store.get(egressId);
      const infos = job?.kind === 'egress' ? [infoOfText(job.info)] : [];
      return infos.filter((info) => !active || !hasEnded(info));
    }
    const jobs = await store.list({
      kind: 'egress',
      ...(roomName !== '' && { room: roomName }),
      ...(active && { running: true }),
    });
    // LiveKit's are sorted by when they began.
    return jobs.map((job) => infoOfText(job.info));
  }

  /** @throws EgressError, NodeSilentError, RegistryUnavailableError */
  async stop(egressId: string): Promise<EgressInfo> {
    await this.#running(egressId, 'stopped');
    return infoOfText(await this.#asked(() => this.#options.jobs.stop(egressId, 'StopEgress API')));
  }

  /** @throws EgressError, NodeSilentError, RegistryUnavailableError */
  async updateStream(request: UpdateStreamRequest): Promise<EgressInfo> {
    const { egressId, addOutputUrls: add, removeOutputUrls: remove } = request;
    await this.#running(egressId, 'updated');
    const body = JSON.stringify({ add, remove });
    const answer = () => this.#options.jobs.request(egressId, 'updateStream', body);
    return infoOfText(await this.#asked(answer));
  }

  /** The page reads the metadata of its own participant. @throws EgressError, RoomError */
  async updateLayout(egressId: string, layout: string): Promise<EgressInfo> {
    const info = await this.#running(egressId, 'updated');
    const { request } = info;
    const composite =
      request.case === 'roomComposite' ||
      (request.case === 'egress' && request.value.source.case === 'template');
    if (!composite) {
      throw new EgressError('invalid_argument', 'UpdateLayout is for room composites');
    }
    await this.#options.rooms.updateParticipant(
      new UpdateParticipantRequest({
        room: info.roomName,
        identity: egressId,
        metadata: JSON.stringify({ layout }),
      }),
    );
    return info;
  }

  async #start(id: string, request: EgressRequest, roomSid: string): Promise<EgressInfo> {
    const { jobs, sealer, storage, now } = this.#options;
    const job = newEgressJob({ id, request, roomSid, sealer, storage, now });
    return infoOfText((await jobs.start(job)).info);
  }

  async #running(egressId: string, what: string): Promise<EgressInfo> {
    if (egressId === '') {
      throw new EgressError('invalid_argument', 'request has missing or invalid field: egress_id');
    }
    const job = await this.#options.store.get(egressId);
    if (job?.kind !== 'egress') throw new EgressError('not_found', 'egress does not exist');
    const info = infoOfText(job.info);
    if (!hasEnded(info)) return info;
    const status = STATUS_NAMES[info.status] ?? '';
    const text = `egress with status ${status} cannot be ${what}`;
    throw new EgressError('failed_precondition', text);
  }

  async #asked(ask: () => Promise<string>): Promise<string> {
    try {
      return await ask();
    } catch (error) {
      if (error instanceof JobRequestError) {
        throw new EgressError(error.code, error.message, { cause: error });
      }
      throw error;
    }
  }

  async #roomSid(room: string): Promise<string> {
    const [found] = await this.#options.rooms.listRooms(new ListRoomsRequest({ names: [room] }));
    if (found === undefined) {
      throw new EgressError('not_found', 'requested room does not exist');
    }
    return found.sid;
  }
}

const STATUS_NAMES: Readonly<Record<number, string>> = {
  3: 'EGRESS_COMPLETE',
  4: 'EGRESS_FAILED',
  5: 'EGRESS_ABORTED',
  6: 'EGRESS_LIMIT_REACHED',
};
