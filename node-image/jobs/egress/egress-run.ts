import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type EgressInfo, EgressStatus } from '@livekit/protocol';
import type { Logger } from 'pino';
import { EgressError } from './egress-error';
import { encoderArgs } from './ffmpeg/encoder-args';
import { type FfmpegEnd, FfmpegProcess } from './ffmpeg/ffmpeg-process';
import type { NameFacts } from './file-names';
import { storeManifest } from './manifest';
import type { OutputContext } from './outputs/output';
import type { Segment } from './outputs/playlist';
import { SegmentWatcher } from './outputs/segment-watcher';
import { stampActive, stampEnded, stampFailed, stampResults } from './run-outcome';
import { RunOutputs } from './run-outputs';
import { RunProgress } from './run-progress';
import { type EgressSource, type OpenSource, SourceError } from './source';
import { type EgressSpec, isOfPage, type StorageSpec } from './spec';
import { BackupStorage } from './upload/backup-storage';
import type { Storage } from './upload/storage';
import { workFolderFor } from './work-folders';

/** What ends a recording by itself. 0: nothing does. */
export interface EgressLimits {
  /** ms */
  readonly maxDurationMs: number;
  /** Bytes of what is recorded. */
  readonly maxBytes: number;
}

export interface EgressRunOptions {
  readonly spec: EgressSpec;
  /** What is said of it; it changes while it runs. */
  readonly info: EgressInfo;
  /** Where a folder for this run is made. */
  readonly workFolder: string;
  readonly openStorage: (storage: StorageSpec) => Storage;
  /** Where things go that their storage refuses. @default none */
  readonly backup?: StorageSpec | undefined;
  /** @param folder - of this run alone, closed to others */
  readonly makeSource: (folder: string) => EgressSource;
  readonly limits: EgressLimits;
  /** ms that storage has to say whether it can be written to. @default 15000 */
  readonly checkMs?: number;
  /** Told of each change of `info`, and once when it has ended. */
  readonly onChange: (info: EgressInfo) => void;
  readonly onEnd: (info: EgressInfo) => void;
  readonly log: Pick<Logger, 'debug' | 'info' | 'warn'>;
  /** @default Date.now */
  readonly now?: () => number;
}

/** Why it stops. Source: livekit/egress, EndReason. */
type Stop =
  | { readonly kind: 'asked' | 'source' | 'limit' | 'handover'; readonly reason: string }
  | { readonly kind: 'failed'; readonly error: Error };

/** So long what stands in pipes is waited for, in ms. */
const PIPE_END_MS = 5000;

/** One Egress on this node, from its start to its end. */
export class EgressRun {
  readonly #options: EgressRunOptions;
  readonly #abort = new AbortController();
  readonly #stopped: Promise<Stop>;
  #stop: (stop: Stop) => void = () => {};
  #outputs: RunOutputs | undefined;
  #ffmpeg: FfmpegProcess | undefined;
  #source: EgressSource | undefined;
  #sourcePids: readonly number[] = [];
  /** Whether its media comes by pipes. */
  #piped = false;
  #silent = false;
  #done: Promise<void> | undefined;
  #handedOver = false;
  /** What ends it: the first thing that did. */
  #ending: Stop | undefined;
  /** Somebody wants it to end. */
  #asked: string | undefined;

