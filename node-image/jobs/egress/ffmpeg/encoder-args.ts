import type { ChosenCodecs } from '../codec-choice';
import type { SourceInput } from '../source';
import type { EncodingSpec } from '../spec';

/** What one encoder writes, below the folder it runs in. */
export interface EncoderOutputs {
  /** fMP4 segments: `segments/index.m3u8`, `segments/init.mp4`, `segments/00000.m4s`. Length in s. */
  readonly segments?: number;
  /** One file, such as `file.ogg`. */
  readonly file?: string;
  /** On `pipe:1`: MPEG-TS, or sound as it is (signed 16 bits, little-endian, 48 kHz, stereo). */
  readonly stream: 'none' | 'mpegts' | 'pcm';
  readonly images: readonly ImageArgs[];
}

export interface ImageArgs {
  /** s */
  readonly interval: number;
  /** 0: as recorded. */
  readonly width: number;
  readonly height: number;
  /** A folder; `000001.jpg` and so on are written there. */
  readonly folder: string;
}

export interface EncoderPlan {
  readonly inputs: readonly SourceInput[];
  readonly outputs: EncoderOutputs;
  readonly codecs: ChosenCodecs;
  readonly encoding: EncodingSpec;
  /** Copies what comes, instead of encoding it. */
  readonly passthrough: boolean;
}

/** s; source: EncodingOptions.key_frame_interval in livekit_egress.proto. */
const STREAM_KEY_FRAMES = 4;
/** The first of the pipes that ffmpeg is given as input. */
const FIRST_PIPE = 4;

/** The arguments of the one ffmpeg that encodes. No name in them comes from a request. */
export function encoderArgs(plan: EncoderPlan): string[] {
  const { inputs, outputs } = plan;
  const args: string[] = [];
  let pipe = FIRST_PIPE;
  for (const { args: own, from } of inputs) {
    args.push(...own, '-i', 'device' in from ? from.device : `pipe:${pipe}`);
    if ('pipe' in from) pipe += 1;
  }
  const sinks = teeSinks(outputs);
  if (sinks.length > 0) args.push(...mainOutput(plan, sinks));
  if (outputs.stream === 'pcm') args.push(...rawOutput(inputs));
  for (const image of outputs.images) args.push(...imageOutput(inputs, image));
  return args;
}

function mainOutput(plan: EncoderPlan, sinks: readonly string[]): string[] {
  return [
    ...(plan.passthrough ? copied(plan) : encoded(plan)),
    // What goes to several formats has its headers once, outside of the pictures.
    '-flags',
    '+global_header',
    '-max_muxing_queue_size',
    '4096',
    '-f',
    'tee',
    sinks.join('|'),
  ];
}

const videoIn = (inputs: readonly SourceInput[]): number =>
  inputs.findIndex((input) => input.video !== undefined);
const audioIn = (inputs: readonly SourceInput[]): number =>
  inputs.findIndex((input) => input.audio !== undefined);

function copied({ inputs }: EncoderPlan): string[] {
  const [video, audio] = [videoIn(inputs), audioIn(inputs)];
  return [
    ...(video >= 0 ? ['-map', `${video}:v:0`] : []),
    ...(audio >= 0 ? ['-map', `${audio}:a:0`] : []),
    ...['-c', 'copy'],
  ];
}

function encoded(plan: EncoderPlan): string[] {
  const { inputs, codecs } = plan;
  const [video, audio] = [videoIn(inputs), audioIn(inputs)];
  const withVideo = video >= 0 && codecs.video !== 'none';
  const withAudio = audio >= 0 && codecs.audio !== 'none';
  const filters = [
    ...(withVideo ? [{ from: `${video}:v:0`, kind: 'v', chain: videoFilter(plan, video) }] : []),
    ...(withAudio ? [{ from: `${audio}:a:0`, kind: 'a', chain: AUDIO_FILTER }] : []),
  ];
  return [
    ...filtered(filters, video !== audio),
    ...(withVideo ? videoArgs(plan) : []),
    ...(withAudio ? audioArgs(plan) : []),
  ];
}

interface Filter {
  /** A stream of an input. */
  readonly from: string;
  readonly kind: string;
  readonly chain: string;
}

/**
 * Devices of their own go through one graph: of two, ffmpeg reads sound only as far as pictures have
 * left their encoder, and what it has not read when it is told to end is lost.
 */
function filtered(filters: readonly Filter[], apart: boolean): string[] {
  if (!apart || filters.length < 2) {
    return filters.flatMap(({ from, kind, chain }) => ['-map', from, `-filter:${kind}`, chain]);
  }
  const graph = filters.map(({ from, kind, chain }) => `[${from}]${chain}[${kind}]`).join(';');
  return ['-filter_complex', graph, ...filters.flatMap(({ kind }) => ['-map', `[${kind}]`])];
}

