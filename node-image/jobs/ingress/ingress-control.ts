import {
  type CreateIngressRequest,
  type DeleteIngressRequest,
  IngressInfo,
  IngressInput,
  IngressState,
  IngressState_Status,
  type ListIngressRequest,
  RoomParticipantIdentity,
  type UpdateIngressRequest,
} from '@livekit/protocol';
import type { Logger } from 'pino';
import { RoomError } from '../../room/errors';
import { newId } from '../../room/ids';
import type { RoomControl } from '../../room/room-control';
import { checkIngress, invalidIngress } from './ingress-rules';
import { changeIngress, type IngressStore } from './ingress-store';
import { newStreamKey } from './stream-key';

/** As many Ingresses as a cluster keeps: each list reads all of them. */
const MAX_INGRESSES = 10_000;

export interface IngressControlOptions {
  readonly store: IngressStore;
  /** Where participants are, to end a run with its Ingress. */
  readonly rooms: Pick<RoomControl, 'removeParticipant'>;
  /** `ingress.rtmp_base_url`, `ingress.whip_base_url`; empty: not configured. */
  readonly rtmpBaseUrl: string;
  readonly whipBaseUrl: string;
  /**
   * Starts a pull. @returns the Ingress as it is then. @default - there are none
   * @throws RoomError where no node takes it: nothing is kept of it.
   */
  readonly startPull?: ((info: IngressInfo) => Promise<IngressInfo>) | undefined;
  /** Ends what runs beside the nodes, or is told that it does not. @default - nothing does */
  readonly stopPull?: ((info: IngressInfo) => Promise<void>) | undefined;
  /** Tells it of a change. @default - nobody is told */
  readonly updateRun?: ((request: UpdateIngressRequest) => Promise<void>) | undefined;
  /** Refuses a URL that may not be pulled. @throws RoomError @default - all may */
  readonly checkUrl?: ((url: string) => Promise<void>) | undefined;
  readonly log: Logger;
}

export const ingressNotFound = (): RoomError =>
  new RoomError('not_found', 'ingress does not exist');

/** What the server API asks of Ingresses. Source: livekit_ingress.proto, livekit-server ingress.go. */
export class IngressControl {
  readonly #options: IngressControlOptions;

  constructor(options: IngressControlOptions) {
    this.#options = options;
  }

  async create(request: CreateIngressRequest): Promise<IngressInfo> {
    const { store } = this.#options;
    const isPull = request.inputType === IngressInput.URL_INPUT;
    const info = new IngressInfo({
      ingressId: newId('IN_'),
      name: request.name,
      streamKey: isPull ? '' : newStreamKey(),
      url: this.#urlOf(request),
      inputType: request.inputType,
      bypassTranscoding: request.bypassTranscoding,
      roomName: request.roomName,
      participantIdentity: request.participantIdentity,
      participantName: request.participantName,
      participantMetadata: request.participantMetadata,
      reusable: !isPull,
      state: new IngressState(),
    });
    applyOptions(request, info);
    checkIngress(info);
    if (isPull) {
      await this.#options.checkUrl?.(info.url);
    }
    settleTranscoding(info);
    if ((await store.list()).length >= MAX_INGRESSES) {
      throw new RoomError(
        'resource_exhausted',
        `there are ${MAX_INGRESSES} Ingresses, which is as many as there may be: delete some`,
      );
    }
    await store.create(info);
    if (!isPull) {
      return info;
    }
    return this.#pull(info);
  }

