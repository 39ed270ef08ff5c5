import {
  type AddTrackRequest,
  DisconnectReason,
  type ICEServer,
  SessionDescription,
} from '@livekit/protocol';
import type { LocalRooms } from '../../../room/local-rooms';
import type { Participant } from '../../../room/participant';
import type { Room } from '../../../room/room';
import { IngressSink, ingressGrants, ingressJoin } from '../ingress-participant';
import type { IngressRun } from '../ingress-run';
import type { StopReason } from '../ingress-runs';
import { InputRates } from '../input-rates';
import type { PushedStream } from '../push-runner';
import { WhipError, type WhipPatch, type WhipRestart } from './whip-host';
import { WhipIce } from './whip-ice';
import { bytesOf } from './whip-rates';

export interface WhipSessionOptions {
  readonly run: IngressRun;
  readonly rooms: Pick<LocalRooms, 'getOrCreate'>;
  /** How long a sender has to be there with its media, in ms. */
  readonly mediaTimeoutMs: number;
}

/** What a sender is told whose codecs are others. */
export const UNSUPPORTED =
  'none of the offered codecs can be had: VP8, H264, VP9, AV1 and Opus are';

/**
 * One sender by WHIP, in its Room: a participant that speaks SDP by HTTP, once, in place of a
 * signal connection.
 */
export class WhipSession implements PushedStream {
  readonly #options: WhipSessionOptions;
  readonly #sink = new IngressSink((reason) => this.#left(reason));
  #room: Room | undefined;
  #participant: Participant | undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly #ice = new WhipIce();
  #rates: InputRates | undefined;
  #error: string | undefined;
  #stopped = false;

  constructor(options: WhipSessionOptions) {
    this.#options = options;
  }

  get hasEnded(): boolean {
    return this.#options.run.hasEnded;
  }

  get etag(): string {
    return this.#ice.etag;
  }

  get iceServers(): ICEServer[] {
    const participant = this.#participant;
    return participant === undefined ? [] : (this.#room?.iceServers(participant) ?? []);
  }

  /**
   * Joins the Room and publishes what is offered.
   *
   * @param requests - the tracks of the offer
   * @returns the answer
   * @throws WhipError, RoomError, RoomElsewhereError; it has ended then.
   */
  async start(offer: string, requests: readonly AddTrackRequest[]): Promise<string> {
    try {
      return await this.#start(offer, requests);
    } catch (error) {
      this.#error ??= error instanceof Error ? error.message : String(error);
      this.#end(DisconnectReason.JOIN_FAILURE);
      throw error;
    }
  }

  /** @throws WhipError */
  patch(patch: WhipPatch): Promise<WhipRestart | undefined> {
    return this.#ice.patch(this.#participant?.parts.connections.publisher.transport, patch);
  }

  /** Ends it, as its sender or somebody else wants. Idempotent. */
  stop(reason: StopReason | 'sender'): void {
    this.#end(
      reason === 'replaced'
        ? DisconnectReason.DUPLICATE_IDENTITY
        : reason === 'deleted'
          ? DisconnectReason.PARTICIPANT_REMOVED
          : DisconnectReason.CLIENT_INITIATED,
    );
  }

  /** Its media goes through the worker alone. */
  pids(): number[] {
    return [];
  }

  /** It took too long: what is under way is undone when it gets there. */
  fail(error: string): void {
    this.#error ??= error;
    this.#end(DisconnectReason.JOIN_FAILURE);
  }

  async #start(offer: string, requests: readonly AddTrackRequest[]): Promise<string> {
    const { run, rooms, mediaTimeoutMs } = this.#options;
    const room = await rooms.getOrCreate({ name: run.info.roomName });
    this.#checkRuns();
    this.#room = room;
    const participant = await room.join(
      ingressGrants(run.info),
      ingressJoin(),
      this.#sink,
      (one) => {
        this.#participant = one;
        one.whenActive = () => this.#active();
      },
    );
    this.#checkRuns();
    for (const request of requests) {
      participant.publishing.addTrack(request);
    }
    await participant.publishing.offer(new SessionDescription({ type: 'offer', sdp: offer }));
    this.#checkRuns();
    const { answer, refusal } = this.#sink;
    if (answer === undefined || participant.publishing.tracks.size === 0) {
      throw new WhipError(406, refusal ?? UNSUPPORTED);
    }
    this.#timer = setTimeout(() => {
      this.fail(`no media within ${mediaTimeoutMs / 1000} s`);
    }, mediaTimeoutMs);
    return answer;
  }

  #active(): void {
    clearTimeout(this.#timer);
    const tracks = [...(this.#participant?.publishing.tracks.values() ?? [])];
    const { run } = this.#options;
    run.publishing(
      this.#room?.sid ?? '',
      tracks.map((track) => track.snapshot()),
    );
    const producers = tracks.flatMap((track) => [...track.producers.values()]);
    this.#rates ??= new InputRates({ run, bytes: () => bytesOf(producers) });
  }

  /** @throws WhipError where it was told to end meanwhile. */
  #checkRuns(): void {
    if (this.#stopped) {
      throw new WhipError(409, this.#error ?? 'the session has ended before it began, try again');
    }
  }

  #end(reason: DisconnectReason): void {
    this.#stopped = true;
    const participant = this.#participant;
    if (participant !== undefined && !participant.closed) {
      this.#room?.remove(participant, reason);
    }
    this.#left(reason);
  }

  #left(reason: DisconnectReason | undefined): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#rates?.close();
    const failed = reason === DisconnectReason.JOIN_FAILURE;
    const error = this.#error ?? (failed ? 'the sender could not be connected' : undefined);
    void this.#options.run.ended({ error });
  }
}