/** Our own names only: nothing has to be escaped. */
function teeSinks({ segments, file, stream }: EncoderOutputs): string[] {
  const sinks: string[] = [];
  if (segments !== undefined) {
    const options = [
      'f=hls',
      `hls_time=${segments}`,
      // Read over and over: minutes are enough, where days would be megabytes.
      'hls_list_size=100',
      'hls_segment_type=fmp4',
      'hls_fmp4_init_filename=init.mp4',
      'hls_segment_filename=segments/%05d.m4s',
      'hls_flags=temp_file+independent_segments+program_date_time',
    ];
    sinks.push(`[${options.join(':')}]segments/index.m3u8`);
  }
  if (file !== undefined) sinks.push(`[${fileOptions(file)}]${file}`);
  // Nobody may read it: then it is not to end the others.
  if (stream === 'mpegts') sinks.push('[f=mpegts:onfail=ignore:mpegts_flags=resend_headers]pipe:1');
  return sinks;
}

/** What is complete is on the disk soon: it is stored elsewhere while the file grows. */
function fileOptions(file: string): string {
  const format = file.slice(file.lastIndexOf('.') + 1);
  const cluster = format === 'webm' ? ':cluster_time_limit=1000' : '';
  return `f=${format}:flush_packets=1${cluster}`;
}

function videoFilter({ encoding, inputs }: EncoderPlan, index: number): string {
  const { width, height, framerate } = encoding;
  const fit = [
    `fps=${framerate}`,
    `scale=${width}:${height}:force_original_aspect_ratio=decrease`,
    `pad=${width}:${height}:(ow-iw)/2:(oh-ih)/2`,
    'setsar=1',
  ];
  const raw = inputs[index]?.video?.codec === 'raw';
  return [...(raw ? [] : fit), 'format=yuv420p'].join(',');
}

const IN_STEP = 'aresample=async=1000';
/**
 * Sound may begin later than the picture, as a sound server does after a display. What is missing is
 * filled: MSE ignores the empty edit that would say so, and plays the sound too early.
 */
const AUDIO_FILTER = `${IN_STEP}:first_pts=0`;

function videoArgs({ encoding, codecs, outputs }: EncoderPlan): string[] {
  const { framerate, videoBitrate, profile } = encoding;
  const interval = encoding.keyFrameInterval || (outputs.segments ?? STREAM_KEY_FRAMES);
  const kbps = Math.round(videoBitrate / 1000);
  const codec =
    codecs.video === 'vp8'
      ? ['libvpx', '-deadline', 'realtime', '-cpu-used', '8']
      : [
          ...['libx264', '-preset', 'veryfast', '-profile:v', profile, '-sc_threshold', '0'],
          // B-frames begin late, and sound is delayed for that by an empty edit, which MSE ignores.
          ...(outputs.segments === undefined ? [] : ['-bf', '0']),
        ];
  return [
    ...['-r', String(framerate), '-c:v', ...codec],
    ...['-b:v', `${kbps}k`, '-maxrate', `${kbps}k`, '-bufsize', `${2 * kbps}k`],
    ...['-g', String(Math.max(1, Math.round(framerate * interval)))],
    // By time, not by count: a source that stutters has its segments at the right length too.
    ...['-force_key_frames', `expr:gte(t,n_forced*${interval})`],
  ];
}

/** Each packet at once: whoever is sent it may be about to answer. */
function rawOutput(inputs: readonly SourceInput[]): string[] {
  return [
    ...['-map', `${audioIn(inputs)}:a:0`, '-af', IN_STEP, '-ac', '2', '-ar', '48000'],
    ...['-c:a', 'pcm_s16le', '-flush_packets', '1', '-f', 's16le', 'pipe:1'],
  ];
}

const AUDIO_ENCODERS = { aac: 'aac', opus: 'libopus', mp3: 'libmp3lame' } as const;

function audioArgs({ encoding, codecs }: EncoderPlan): string[] {
  if (codecs.audio === 'none') return [];
  // Opus knows few frequencies, and 44.1 kHz is not among them.
  const hz = codecs.audio === 'opus' ? 48_000 : encoding.audioFrequency;
  return [
    ...['-ac', '2', '-ar', String(hz)],
    ...['-c:a', AUDIO_ENCODERS[codecs.audio], '-b:a', String(encoding.audioBitrate)],
  ];
}

function imageOutput(inputs: readonly SourceInput[], image: ImageArgs): string[] {
  const { interval, width, height, folder } = image;
  const size = width > 0 && height > 0 ? `,scale=${width}:${height}` : '';
  return [
    ...['-map', `${videoIn(inputs)}:v:0`],
    ...['-vf', `select='isnan(prev_selected_t)+gte(t-prev_selected_t,${interval})'${size}`],
    ...['-vsync', 'vfr', '-q:v', '3', '-f', 'image2', '-atomic_writing', '1'],
    `${folder}/%06d.jpg`,
  ];
}
