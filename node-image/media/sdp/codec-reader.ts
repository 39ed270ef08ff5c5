import sdpTransform from 'sdp-transform';
import type { CodecParameters } from '../codecs';
import { textOf, wholeOf } from './sdp-values';

/** One codec of a section, with the payload type of its retransmissions. */
export interface OfferedCodec {
  readonly payloadType: number;
  readonly mimeType: string;
  readonly clockRate: number;
  readonly channels: number | undefined;
  readonly parameters: CodecParameters;
  readonly feedback: readonly { type: string; parameter: string }[];
  readonly rtxPayloadType: number | undefined;
}

export type ParsedMedia = ReturnType<typeof sdpTransform.parse>['media'][number];

/** What a client may ask to be told of one codec. */
const MAX_FEEDBACK = 32;

/**
 * The format parameters that mean something to somebody. Others are left out, since what a publisher
 * says of its codec is repeated to every subscriber, whose client may fail on the whole description.
 */
const PARAMETERS: ReadonlySet<string> = new Set([
  'cbr',
  'level-asymmetry-allowed',
  'level-idx',
  'max-br',
  'max-cpb',
  'max-dpb',
  'max-fr',
  'max-fs',
  'max-mbps',
  'max-smbps',
  'maxaveragebitrate',
  'maxplaybackrate',
  'maxptime',
  'minptime',
  'packetization-mode',
  'profile',
  'profile-id',
  'profile-level-id',
  'ptime',
  'sprop-maxcapturerate',
  'sprop-parameter-sets',
  'sprop-stereo',
  'stereo',
  'tier',
  'usedtx',
  'useinbandfec',
  // Where a browser's estimate starts, which it writes into its offer and reads from the answer.
  'x-google-max-bitrate',
  'x-google-min-bitrate',
  'x-google-start-bitrate',
]);

const payloadTypeOf = (value: unknown): number | undefined => wholeOf(value, 0, 127);

/** The codecs of a section, each payload type once, in the order of preference. */
export function readCodecs(media: ParsedMedia): OfferedCodec[] {
  const lines = new Map<number, ParsedMedia['rtp'][number]>();
  for (const line of media.rtp) {
    const payloadType = payloadTypeOf(line.payload);
    if (payloadType !== undefined && !lines.has(payloadType)) {
      lines.set(payloadType, line);
    }
  }
  const formats = new Map<number, Record<string, unknown>>();
  for (const line of media.fmtp ?? []) {
    const payloadType = payloadTypeOf(line.payload);
    if (payloadType !== undefined) {
      formats.set(payloadType, sdpTransform.parseParams(textOf(line.config) ?? ''));
    }
  }
  const rtx = new Map<number, number>();
  for (const [payloadType, line] of lines) {
    const apt = payloadTypeOf(formats.get(payloadType)?.['apt']);
    if (media.type === 'video' && nameOf(line) === 'rtx' && apt !== undefined) {
      rtx.set(apt, payloadType);
    }
  }
  const feedback = readFeedback(media);
  return inOrder(media, lines.keys()).flatMap((payloadType): OfferedCodec[] => {
    const line = lines.get(payloadType);
    const name = line === undefined ? '' : nameOf(line);
    const clockRate = wholeOf(line?.rate, 1, 0xffff_ffff);
    const channels = wholeOf(line?.encoding, 1, 255);
    const known = channels !== undefined || line?.encoding === undefined;
    if (name === '' || /^(rtx|red|ulpfec|flexfec-03)$/.test(name) || !clockRate || !known) {
      return [];
    }
    return [
      {
        payloadType,
        mimeType: `${media.type}/${String(line?.codec)}`,
        clockRate,
        channels,
        parameters: knownParameters(formats.get(payloadType) ?? {}),
        feedback: [...(feedback.get('*') ?? []), ...(feedback.get(String(payloadType)) ?? [])],
        rtxPayloadType: rtx.get(payloadType),
      },
    ];
  });
}

const nameOf = (line: ParsedMedia['rtp'][number]): string =>
  (textOf(line.codec) ?? '').toLowerCase();

/** The order of preference is that of the payload types in the m-line, not of the rtpmap lines. */
function inOrder(media: ParsedMedia, payloadTypes: Iterable<number>): number[] {
  const order = new Map<number, number>();
  for (const text of (textOf(media.payloads) ?? '').split(' ')) {
    const payloadType = payloadTypeOf(text);
    if (payloadType !== undefined && !order.has(payloadType)) {
      order.set(payloadType, order.size);
    }
  }
  return [...payloadTypes].sort((a, b) => (order.get(a) ?? -1) - (order.get(b) ?? -1));
}

/** By payload type, or "*" for all of a section. */
function readFeedback(media: ParsedMedia): Map<string, { type: string; parameter: string }[]> {
  const feedback = new Map<string, { type: string; parameter: string }[]>();
  for (const line of media.rtcpFb ?? []) {
    const list = feedback.get(String(line.payload)) ?? [];
    const type = textOf(line.type) ?? '';
    if (list.length < MAX_FEEDBACK && type !== '') {
      list.push({ type, parameter: textOf(line.subtype) ?? '' });
      feedback.set(String(line.payload), list);
    }
  }
  return feedback;
}

function knownParameters(parameters: Record<string, unknown>): CodecParameters {
  return Object.fromEntries(
    Object.entries(parameters).filter(
      (entry): entry is [string, string | number] =>
        PARAMETERS.has(entry[0]) && /^[\w.,+/=-]{1,256}$/.test(textOf(entry[1]) ?? ''),
    ),
  );
}
