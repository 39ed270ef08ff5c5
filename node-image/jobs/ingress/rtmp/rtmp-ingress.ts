import { type IngressInfo, IngressInput } from '@livekit/protocol';
import { nanoid } from 'nanoid';
import type { Logger } from 'pino';
import type { LocalRooms } from '../../../room/local-rooms';
import type { IngressStore } from '../ingress-store';
import type { PushRunner } from '../push-runner';
import { MAX_KEY_LENGTH } from '../stream-key';
import { RtmpRun } from './rtmp-run';
import type { TagSink } from './rtmp-session';

export interface RtmpIngressOptions {
  readonly nodeId: string;
  readonly pushes: PushRunner;
  readonly rooms: Pick<LocalRooms, 'getOrCreate'>;
  readonly log: Logger;
}

/**
 * The Ingress that a key is of.
 *
 * @returns undefined where it is of none that takes RTMP now.
 */
export async function rtmpIngressOf(
  store: Pick<IngressStore, 'byStreamKey'>,
  key: string,
): Promise<IngressInfo | undefined> {
  const stored = key.length > MAX_KEY_LENGTH ? undefined : await store.byStreamKey(key);
  const info = stored?.info;
  const takes =
    info?.inputType === IngressInput.RTMP_INPUT && info.enabled !== false && info.roomName !== '';
  return takes ? info : undefined;
}

/** Senders by RTMP whose Rooms are on this node. */
export class RtmpIngress {
  readonly #options: RtmpIngressOptions;
  readonly #runs = new Set<RtmpRun>();

  constructor(options: RtmpIngressOptions) {
    this.#options = options;
  }

  /**
   * Begins a run of an Ingress, whose key was shown.
   *
   * @param hangUp - closes the connection of the sender
   * @throws IngressRefusedError, IngressGoneError, RegistryUnavailableError
   */
  async take(info: IngressInfo, hangUp: () => void): Promise<TagSink> {
    const { nodeId, pushes, rooms, log } = this.#options;
    const sender: RtmpRun = await pushes.begin({
      ...{ info, way: 'rtmp', resourceId: `${nodeId}.${nanoid(24)}` },
      open: (run) =>
        new RtmpRun({
          ...{ run, rooms, log },
          hangUp: () => {
            this.#runs.delete(sender);
            hangUp();
          },
        }),
    });
    if (!sender.hasEnded) this.#runs.add(sender);
    return sender;
  }

  /**
   * Resolves when each sender of a Room has just sent a key frame, or does not in time: what is to
   * happen to the Room now cuts no picture off.
   */
  async atKeyFrames(room: string): Promise<void> {
    const ofRoom = [...this.#runs].filter(({ roomName }) => roomName === room);
    await Promise.all(ofRoom.map((run) => run.atKeyFrame()));
  }
}
