import { type IngressInfo, IngressInput } from '@livekit/protocol';
import { nanoid } from 'nanoid';
import type { Logger } from 'pino';
import type { LocalRooms } from '../../../room/local-rooms';
import type { IngressRuns } from '../ingress-runs';
import type { IngressStore } from '../ingress-store';
import { MAX_KEY_LENGTH } from '../stream-key';
import { RtmpRun } from './rtmp-run';
import type { TagSink } from './rtmp-session';

export interface RtmpIngressOptions {
  readonly nodeId: string;
  readonly runs: IngressRuns;
  readonly rooms: Pick<LocalRooms, 'getOrCreate'>;
  /** What a sender takes, in cores. */
  readonly cpus: number;
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

  /** Processes that do the work. */
  pids(): number[] {
    return [...this.#runs].flatMap((run) => run.pids());
  }

  /**
   * Begins a run of an Ingress, whose key was shown.
   *
   * @param hangUp - closes the connection of the sender
   * @throws IngressRefusedError, IngressGoneError
   */
  async take(info: IngressInfo, hangUp: () => void): Promise<TagSink> {
    const { nodeId, runs, rooms, cpus, log } = this.#options;
    const held: { run?: RtmpRun } = {};
    const run = await runs.begin({
      info,
      resourceId: `${nodeId}.${nanoid(24)}`,
      cpus,
      stop: (reason) => held.run?.stop(reason),
    });
    const sender: RtmpRun = new RtmpRun({
      run,
      rooms,
      log,
      hangUp: () => {
        this.#runs.delete(sender);
        hangUp();
      },
    });
    held.run = sender;
    this.#runs.add(sender);
    return sender;
  }
}
