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
import { JobRequestError } from '../job-runner';
import type { JobStore } from '../job-store';
import { checkWebhooks } from './asked-webhooks';
import { autoEgressId, ofRoom } from './auto-egress-requests';
import { EgressError } from './egress-error';
import { hasEnded, infoOfText } from './egress-info';
import type { EgressLauncher } from './egress-launcher';
import type { EgressRequest } from './from-request';

export interface EgressControlOptions {
  readonly launcher: EgressLauncher;
  readonly store: Pick<JobStore, 'get' | 'list'>;
  readonly rooms: Pick<RoomControl, 'listRooms' | 'updateParticipant'>;
  /** Whether this is one of the API keys, which webhooks of a request may be signed with. */
  readonly knowsKey: (apiKey: string) => boolean;
}

/** What the server API can do to Egresses, wherever they run. */
export class EgressControl {
  readonly #options: EgressControlOptions;

  constructor(options: EgressControlOptions) {
    this.#options = options;
  }

  /** Whether it could be done, as far as that can be seen now. @throws EgressError */
  check(request: EgressRequest): void {
    this.#options.launcher.check(request);
    checkWebhooks(request, this.#options.knowsKey);
  }

  /** @throws EgressError, NoNodeError, PsrpcError, RegistryUnavailableError */
  async start(request: EgressRequest): Promise<EgressInfo> {
    const { launcher, knowsKey } = this.#options;
    checkWebhooks(request, knowsKey);
    const room = launcher.roomOf(request);
    const roomSid = room === '' ? '' : await this.#roomSid(room);
    return launcher.start(newId('EG_'), request, roomSid);
  }

  /**
   * What is recorded of a Room from its start on: once, however often it is asked for.
   *
   * @returns undefined where the node of the Room has it started.
   * @throws EgressError, NoNodeError, RegistryUnavailableError
   */
  async startWithRoom(
    room: Room,
    wanted: RoomCompositeEgressRequest,
  ): Promise<EgressInfo | undefined> {
    const { launcher, store } = this.#options;
    const id = autoEgressId(room.sid, 'room');
    const known = await store.get(id);
    if (known !== undefined) return infoOfText(known.info);
    // Two would ask for it: the node of the Room makes a job of it as well.
    if (launcher.takesWaiting) return undefined;
    return launcher.start(id, ofRoom(wanted, room.name), room.sid);
  }

  list(request: ListEgressRequest): Promise<EgressInfo[]> {
    return listEgresses(this.#options.store, request);
  }

  /** @throws EgressError, NodeSilentError, PsrpcError, RegistryUnavailableError */
  async stop(egressId: string): Promise<EgressInfo> {
    await this.#running(egressId, 'stopped');
    return asked(() => this.#options.launcher.stop(egressId));
  }

  /** @throws EgressError, NodeSilentError, PsrpcError, RegistryUnavailableError */
  async updateStream(request: UpdateStreamRequest): Promise<EgressInfo> {
    await this.#running(request.egressId, 'updated');
    return asked(() => this.#options.launcher.updateStream(request));
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

  async #roomSid(room: string): Promise<string> {
    const [found] = await this.#options.rooms.listRooms(new ListRoomsRequest({ names: [room] }));
    if (found === undefined) {
      throw new EgressError('not_found', 'requested room does not exist');
    }
    return found.sid;
  }
}

/** Those that run, and those that have ended and are still listed: the oldest first. */
export async function listEgresses(
  store: Pick<JobStore, 'get' | 'list'>,
  { roomName, egressId, active }: ListEgressRequest,
): Promise<EgressInfo[]> {
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

async function asked(ask: () => Promise<EgressInfo>): Promise<EgressInfo> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof JobRequestError) {
      throw new EgressError(error.code, error.message, { cause: error });
    }
    throw error;
  }
}

const STATUS_NAMES: Readonly<Record<number, string>> = {
  3: 'EGRESS_COMPLETE',
  4: 'EGRESS_FAILED',
  5: 'EGRESS_ABORTED',
  6: 'EGRESS_LIMIT_REACHED',
};