  async update(request: UpdateIngressRequest): Promise<IngressInfo> {
    const updated = await changeIngress(this.#options.store, request.ingressId, (info) => {
      if (!info.reusable) {
        throw new RoomError('invalid_argument', 'ingress is not reusable and cannot be modified');
      }
      applyUpdate(request, info);
      if (info.state?.status === IngressState_Status.ENDPOINT_ERROR) {
        info.state.status = IngressState_Status.ENDPOINT_INACTIVE;
      }
      checkIngress(info);
      settleTranscoding(info);
      return true;
    });
    if (updated === undefined) {
      throw ingressNotFound();
    }
    const { updateRun, log } = this.#options;
    if (updateRun !== undefined && runs(updated)) {
      await updateRun(request).catch((error: unknown) => {
        log.warn({ err: error, ingress: updated.ingressId }, 'a running Ingress was not told');
      });
    }
    return updated;
  }

  async list(request: ListIngressRequest): Promise<IngressInfo[]> {
    const { store } = this.#options;
    if (request.ingressId !== '') {
      const found = await store.get(request.ingressId);
      if (found === undefined) {
        throw ingressNotFound();
      }
      return [found.info];
    }
    const all = (await store.list()).map(({ info }) => info);
    return all.filter(({ roomName }) => request.roomName === '' || roomName === request.roomName);
  }

  /** Takes it away first: who runs it finds it gone, also where it is not reached by this call. */
  async delete(request: DeleteIngressRequest): Promise<IngressInfo> {
    const { store, rooms, stopPull, log } = this.#options;
    const stored = await store.get(request.ingressId);
    if (stored === undefined || !(await store.remove(request.ingressId))) {
      throw ingressNotFound();
    }
    const { info } = stored;
    if (runs(info)) {
      await stopPull?.(info).catch((error: unknown) => {
        log.warn({ err: error, ingress: info.ingressId }, 'a running Ingress was not told to end');
      });
      const { roomName: room, participantIdentity: identity } = info;
      await rooms
        .removeParticipant(new RoomParticipantIdentity({ room, identity }))
        .catch((error: unknown) => {
          log.info({ err: error, ingress: info.ingressId }, 'a deleted Ingress ends by itself');
        });
    }
    if (info.state !== undefined) {
      info.state.status = IngressState_Status.ENDPOINT_INACTIVE;
    }
    return info;
  }

  async #pull(info: IngressInfo): Promise<IngressInfo> {
    const { store, startPull } = this.#options;
    try {
      if (startPull === undefined) {
        throw new RoomError('unimplemented', 'URLs are not pulled by this server');
      }
      return await startPull(info);
    } catch (error) {
      await store.remove(info.ingressId);
      throw error;
    }
  }

  #urlOf({ inputType, url }: CreateIngressRequest): string {
    switch (inputType) {
      case IngressInput.RTMP_INPUT:
        return this.#options.rtmpBaseUrl;
      case IngressInput.WHIP_INPUT:
        return this.#options.whipBaseUrl;
      case IngressInput.URL_INPUT:
        return pulledUrl(url);
      default:
        throw new RoomError('invalid_argument', 'invalid ingress type');
    }
  }
}

/** Whether somebody sends, or is about to. */
export const runs = ({ state }: IngressInfo): boolean =>
  state?.status === IngressState_Status.ENDPOINT_BUFFERING ||
  state?.status === IngressState_Status.ENDPOINT_PUBLISHING;

/** @returns the URL as it is understood. @throws RoomError for what is none that can be pulled. */
function pulledUrl(url: string): string {
  if (url === '') {
    throw invalidIngress('missing URL parameter');
  }
  if (!URL.canParse(url)) {
    throw invalidIngress('the URL cannot be read; http, https and srt are allowed');
  }
  const parsed = new URL(url);
  const scheme = parsed.protocol.slice(0, -1);
  if (!['http', 'https', 'srt'].includes(scheme)) {
    throw invalidIngress(`invalid url scheme ${scheme}`);
  }
  return parsed.href;
}

/** What is left out stays. */
function applyUpdate(request: UpdateIngressRequest, info: IngressInfo): void {
  info.name = request.name || info.name;
  info.roomName = request.roomName || info.roomName;
  info.participantIdentity = request.participantIdentity || info.participantIdentity;
  info.participantName = request.participantName || info.participantName;
  info.participantMetadata = request.participantMetadata || info.participantMetadata;
  applyOptions(request, info);
}

function applyOptions(
  request: Pick<CreateIngressRequest, 'enableTranscoding' | 'audio' | 'video' | 'enabled'>,
  info: IngressInfo,
): void {
  if (request.enableTranscoding !== undefined) info.enableTranscoding = request.enableTranscoding;
  if (request.audio !== undefined) info.audio = request.audio;
  if (request.video !== undefined) info.video = request.video;
  if (request.enabled !== undefined) info.enabled = request.enabled;
}

/** Both ways to say it, for old clients. */
function settleTranscoding(info: IngressInfo): void {
  info.enableTranscoding ??= info.inputType !== IngressInput.WHIP_INPUT;
  info.bypassTranscoding = !info.enableTranscoding;
}