  constructor(options: EgressRunOptions) {
    this.#options = options;
    this.#stopped = new Promise((resolve) => {
      this.#stop = (stop) => {
        this.#ending ??= stop;
        resolve(stop);
        this.#abort.abort();
      };
    });
  }

  get info(): EgressInfo {
    return this.#options.info;
  }

  /** The addresses that it sends to now, with their secrets; undefined: it is none that sends. */
  get streamUrls(): readonly string[] | undefined {
    return this.#outputs?.streams?.urls;
  }

  /** Idempotent. What goes wrong is said in `info`. */
  start(): void {
    this.#done ??= this.#run();
  }

  /** Ends it in order. Idempotent. */
  stop(reason: string): void {
    this.#asked ??= reason;
    this.#stop({ kind: 'asked', reason });
    if (this.info.status < EgressStatus.EGRESS_ENDING) {
      this.info.status = EgressStatus.EGRESS_ENDING;
      this.#changed();
    }
  }

  /** @throws EgressError */
  async updateStreams(add: readonly string[], remove: readonly string[]): Promise<void> {
    if (this.#outputs === undefined && this.info.status === EgressStatus.EGRESS_STARTING) {
      throw new EgressError('failed_precondition', 'the egress has not started yet: ask again');
    }
    if (this.#outputs?.streams === undefined) {
      const text = 'UpdateStream called on non-streaming egress';
      throw new EgressError('invalid_argument', text);
    }
    await this.#outputs.streams.update(add, remove);
  }

  /**
   * Ends here so that another node goes on: what is complete is stored. One that still starts is
   * given away as it is. Says nothing more of it.
   *
   * @returns whether it did; false where what is recorded is on this node alone
   */
  async handOver(): Promise<boolean> {
    const { status } = this.info;
    const isMovable = status === EgressStatus.EGRESS_ACTIVE && this.#outputs?.movable === true;
    if (!isMovable && status !== EgressStatus.EGRESS_STARTING) return false;
    this.#stop({ kind: 'handover', reason: '' });
    await this.#done;
    return this.#handedOver;
  }

  /** The processes that do its work. */
  pids(): number[] {
    const pid = this.#ffmpeg?.pid;
    return [...this.#sourcePids, ...(pid === undefined ? [] : [pid])];
  }

  /** Stops at once, and says nothing more. Idempotent. */
  async abandon(): Promise<void> {
    this.#silent = true;
    this.#stop({ kind: 'failed', error: new Error('another node has it') });
    // Uploads end too, however slow their storage is.
    this.#outputs?.close();
    await this.#ffmpeg?.kill();
    await this.#done;
  }

  async #run(): Promise<void> {
    const { workFolder, log, info } = this.#options;
    let folder = '';
    try {
      folder = await workFolderFor(workFolder, info.egressId);
      const stop = await this.#record(folder);
      if (stop.kind === 'failed') throw stop.error;
      if (this.#handedOver) this.#silent = true;
      else stampEnded(info, stop.reason || (this.#asked ?? ''), stop.kind === 'limit');
    } catch (error) {
      if (this.#ending?.kind === 'handover' && info.status === EgressStatus.EGRESS_STARTING) {
        this.#handedOver = true;
        this.#silent = true;
      } else {
        if (!this.#silent) log.warn({ egress: info.egressId, err: error }, 'an Egress has failed');
        stampFailed(info, error);
      }
    } finally {
      this.#outputs?.close();
      await this.#ffmpeg?.kill();
      await this.#source?.close().catch(() => {});
      if (folder !== '') await rm(folder, { recursive: true, force: true });
      if (!this.#silent) {
        const nowNs = this.#nowNs();
        info.endedAt = nowNs;
        info.updatedAt = nowNs;
        this.#options.onEnd(info);
      }
    }
  }

  async #record(folder: string): Promise<Stop> {
    const { spec } = this.#options;
    this.#source = this.#options.makeSource(folder);
    const early = isOfPage(spec.source);
    // A page is there at once, and storage that cannot be written to is known before; what tracks
    // are called, and are copied to, is known when they are there.
    if (early) this.#outputs = await this.#openOutputs(folder, undefined);
    let source: OpenSource;
    try {
      source = await this.#source.open(this.#abort.signal);
    } catch (error) {
      return this.#finishEarlier(folder, error);
    }
    this.#sourcePids = source.pids ?? [];
    this.#piped = source.inputs.some(({ from }) => 'pipe' in from);
    this.#outputs ??= await this.#openOutputs(folder, source);
    return this.#encode(folder, source, this.#outputs);
  }

  /** Nothing more is to be had; what runs before this one have recorded is finished all the same. */
  async #finishEarlier(folder: string, error: unknown): Promise<Stop> {
    const { info } = this.#options;
    const isOver = this.#silent || this.#ending?.kind === 'handover';
    if (info.startedAt === 0n || isOver) throw error;
    this.#outputs ??= await this.#openOutputs(folder, undefined);
    const isGone = error instanceof SourceError && error.code === 404;
    const stop = this.#ending ?? (isGone ? gone(error) : failed(error));
    await this.#finishOutputs(stop, this.#outputs, 0);
    return stop;
  }

  #openOutputs(folder: string, source: OpenSource | undefined): Promise<RunOutputs> {
    const { spec, info } = this.#options;
    const context: OutputContext = {
      info,
      folder,
      retry: info.retryCount,
      startedAtNs: () => info.startedAt,
      changed: () => this.#changed(),
      failed: (error) => this.#stop({ kind: 'failed', error }),
    };
    return RunOutputs.open({
      spec,
      inputs: source?.inputs ?? [],
      names: this.#names(source),
      openStorage: this.#openStorage,
      context,
      checkMs: this.#options.checkMs,
      onNoStream: (error) => this.#noStream(error),
    });
  }

  #openStorage = (spec: StorageSpec): Storage => {
    const { openStorage, backup, info, log } = this.#options;
    const first = openStorage(spec);
    if (backup === undefined) return first;
    return new BackupStorage(
      first,
      () => openStorage(backup),
      (error) => {
        log.warn({ egress: info.egressId, err: error }, 'the backup storage is used');
        info.backupStorageUsed = true;
        this.#changed();
      },
    );
  };

  #names(source: OpenSource | undefined): NameFacts {
    const { spec, info } = this.#options;
    const of = source?.publication;
    const participant = spec.source.kind === 'participant' ? spec.source.identity : '';
    return {
      room: spec.room,
      roomId: info.roomId,
      publisher: of?.publisher || participant,
      trackId: spec.source.kind === 'track' ? spec.source.trackId : '',
      trackType: of?.trackType ?? '',
      trackSource: of?.trackSource ?? '',
      retry: info.retryCount,
      startedAtMs: this.#now(),
    };
  }

  async #encode(folder: string, source: OpenSource, outputs: RunOutputs): Promise<Stop> {
    const { spec, limits } = this.#options;
    const { inputs } = source;
    const watch = new SegmentWatcher(
      join(folder, 'segments'),
      capturedSince(source, (segment) => this.#segment(outputs, segment)),
    );
    const progress = new RunProgress({
      folder,
      limits,
      live: inputs.every(({ from }) => 'device' in from),
      onStart: () => this.#active(source, progress.outTimeMs),
      onLimit: () => this.#stop({ kind: 'limit', reason: 'Session limit reached' }),
      onFailed: (error) => this.#stop({ kind: 'failed', error }),
    });
    try {
      const { encoding, passthrough } = spec;
      const { codecs, encoder, streams } = outputs;
      const ffmpeg = new FfmpegProcess({
        args: encoderArgs({ inputs, outputs: encoder, codecs, encoding, passthrough }),
        cwd: folder,
        env: Object.assign({}, ...inputs.map(({ env }) => env ?? {})),
        pipes: inputs.flatMap(({ from }) => ('pipe' in from ? [from.pipe] : [])),
        ...(streams && { onOutput: (chunk: Buffer) => streams.push(chunk) }),
        onProgress: (at) => progress.report(at),
      });
      this.#ffmpeg = ffmpeg;
      if (streams) source.onMuted?.((muted) => streams.muted(muted));
      const stop = await this.#untilStopped(source, ffmpeg);
      progress.close();
      await this.#finish(stop, ffmpeg, outputs, watch, () => progress.outTimeMs);
      return stop;
    } finally {
      progress.close();
      watch.close();
    }
  }

  async #untilStopped(source: OpenSource, ffmpeg: FfmpegProcess): Promise<Stop> {
    const bySource = source.ended.then(
      (end): Stop =>
        end.kind === 'finished'
          ? { kind: 'source', reason: end.reason }
          : { kind: 'failed', error: new Error(end.error) },
    );
    const byEncoder = ffmpeg.ended.then(({ complete, error }): Stop => {
      // Of a source that ends by itself, the encoder ends with it.
      return complete
        ? { kind: 'source', reason: 'Source closed' }
        : { kind: 'failed', error: new Error(`ffmpeg failed: ${error}`) };
    });
    return Promise.race([this.#stopped, bySource, byEncoder]);
  }

  /** Also where it failed: what was recorded until then is kept, where that can be. */
  async #finish(
    stop: Stop,
    ffmpeg: FfmpegProcess,
    outputs: RunOutputs,
    watch: SegmentWatcher,
    durationMs: () => number,
  ): Promise<void> {
    const { info } = this.#options;
    if (this.#silent) return;
    if (stop.kind !== 'handover' && info.status < EgressStatus.EGRESS_ENDING) {
      info.status = EgressStatus.EGRESS_ENDING;
      this.#changed();
    }
    const end = await this.#endOf(ffmpeg, stop);
    await watch.look();
    if (stop.kind === 'handover') {
      await Promise.all(outputs.all.map((output) => output.settle()));
      // Whoever was told meanwhile that it ends is not to see it go on elsewhere.
      this.#handedOver = this.#asked === undefined;
      if (this.#handedOver) return;
    }
    if (info.startedAt === 0n) return;
    await this.#finishOutputs(stop, outputs, durationMs());
    if (stop.kind !== 'failed' && !end.complete) throw new Error(`ffmpeg failed: ${end.error}`);
  }

  /** @throws what could not be kept of one that has not failed by itself */
  async #finishOutputs(stop: Stop, outputs: RunOutputs, durationMs: number): Promise<void> {
    const { info, spec } = this.#options;
    const finished = await Promise.allSettled(outputs.all.map((output) => output.finish()));
    stampResults(info, this.#nowNs(), durationMs);
    const broken = finished.find((one) => one.status === 'rejected');
    if (stop.kind === 'failed') return;
    if (broken?.status === 'rejected') throw broken.reason;
    info.endedAt = this.#nowNs();
    info.manifestLocation = (await storeManifest(info, spec, this.#openStorage)) ?? '';
  }

  /** Streams are read to their end; what a display shows after the last picture is nobody's. */
  async #endOf(ffmpeg: FfmpegProcess, { kind }: Stop): Promise<FfmpegEnd> {
    if (this.#piped && kind !== 'failed') {
      await this.#source?.close();
      await ffmpeg.endsWithin(PIPE_END_MS);
    }
    return ffmpeg.stop();
  }

  #segment(outputs: RunOutputs, segment: Segment): void {
    for (const output of outputs.all) output.segment?.(segment);
  }

  #active(source: OpenSource, outTimeMs: number): void {
    const { info } = this.#options;
    if (info.status !== EgressStatus.EGRESS_STARTING) return;
    const first = source.startedAtNs || this.#nowNs() - BigInt(Math.round(outTimeMs * 1e6));
    stampActive(info, first);
    this.#changed();
  }

  #noStream(error: string | undefined): void {
    const others = this.#options.spec.outputs.some(({ kind }) => kind !== 'stream');
    if (others) return;
    if (error === undefined) this.#stop({ kind: 'asked', reason: 'All streams stopped' });
    else this.#stop({ kind: 'failed', error: new Error(`no stream is left: ${error}`) });
  }

  #changed(): void {
    if (this.#silent) return;
    this.info.updatedAt = this.#nowNs();
    this.#options.onChange(this.info);
  }

  #now = (): number => (this.#options.now ?? Date.now)();
  #nowNs = (): bigint => BigInt(Math.round(this.#now() * 1e6));
}

/** ffmpeg dates segments by when it began to write, which is later than what is in them. */
function capturedSince(
  { startedAtNs }: OpenSource,
  tell: (segment: Segment) => void,
): (segment: Segment) => void {
  if (startedAtNs === 0n) return tell;
  let lateMs: number | undefined;
  return (segment) => {
    lateMs ??= segment.startMs - Number(startedAtNs / 1_000_000n);
    tell({ ...segment, startMs: segment.startMs - lateMs });
  };
}

const gone = ({ message }: SourceError): Stop => ({ kind: 'source', reason: message });
const failed = (error: unknown): Stop => ({
  kind: 'failed',
  error: error instanceof Error ? error : new Error(String(error)),
});
