import {
  IngressAudioEncodingPreset,
  type IngressInfo,
  IngressVideoEncodingPreset,
  type IngressVideoOptions,
  VideoQuality,
} from '@livekit/protocol';

/** One of the sizes that a picture is encoded to. */
export interface LayerEncoding {
  readonly quality: VideoQuality;
  readonly width: number;
  readonly height: number;
  /** bit/s */
  readonly bitrate: number;
}

/** How a picture is encoded: H264, in one or more sizes, the smallest first. */
export interface VideoEncoding {
  readonly frameRate: number;
  readonly layers: readonly LayerEncoding[];
  /** What comes may change its size: each picture is put into the middle of its layer's. @default false */
  readonly varies?: boolean;
}

export interface AudioEncoding {
  readonly channels: 1 | 2;
  /** bit/s */
  readonly bitrate: number;
}

interface Preset {
  readonly width: number;
  readonly height: number;
  readonly frameRate: number;
  /** Of the largest, in bit/s. */
  readonly bitrate: number;
  readonly layers: 1 | 2 | 3;
}

const PRESETS: Readonly<Record<IngressVideoEncodingPreset, Preset>> = (() => {
  const of = (height: number, frameRate: number, layers: 1 | 2 | 3, bitrate: number): Preset => ({
    ...{ width: (height * 16) / 9, height, frameRate, bitrate, layers },
  });
  const p = IngressVideoEncodingPreset;
  return {
    [p.H264_720P_30FPS_3_LAYERS]: of(720, 30, 3, 1_900_000),
    [p.H264_1080P_30FPS_3_LAYERS]: of(1080, 30, 3, 3_500_000),
    [p.H264_540P_25FPS_2_LAYERS]: of(540, 25, 2, 1_000_000),
    [p.H264_720P_30FPS_1_LAYER]: of(720, 30, 1, 1_900_000),
    [p.H264_1080P_30FPS_1_LAYER]: of(1080, 30, 1, 3_500_000),
    [p.H264_720P_30FPS_3_LAYERS_HIGH_MOTION]: of(720, 30, 3, 2_500_000),
    [p.H264_1080P_30FPS_3_LAYERS_HIGH_MOTION]: of(1080, 30, 3, 4_500_000),
    [p.H264_540P_25FPS_2_LAYERS_HIGH_MOTION]: of(540, 25, 2, 1_300_000),
    [p.H264_720P_30FPS_1_LAYER_HIGH_MOTION]: of(720, 30, 1, 2_500_000),
    [p.H264_1080P_30FPS_1_LAYER_HIGH_MOTION]: of(1080, 30, 1, 4_500_000),
  };
})();

/** What a bit rate goes by where none is said. Source: livekit/ingress presets.go. */
const REFERENCE = { width: 1920, height: 1080, frameRate: 30, bitrate: 3_500_000 };
/** As many as the worker is given of a picture. */
const MAX_LAYERS = 3;

/** As many times as a side may become as long: larger than any layer. */
const MAX_GROWTH = 1024;

/** Of a picture in pixels. */
export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/**
 * What a picture is encoded to where it has to be. No size is larger than the source: where one of
 * them is as large, it is the last.
 *
 * @param source - @default - not known: what is asked for
 * @param comes - `varies`: a source that is small at first may grow, so its size is no limit, its shape is
 * Source: livekit/ingress params.go, webrtc_sink.go.
 */
export function videoEncoding(
  { video }: IngressInfo,
  source?: PictureSize,
  comes: 'steady' | 'varies' = 'steady',
): VideoEncoding {
  const { frameRate, layers } = askedFor(video?.encodingOptions);
  if (source === undefined) return { frameRate, layers };
  if (comes === 'varies') {
    const large = { width: source.width * MAX_GROWTH, height: source.height * MAX_GROWTH };
    const shaped = layers.map((layer) => ({ ...layer, ...within(layer, large) }));
    return { frameRate, layers: shaped, varies: true };
  }
  const fitted = layers.map((layer) => ({ ...layer, ...within(layer, source) }));
  const covers = fitted.findIndex(
    ({ width, height }) => width >= source.width && height >= source.height,
  );
  return { frameRate, layers: covers < 0 ? fitted : fitted.slice(0, covers + 1) };
}

