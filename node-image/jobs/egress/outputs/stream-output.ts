import { StreamInfo, StreamInfo_Status } from '@livekit/protocol';
import { EgressError, invalidUrl } from '../egress-error';
import { type StreamUrl, streamUrl } from '../stream-url';
import type { OutputContext, RunningOutput } from './output';
import { PcmFrames } from './pcm-frames';
import type { Sender, SenderEvents } from './sender';
import { StreamSender } from './stream-sender';
import { WebSocketSender } from './websocket-sender';

const MAX_STREAMS = 32;

interface Sent {
  readonly url: StreamUrl;
  readonly info: StreamInfo;
  readonly sender: Sender;
}

export interface StreamOutputOptions {
  readonly urls: readonly string[];
  /** Sound as it is, to WebSockets; what is encoded, to others. @default false */
  readonly raw?: boolean;
  readonly context: OutputContext;
  /** None is left that is sent to. `error`: of the last one that failed; undefined: all were removed. */
  readonly onNone: (error: string | undefined) => void;
  /** @default Date.now */
  readonly now?: () => number;
}

/** The addresses that are sent to; they come and go while it runs. */
export class StreamOutput implements RunningOutput {
  readonly #options: StreamOutputOptions;
  readonly #sent = new Map<string, Sent>();
  readonly #frames: PcmFrames | undefined;
  #muted = false;
  #finishing = false;

  constructor(options: StreamOutputOptions) {
    this.#options = options;
    this.#frames = options.raw ? new PcmFrames() : undefined;
    for (const url of new Set(options.urls)) this.#add(streamUrl(url));
  }

  /** That are sent to now. */
  get urls(): string[] {
    return [...this.#sent.keys()];
  }

  /** To all addresses. */
  push(chunk: Buffer): void {
    for (const part of this.#frames?.cut(chunk) ?? [chunk]) {
      for (const { sender } of this.#sent.values()) sender.push(part);
    }
  }

  /** The sound is muted, or is not: who can be told so is. */
  muted(muted: boolean): void {
    this.#muted = muted;
    for (const { sender } of this.#sent.values()) sender.muted?.(muted);
  }

  /**
   * Both or nothing: what is asked for is checked before.
   *
   * @throws EgressError
   */
  async update(add: readonly string[], remove: readonly string[]): Promise<void> {
    const added = add.map((url) => this.#fitting(streamUrl(url)));
    const removed = [...new Set(remove.map((url) => this.#find(url)))];
    if (this.#finishing) throw new EgressError('failed_precondition', 'the egress is ending');
    for (const [index, { url }] of added.entries()) {
      const twice = added.findIndex((one) => one.url === url) < index;
      if (twice || this.#sent.has(url)) {
        throw new EgressError('already_exists', 'stream already exists');
      }
    }
    if (this.#sent.size + added.length - removed.length > MAX_STREAMS) {
      throw new EgressError('invalid_argument', `at most ${MAX_STREAMS} streams of an egress`);
    }
    for (const url of added) this.#add(url);
    for (const one of removed) this.#sent.delete(one.url.url);
    await Promise.all(removed.map((one) => one.sender.close()));
    for (const { info } of removed) this.#end(info, StreamInfo_Status.FINISHED);
    this.#options.context.changed();
    if (this.#sent.size === 0) this.#options.onNone(undefined);
  }

  settle(): Promise<void> {
    return this.finish();
  }

  async finish(): Promise<void> {
    this.#finishing = true;
    await Promise.all([...this.#sent.values()].map(({ sender }) => sender.close()));
    for (const { info } of this.#sent.values()) this.#end(info, StreamInfo_Status.FINISHED);
    this.#sent.clear();
  }

  close(): void {
    this.#finishing = true;
    for (const { sender } of this.#sent.values()) void sender.close();
    this.#sent.clear();
  }

  #add(url: StreamUrl): void {
    const { context } = this.#options;
    const startedAt = this.#nowNs();
    const info = new StreamInfo({ url: url.shown, startedAt, status: StreamInfo_Status.ACTIVE });
    context.info.streamResults.push(info);
    const sender = this.#senderOf(url, {
      onSending: () => {
        info.error = '';
        context.changed();
      },
      onRetry: (error) => {
        info.retries += 1;
        info.lastRetryAt = this.#nowNs();
        info.error = error;
        context.changed();
      },
      onFailed: (error) => this.#failed(url, info, error),
    });
    if (this.#muted) sender.muted?.(true);
    this.#sent.set(url.url, { url, info, sender });
  }

  #senderOf(url: StreamUrl, events: SenderEvents): Sender {
    if (url.protocol === 'websocket') return new WebSocketSender({ url, ...events });
    return new StreamSender({ url, folder: this.#options.context.folder, ...events });
  }

  /** What is encoded for the ones is nothing for the others. @throws EgressError */
  #fitting(url: StreamUrl): StreamUrl {
    if ((url.protocol === 'websocket') === (this.#options.raw === true)) return url;
    const kind = this.#options.raw ? 'ws and wss' : 'rtmp, rtmps and srt';
    throw invalidUrl(url.shown, `this egress sends to ${kind} alone`);
  }

  #failed(url: StreamUrl, info: StreamInfo, error: string): void {
    this.#sent.delete(url.url);
    info.error = error;
    this.#end(info, StreamInfo_Status.FAILED);
    this.#options.context.changed();
    if (this.#sent.size === 0 && !this.#finishing) this.#options.onNone(error);
  }

  #end(info: StreamInfo, status: StreamInfo_Status): void {
    info.status = status;
    info.endedAt = this.#nowNs();
    info.duration = info.endedAt - info.startedAt;
  }

  /** As it was given, or as it is shown. */
  #find(url: string): Sent {
    const found =
      this.#sent.get(url) ?? [...this.#sent.values()].find((one) => one.url.shown === url);
    if (found === undefined) throw new EgressError('not_found', `stream ${shownOf(url)} not found`);
    return found;
  }

  #nowNs = (): bigint => BigInt((this.#options.now ?? Date.now)()) * 1_000_000n;
}

function shownOf(url: string): string {
  try {
    return streamUrl(url).shown;
  } catch {
    return '(not a stream url)';
  }
}
