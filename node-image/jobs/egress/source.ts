import type { Readable } from 'node:stream';

/** What a source brings to ffmpeg: the arguments before an `-i`, and what comes after it. */
export interface SourceInput {
  /** Options of this input, such as `-f matroska`; without `-i`. */
  readonly args: readonly string[];
  /** What ffmpeg opens: a device of this node, or bytes that it reads from a pipe. */
  readonly from: { readonly device: string } | { readonly pipe: Readable };
  /** What ffmpeg needs in its environment for it. @default none */
  readonly env?: Readonly<Record<string, string>>;
  /** What of it is picture; undefined: nothing is. */
  readonly video?: SourceVideo;
  /** What of it is sound; undefined: nothing is. */
  readonly audio?: SourceAudio;
}

export interface SourceVideo {
  /** `raw`: it has to be encoded whatever the output is. */
  readonly codec: 'raw' | 'h264' | 'vp8' | 'vp9' | 'av1';
  /** Of what comes first, in pixels. 0: not known. */
  readonly width: number;
  readonly height: number;
}

export interface SourceAudio {
  readonly codec: 'raw' | 'opus';
}

/** Why a source has no more to give. */
export type SourceEnd =
  /** As it should: the Room or the track is over, or the page said END_RECORDING. */
  | { readonly kind: 'finished'; readonly reason: string }
  /** It broke: the Egress has failed. */
  | { readonly kind: 'failed'; readonly error: string };

/** A source at work. */
export interface OpenSource {
  /** At least one; ffmpeg is given them in this order. Pipes hold back until they are read. */
  readonly inputs: readonly SourceInput[];
  /**
   * When the first picture or sound could be had, in ns since 1970; 0 where it is not known: the
   * start of ffmpeg's output is taken.
   */
  readonly startedAtNs: bigint;
  /** Settles once. A source that is closed finishes as well. */
  readonly ended: Promise<SourceEnd>;
  /** Processes that do its work, beside those of this program. @default none */
  readonly pids?: readonly number[];
  /**
   * Tells the listener whether its sound is muted or gone: at once, and with each change.
   *
   * @default - it always sounds
   */
  readonly onMuted?: (listener: (muted: boolean) => void) => void;
  /** Of a participant or track: what file names may be made of. */
  readonly publication?: SourcePublication;
}

/** Whose media it is. Empty: does not apply. */
export interface SourcePublication {
  /** Identity. */
  readonly publisher: string;
  readonly trackId: string;
  /** audio, video */
  readonly trackType: string;
  /** camera, microphone, screen_share, screen_share_audio */
  readonly trackSource: string;
}

/** What an Egress records or sends on. */
export interface EgressSource {
  /**
   * Starts it and waits for its first media, as long as is useful.
   *
   * @throws SourceError where it never comes: the room, participant, track or page is not there
   */
  open(signal: AbortSignal): Promise<OpenSource>;
  /** Ends pipes after what they still hold. Idempotent; works before, while and after `open`. */
  close(): Promise<void>;
}

/** A source that could not be opened, with the sentence for whoever asked. */
export class SourceError extends Error {
  override readonly name = 'SourceError';

  constructor(
    message: string,
    /** Of EgressInfo.error_code, as HTTP would say it: 404, 408, 500. */
    readonly code: number,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
