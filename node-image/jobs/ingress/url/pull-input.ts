import { execFile } from 'node:child_process';
import { isIPv6 } from 'node:net';
import type { InputAudioState, InputVideoState } from '@livekit/protocol';
import { z } from 'zod';
import { GuardedProxy } from '../../../net/guarded-proxy';
import { tiedProgram } from '../../egress/tied-program';

import { addressOf } from './public-address';

/** What a source has shown of itself. */
export interface ProbedSource {
  readonly audio: boolean;
  readonly video: boolean;
  /** Its pictures can go on as they are. */
  readonly copies: boolean;
  readonly size: { readonly width: number; readonly height: number } | undefined;
  /** What it says of itself, for `IngressState`. */
  readonly said: {
    readonly video?: Partial<InputVideoState>;
    readonly audio?: Partial<InputAudioState>;
  };
}

/** What is pulled cannot be read. The text says no more of the URL than its host. */
export class PullError extends Error {
  override readonly name = 'PullError';
}

const PROBE_MS = 15_000;
/** Of a connection from which nothing comes, in µs. */
const READ_TIMEOUT_US = 10_000_000;
/**
 * What ffmpeg may open, whatever a source says of itself. What comes by SRT opens nothing further: of a
 * playlist in it the proxy would know nothing.
 */
const PROTOCOLS = {
  http: 'pipe,fd,http,https,tcp,tls,crypto,httpproxy,hls,data',
  srt: 'pipe,fd,srt',
} as const;
/** What it may be: no list of further sources but HLS. */
const FORMATS = {
  http: 'concat,hls,mpegts,mov,matroska,flv,mp3,ogg,wav,flac,aac,avi',
  srt: 'concat,mpegts',
} as const;

const probeSchema = z.object({
  streams: z
    .array(
      z.object({
        codec_type: z.string().default(''),
        codec_name: z.string().default(''),
        has_b_frames: z.number().default(0),
        width: z.number().default(0),
        height: z.number().default(0),
        avg_frame_rate: z.string().default(''),
        sample_rate: z.string().default(''),
        channels: z.number().default(0),
        bit_rate: z.string().default(''),
      }),
    )
    .default([]),
});

/**
 * How ffmpeg is to read a URL that a stranger named: without it in the list of processes, and
 * without a way to addresses that are not public.
 */
export class PullInput {
  private constructor(
    private readonly url: string,
    private readonly proxy: GuardedProxy | undefined,
  ) {}

  readonly #over = new AbortController();

  /** @throws HostRefusedError */
  static async open(url: string, allowsPrivate: boolean): Promise<PullInput> {
    const parsed = new URL(url);
    const address = await addressOf(parsed.hostname, allowsPrivate);
    if (parsed.protocol !== 'srt:') {
      const proxy = await GuardedProxy.listen({
        addressOf: (host) => addressOf(host, allowsPrivate),
      });
      return new PullInput(url, proxy);
    }
    // The address that was looked at is the one that is asked.
    parsed.hostname = isIPv6(address) ? `[${address}]` : address;
    parsed.searchParams.set('mode', 'caller');
    return new PullInput(parsed.href, undefined);
  }

  /** ffmpeg reads the list that says what to read from this descriptor. */
  arguments(descriptor: number): string[] {
    // A source that has an end is played, not swallowed; one that has none comes as it comes.
    const by = this.proxy === undefined ? 'srt' : 'http';
    const pace = by === 'srt' ? [] : ['-re'];
    return [
      ...pace,
      ...['-f', 'concat', '-safe', '0', '-protocol_whitelist', PROTOCOLS[by]],
      ...['-format_whitelist', FORMATS[by]],
      ...['-i', `pipe:${descriptor}`],
    ];
  }

  /** What is to be written there. */
  get list(): string {
    const option = this.proxy === undefined ? 'timeout' : 'rw_timeout';
    return `ffconcat version 1.0\nfile '${this.url.replaceAll("'", '%27')}'\noption ${option} ${READ_TIMEOUT_US}\n`;
  }

  get environment(): Record<string, string> {
    const url = this.proxy?.url;
    return url === undefined ? {} : { http_proxy: url, https_proxy: url };
  }