function askedFor(options: IngressVideoOptions['encodingOptions'] | undefined): VideoEncoding {
  if (options?.case === 'preset') return ofPreset(PRESETS[options.value] ?? STANDARD);
  if (options?.case !== 'options') return ofPreset(STANDARD);
  const { frameRate: asked, layers } = options.value;
  const frameRate = asked > 0 ? asked : REFERENCE.frameRate;
  if (layers.length === 0) return { ...ofPreset({ ...STANDARD, bitrate: 1_700_000 }), frameRate };
  return {
    frameRate,
    layers: [...layers]
      .sort((a, b) => a.quality - b.quality)
      .slice(-MAX_LAYERS)
      .map(({ quality, width, height, bitrate }) => {
        const size = { width, height };
        return {
          quality,
          ...size,
          bitrate: bitrate || bitrateOf(REFERENCE, { ...size, frameRate }),
        };
      }),
  };
}

const STANDARD = PRESETS[IngressVideoEncodingPreset.H264_720P_30FPS_3_LAYERS];

/** Each layer has half the sides of the next one. */
function ofPreset({ width, height, frameRate, bitrate, layers: count }: Preset): VideoEncoding {
  const layers = Array.from({ length: count }, (_, i) => {
    const below = count - 1 - i;
    const size = { width: width >> below, height: height >> below };
    const reference = { width, height, frameRate, bitrate };
    return {
      quality: below === 0 ? VideoQuality.HIGH : (i as VideoQuality),
      ...size,
      bitrate: bitrateOf(reference, { ...size, frameRate }),
    };
  });
  return { frameRate, layers };
}

function bitrateOf(
  reference: typeof REFERENCE,
  { width, height, frameRate }: PictureSize & { readonly frameRate: number },
): number {
  const rate = frameRate / reference.frameRate;
  const area = (width * height) / (reference.width * reference.height);
  return Math.floor(reference.bitrate * (rate * area) ** 0.75);
}

/** The size of a source within another one: its sides are even. */
function within(box: PictureSize, source: PictureSize): PictureSize {
  const scale = Math.min(1, box.width / source.width, box.height / source.height);
  const even = (side: number): number => 2 * Math.max(1, Math.ceil(Math.floor(side * scale) / 2));
  return { width: even(source.width), height: even(source.height) };
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

/** The end of ffmpeg's arguments for one output, each where a stream goes to. */
export type Outputs = readonly (readonly string[])[];

/**
 * ffmpeg's arguments for the first picture of its first input: as it is, or encoded anew.
 *
 * @param outputs - one for each layer
 */
export function videoArguments(encoding: VideoEncoding | 'copy', outputs: Outputs): string[] {
  if (encoding === 'copy') {
    // The parameter sets come with each key frame: whoever subscribes later needs them.
    const copied = ['-c:v', 'copy', '-bsf:v', 'h264_mp4toannexb,dump_extra=freq=keyframe'];
    return ['-map', '0:v:0', ...copied, ...(outputs[0] ?? [])];
  }
  const { frameRate, layers, varies = false } = encoding;
  const names = layers.map((_, i) => `[s${i}]`).join('');
  const scaled = layers.map(({ width, height }, i) => {
    const fit = `w=${width}:h=${height}:force_original_aspect_ratio=decrease:force_divisible_by=2`;
    const middle = varies ? `,pad=${width}:${height}:-1:-1,setsar=1` : '';
    return `[s${i}]scale=${fit}${middle}[v${i}]`;
  });
  const graph = [`[0:v:0]fps=${frameRate},split=${layers.length}${names}`, ...scaled].join(';');
  const encoded = layers.flatMap(({ bitrate }, i) => [
    ...['-map', `[v${i}]`, '-c:v', 'libx264', '-preset', 'veryfast'],
    ...['-tune', 'zerolatency', '-profile:v', 'baseline', '-pix_fmt', 'yuv420p'],
    ...['-b:v', `${bitrate}`, '-maxrate', `${bitrate}`, '-bufsize', `${bitrate}`],
    // Nobody can ask for a key frame; all layers have theirs at once, so that one can follow another.
    ...['-g', `${Math.round(frameRate * 2)}`, '-sc_threshold', '0', '-bf', '0', '-threads', '2'],
    ...(outputs[i] ?? []),
  ]);
  return ['-filter_complex', graph, ...encoded];
}

/** ffmpeg's arguments for the first sound of its first input. */
export const audioArguments = (
  { channels, bitrate }: AudioEncoding,
  [output = []]: Outputs,
): string[] => [
  ...['-map', '0:a:0', '-c:a', 'libopus', '-ar', '48000', '-ac', `${channels}`],
  ...['-b:a', `${bitrate}`, '-frame_duration', '20', '-application', 'audio', ...output],
];
