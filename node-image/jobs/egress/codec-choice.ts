import { incompatible, invalidInput } from './egress-error';
import type { EgressSpec, OutputSpec } from './spec';

export interface ChosenCodecs {
  readonly audio: 'aac' | 'opus' | 'mp3' | 'none';
  readonly video: 'h264' | 'vp8' | 'none';
}

interface Format {
  readonly name: string;
  readonly audio: readonly Exclude<ChosenCodecs['audio'], 'none'>[];
  readonly video: readonly Exclude<ChosenCodecs['video'], 'none'>[];
}

/** What goes into what, the usual first. Source: livekit/egress pkg/types. */
const FORMATS = {
  mp4: { name: 'MP4', audio: ['aac', 'opus', 'mp3'], video: ['h264'] },
  webm: { name: 'WEBM', audio: ['opus'], video: ['vp8'] },
  ogg: { name: 'OGG', audio: ['opus'], video: [] },
  mp3: { name: 'MP3', audio: ['mp3'], video: [] },
  segments: { name: 'HLS', audio: ['aac'], video: ['h264'] },
  stream: { name: 'RTMP', audio: ['aac'], video: ['h264'] },
} as const satisfies Record<string, Format>;

/** The type of a file, where the request leaves it open: what suits what is recorded. */
export function fileType(
  output: Extract<OutputSpec, { kind: 'file' }>,
  spec: Pick<EgressSpec, 'video'>,
): 'mp4' | 'ogg' | 'mp3' | 'webm' {
  if (output.type !== 'auto') return output.type;
  return spec.video ? 'mp4' : 'ogg';
}

/**
 * One encoder each for picture and sound serves all outputs: the codec that all of them take.
 *
 * @throws EgressError where there is none.
 */
export function chosenCodecs(
  spec: Pick<EgressSpec, 'audio' | 'video' | 'encoding' | 'outputs'>,
): ChosenCodecs {
  const formats = spec.outputs.flatMap((output): Format[] => {
    // Nothing of what is encoded is in these.
    if (output.kind === 'images' || (output.kind === 'stream' && output.raw)) return [];
    return [FORMATS[output.kind === 'file' ? fileType(output, spec) : output.kind]];
  });
  if (spec.outputs.some(({ kind }) => kind === 'images') && !spec.video) {
    throw invalidInput('image output of an Egress without video');
  }
  return {
    audio: spec.audio && formats.length > 0 ? audioOf(spec, formats) : 'none',
    video: spec.video && formats.length > 0 ? videoOf(formats) : 'none',
  };
}

function audioOf(spec: Pick<EgressSpec, 'encoding'>, formats: readonly Format[]) {
  const wanted = spec.encoding.audioCodec;
  const [first] = formats;
  const candidates = wanted === 'default' ? (first?.audio ?? []) : [wanted];
  const found = candidates.find((codec) => formats.every(({ audio }) => audio.includes(codec)));
  if (found !== undefined) return found;
  const [codec = 'aac'] = candidates;
  const odd = formats.find(({ audio }) => !audio.includes(codec));
  throw incompatible(odd?.name ?? '', codec.toUpperCase());
}

function videoOf(formats: readonly Format[]) {
  const [first] = formats;
  const candidates = first?.video ?? [];
  const found = candidates.find((codec) => formats.every(({ video }) => video.includes(codec)));
  if (found !== undefined) return found;
  const odd = formats.find(({ video }) => !video.includes(candidates[0] ?? 'h264'));
  throw incompatible(odd?.name ?? '', (candidates[0] ?? 'h264').toUpperCase());
}