  /** @throws PullError */
  async probe(): Promise<ProbedSource> {
    const text = await this.#ffprobe();
    const { streams } = probeSchema.parse(JSON.parse(text || '{}'));
    const video = streams.find(({ codec_type }) => codec_type === 'video');
    const audio = streams.find(({ codec_type }) => codec_type === 'audio');
    if (video === undefined && audio === undefined) {
      throw new PullError('what is pulled has neither audio nor video');
    }
    return {
      audio: audio !== undefined,
      video: video !== undefined,
      copies: video?.codec_name === 'h264' && video.has_b_frames === 0,
      said: {
        ...(video && { video: videoState(video) }),
        ...(audio && { audio: audioState(audio) }),
      },
      size: video && video.width > 0 ? { width: video.width, height: video.height } : undefined,
    };
  }

  /** What ffmpeg said, for people, without what any URL in it says beside its host. */
  shown(text: string): string {
    return shownOf(this.url, text);
  }

  /** Ends a probe too. Idempotent. */
  close(): void {
    this.#over.abort();
    this.proxy?.close();
  }

  #ffprobe(): Promise<string> {
    const entries =
      'stream=codec_type,codec_name,has_b_frames,width,height,avg_frame_rate,sample_rate,channels,bit_rate';
    const args = this.arguments(0).filter((one) => one !== '-re');
    return new Promise((resolve, reject) => {
      const child = execFile(
        ...tiedProgram('ffprobe', [
          ...['-v', 'error', ...args, '-show_entries', entries, '-of', 'json'],
        ]),
        {
          signal: this.#over.signal,
          ...{ timeout: PROBE_MS, killSignal: 'SIGKILL', maxBuffer: 1 << 20 },
          env: { PATH: process.env['PATH'] ?? '', ...this.environment },
        },
        (error, stdout, stderr) => {
          if (error === null) resolve(stdout);
          else if (error.killed) reject(new PullError(`nothing came within ${PROBE_MS / 1000} s`));
          else reject(new PullError(`it cannot be read: ${this.shown(stderr || error.message)}`));
        },
      );
      child.stdin?.on('error', () => {});
      child.stdin?.end(this.list);
    });
  }
}

type ProbedStream = z.infer<typeof probeSchema>['streams'][number];

/** By ffmpeg's names: as LiveKit names them. */
const MIME_TYPES: Readonly<Record<string, string>> = {
  h264: 'video/H264',
  hevc: 'video/x-h265',
  vp8: 'video/x-vp8',
  vp9: 'video/x-vp9',
  av1: 'video/x-av1',
  aac: 'audio/aac',
  opus: 'audio/opus',
  mp3: 'audio/mpeg',
  vorbis: 'audio/x-vorbis',
  flac: 'audio/x-flac',
};

function videoState(stream: ProbedStream): Partial<InputVideoState> {
  const { codec_name: codec, width, height, avg_frame_rate: rate, bit_rate: bits } = stream;
  const [pictures = 0, seconds = 1] = rate.split('/').map(Number);
  return {
    mimeType: MIME_TYPES[codec] ?? `video/${codec}`,
    ...{ width, height, framerate: finite(pictures / seconds), averageBitrate: finite(bits) },
  };
}

const audioState = (stream: ProbedStream): Partial<InputAudioState> => ({
  mimeType: MIME_TYPES[stream.codec_name] ?? `audio/${stream.codec_name}`,
  channels: stream.channels,
  sampleRate: finite(stream.sample_rate),
  averageBitrate: finite(stream.bit_rate),
});

/** 0 for what is no number that a state can have. */
function finite(value: string | number): number {
  const number = Number(value);
  return Number.isFinite(number) && number > 0 && number < 2 ** 32 ? number : 0;
}

/** Longer than words of ffmpeg's that a path could be taken for. */
const MIN_SECRET = 6;

/**
 * What was said of a URL, without what is said in it beside hosts: keys stand in paths, in queries, and
 * in the URLs that a playlist or a redirection leads to.
 */
export function shownOf(url: string, text: string): string {
  const { host, username, password, pathname, search } = new URL(url);
  const paths = [pathname, search.slice(1), ...pathname.split('/')];
  const secrets = [
    ...withDecoded([username, password]).filter((one) => one !== ''),
    ...withDecoded(paths).filter((one) => one.length >= MIN_SECRET),
  ].sort((a, b) => b.length - a.length);
  const urls = text.replaceAll(/\b([a-z][a-z0-9+.-]*:\/\/)([^\s'"<>]+)/gi, (_, scheme, rest) => {
    const [named = ''] = String(rest).split(/[/?#]/, 1);
    return `${scheme}${named.split('@').at(-1)}`;
  });
  return secrets.reduce((all, secret) => all.replaceAll(secret, host), urls).slice(0, 1000);
}

const withDecoded = (texts: readonly string[]): string[] => [...texts, ...texts.map(decoded)];

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
