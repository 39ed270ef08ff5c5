import {
  AudioCodec,
  type EncodingOptions,
  EncodingOptionsPreset,
  VideoCodec,
} from '@livekit/protocol';
import { EgressError, invalidInput, notSupported } from './egress-error';
import type { EncodingSpec } from './spec';

/** What is encoded where a request says nothing of it. Source: EncodingOptions in livekit_egress.proto. */
export const DEFAULT_ENCODING: EncodingSpec = {
  width: 1920,
  height: 1080,
  framerate: 30,
  videoBitrate: 4_500_000,
  profile: 'main',
  audioBitrate: 128_000,
  audioFrequency: 44_100,
  audioCodec: 'default',
  keyFrameInterval: 0,
};

/** Source: EncodingOptionsPreset in livekit_egress.proto. */
const PRESETS: Readonly<Partial<Record<EncodingOptionsPreset, Partial<EncodingSpec>>>> = {
  [EncodingOptionsPreset.H264_720P_30]: size(1280, 720, 30, 3000),
  [EncodingOptionsPreset.H264_720P_60]: size(1280, 720, 60, 4500),
  [EncodingOptionsPreset.H264_1080P_30]: size(1920, 1080, 30, 4500),
  [EncodingOptionsPreset.H264_1080P_60]: size(1920, 1080, 60, 6000),
  [EncodingOptionsPreset.PORTRAIT_H264_720P_30]: size(720, 1280, 30, 3000),
  [EncodingOptionsPreset.PORTRAIT_H264_720P_60]: size(720, 1280, 60, 4500),
  [EncodingOptionsPreset.PORTRAIT_H264_1080P_30]: size(1080, 1920, 30, 4500),
  [EncodingOptionsPreset.PORTRAIT_H264_1080P_60]: size(1080, 1920, 60, 6000),
};

export type EncodingChoice =
  | { readonly case: 'preset'; readonly value: EncodingOptionsPreset }
  | { readonly case: 'advanced'; readonly value: EncodingOptions }
  | { readonly case: undefined; readonly value?: undefined };

/** @throws EgressError for what cannot be encoded. */
export function encodingOf(choice: EncodingChoice): EncodingSpec {
  if (choice.case === undefined) return DEFAULT_ENCODING;
  if (choice.case === 'advanced') return advanced(choice.value);
  const preset = PRESETS[choice.value];
  if (preset === undefined) {
    throw notSupported(`encoding preset ${EncodingOptionsPreset[choice.value] ?? choice.value}`);
  }
  return { ...DEFAULT_ENCODING, ...preset };
}

function advanced(options: EncodingOptions): EncodingSpec {
  const { width, height, framerate, audioFrequency, videoBitrate, audioBitrate } = options;
  return {
    width: within('width', even(width), 16, 4096, DEFAULT_ENCODING.width),
    height: within('height', even(height), 16, 4096, DEFAULT_ENCODING.height),
    framerate: within('framerate', framerate, 1, 120, DEFAULT_ENCODING.framerate),
    videoBitrate: 1000 * within('video_bitrate', videoBitrate, 50, 100_000, 4500),
    profile: profileOf(options.videoCodec),
    audioBitrate: 1000 * within('audio_bitrate', audioBitrate, 16, 512, 128),
    audioFrequency: within('audio_frequency', audioFrequency, 8000, 96_000, 44_100),
    audioCodec: audioCodecOf(options.audioCodec),
    keyFrameInterval: within('key_frame_interval', options.keyFrameInterval, 0, 60, 0),
  };
}

function profileOf(codec: VideoCodec): EncodingSpec['profile'] {
  switch (codec) {
    case VideoCodec.DEFAULT_VC:
    case VideoCodec.H264_MAIN:
      return 'main';
    case VideoCodec.H264_BASELINE:
      return 'baseline';
    case VideoCodec.H264_HIGH:
      return 'high';
    default:
      throw notSupported(`video codec ${VideoCodec[codec] ?? codec}`);
  }
}

function audioCodecOf(codec: AudioCodec): EncodingSpec['audioCodec'] {
  switch (codec) {
    case AudioCodec.DEFAULT_AC:
      return 'default';
    case AudioCodec.OPUS:
      return 'opus';
    case AudioCodec.AAC:
      return 'aac';
    case AudioCodec.AC_MP3:
      return 'mp3';
    default:
      throw notSupported(`audio codec ${AudioCodec[codec] ?? codec}`);
  }
}

function within(field: string, given: number, low: number, high: number, byDefault: number) {
  if (given === 0) return byDefault;
  if (!Number.isFinite(given) || given < low || given > high) {
    const text = `${invalidInput(`advanced.${field}`).message} (${given}; ${low} to ${high} is allowed)`;
    throw new EgressError('invalid_argument', text);
  }
  return given;
}

/** H264 with the usual colours has no odd sizes. */
const even = (pixels: number): number => pixels - (pixels % 2);

function size(
  width: number,
  height: number,
  framerate: number,
  kbps: number,
): Partial<EncodingSpec> {
  return { width, height, framerate, videoBitrate: kbps * 1000 };
}
