import {
  IngressAudioEncodingPreset,
  type IngressInfo,
  IngressVideoEncodingPreset,
  type VideoLayer,
} from '@livekit/protocol';

/** How a picture is encoded: one layer, H264. */
export interface VideoEncoding {
  readonly width: number;
  readonly height: number;
  readonly frameRate: number;
  /** bit/s */
  readonly bitrate: number;
}

export interface AudioEncoding {
  readonly channels: 1 | 2;
  /** bit/s */
  readonly bitrate: number;
}

const PRESETS: Readonly<Record<IngressVideoEncodingPreset, VideoEncoding>> = (() => {
  const of = (width: number, height: number, frameRate: number, bitrate: number) => ({
    ...{ width, height, frameRate, bitrate },
  });
  const p = IngressVideoEncodingPreset;
  return {
    [p.H264_720P_30FPS_3_LAYERS]: of(1280, 720, 30, 1_900_000),
    [p.H264_1080P_30FPS_3_LAYERS]: of(1920, 1080, 30, 3_500_000),
    [p.H264_540P_25FPS_2_LAYERS]: of(960, 540, 25, 1_000_000),
    [p.H264_720P_30FPS_1_LAYER]: of(1280, 720, 30, 1_900_000),
    [p.H264_1080P_30FPS_1_LAYER]: of(1920, 1080, 30, 3_500_000),
    [p.H264_720P_30FPS_3_LAYERS_HIGH_MOTION]: of(1280, 720, 30, 2_500_000),
    [p.H264_1080P_30FPS_3_LAYERS_HIGH_MOTION]: of(1920, 1080, 30, 4_500_000),
    [p.H264_540P_25FPS_2_LAYERS_HIGH_MOTION]: of(960, 540, 25, 1_300_000),
    [p.H264_720P_30FPS_1_LAYER_HIGH_MOTION]: of(1280, 720, 30, 2_500_000),
    [p.H264_1080P_30FPS_1_LAYER_HIGH_MOTION]: of(1920, 1080, 30, 4_500_000),
  };
})();

/** What a picture is encoded to where it has to be: the largest layer that is asked for. */
export function videoEncoding({ video }: IngressInfo): VideoEncoding {
  const standard = PRESETS[IngressVideoEncodingPreset.H264_720P_30FPS_3_LAYERS];
  const options = video?.encodingOptions;
  if (options?.case === 'preset') {
    return PRESETS[options.value] ?? standard;
  }
  if (options?.case !== 'options') {
    return standard;
  }
  const { frameRate, layers } = options.value;
  const largest = [...layers].sort(bySize).at(-1);
  return {
    width: largest?.width || standard.width,
    height: largest?.height || standard.height,
    frameRate: frameRate > 0 ? frameRate : standard.frameRate,
    bitrate: largest?.bitrate || standard.bitrate,
  };
}

export function audioEncoding({ audio }: IngressInfo): AudioEncoding {
  const options = audio?.encodingOptions;
  if (options?.case === 'preset' && options.value === IngressAudioEncodingPreset.OPUS_MONO_64KBS) {
    return { channels: 1, bitrate: 64_000 };
  }
  if (options?.case === 'options') {
    const { bitrate, channels } = options.value;
    return { channels: channels === 1 ? 1 : 2, bitrate: bitrate || 96_000 };
  }
  return { channels: 2, bitrate: 96_000 };
}

/** ffmpeg's arguments for the picture: as it is, or encoded anew. */
export function videoArguments(encoding: VideoEncoding | 'copy'): string[] {
  if (encoding === 'copy') {
    // The parameter sets come with each key frame: whoever subscribes later needs them.
    return ['-c:v', 'copy', '-bsf:v', 'h264_mp4toannexb,dump_extra=freq=keyframe'];
  }
  const { width, height, frameRate, bitrate } = encoding;
  const fit = `scale=w=${width}:h=${height}:force_original_aspect_ratio=decrease:force_divisible_by=2`;
  return [
    ...['-vf', `${fit},fps=${frameRate}`, '-c:v', 'libx264', '-preset', 'veryfast'],
    ...['-tune', 'zerolatency', '-profile:v', 'baseline', '-pix_fmt', 'yuv420p'],
    ...['-b:v', `${bitrate}`, '-maxrate', `${bitrate}`, '-bufsize', `${bitrate}`],
    // Nobody can ask for a key frame.
    ...['-g', `${Math.round(frameRate * 2)}`, '-bf', '0', '-threads', '2'],
  ];
}

export const audioArguments = ({ channels, bitrate }: AudioEncoding): string[] => [
  ...['-c:a', 'libopus', '-ar', '48000', '-ac', `${channels}`, '-b:a', `${bitrate}`],
  ...['-frame_duration', '20', '-application', 'audio'],
];

const bySize = (a: VideoLayer, b: VideoLayer): number => a.width * a.height - b.width * b.height;
