import {
  type AddTrackRequest,
  DisconnectReason,
  type ICEServer,
  SessionDescription,
} from '@livekit/protocol';
import { nanoid } from 'nanoid';
import { transportLines } from '../../../media/sdp/transport-lines';
import type { LocalRooms } from '../../../room/local-rooms';
import type { Participant } from '../../../room/participant';
import type { Room } from '../../../room/room';
import { IngressSink, ingressGrants, ingressJoin } from '../ingress-participant';
import type { IngressRun } from '../ingress-run';
import type { StopReason } from '../ingress-runs';
import type { PushedStream } from '../push-runner';
import { WhipError, type WhipPatch, type WhipRestart } from './whip-host';

export interface WhipSessionOptions {
  readonly run: IngressRun;
  readonly rooms: Pick<LocalRooms, 'getOrCreate'>;
  /** How long a sender has to be there with its media, in ms. */
  readonly mediaTimeoutMs: number;
}

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
  #etag = newEtag();
  #error: string | undefined;
  #stopped = false;

  constructor(options: WhipSessionOptions) {
    this.#options = options;
  }

  get hasEnded(): boolean {
    return this.#options.run.hasEnded;
  }

  get etag(): string {
    return this.#etag;
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
  async patch({ fragment, ifMatch }: WhipPatch): Promise<WhipRestart | undefined> {
    const transport = this.#participant?.parts.connections.publisher.transport;
    if (transport === undefined || transport.closed) {
      throw new WhipError(404, 'there is no such session any more');
    }
    if (ifMatch === undefined) {
      throw new WhipError(
        428,
        'If-Match is required: the ETag of the session, or * to begin ICE anew',
      );
    }
    if (ifMatch !== '*') {
      if (ifMatch !== this.#etag) {
        throw new WhipError(412, 'the ICE session has another ETag by now');
      }
      // The worker is an ICE lite agent: it learns where the sender is from its checks.
      return undefined;
    }
    if (!/^a=ice-ufrag:\S+/m.test(fragment) || !/^a=ice-pwd:\S+/m.test(fragment)) {
      throw new WhipError(400, 'to begin ICE anew, a=ice-ufrag and a=ice-pwd are required');
    }
    await transport.restartIce();
    this.#etag = newEtag();
    const lines = transportLines(transport, 'passive', true).filter((line) =>
      /^a=(ice-|candidate|end-of-candidates)/.test(line),
    );
    return { fragment: `a=ice-lite\r\n${lines.join('\r\n')}\r\n`, etag: this.#etag };
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
      throw new WhipError(
        406,
        refusal ?? 'none of the offered codecs can be had: VP8, H264, VP9, AV1 and Opus are',
      );
    }
    this.#timer = setTimeout(() => {
      this.fail(`no media within ${mediaTimeoutMs / 1000} s`);
    }, mediaTimeoutMs);
    return answer;
  }

  #active(): void {
    clearTimeout(this.#timer);
    const tracks = [...(this.#participant?.publishing.tracks.values() ?? [])];
    this.#options.run.publishing(
      this.#room?.sid ?? '',
      tracks.map((track) => track.snapshot()),
    );
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
    const failed = reason === DisconnectReason.JOIN_FAILURE;
    const error = this.#error ?? (failed ? 'the sender could not be connected' : undefined);
    void this.#options.run.ended({ error });
  }
}

const newEtag = (): string => `"${nanoid(12)}"`;
