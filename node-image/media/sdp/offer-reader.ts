import type { DtlsParameters, FingerprintAlgorithm, MediaKind } from 'mediasoup/types';
import sdpTransform from 'sdp-transform';
import type { CodecParameters } from '../codecs';

export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';

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

/** One m-section of a session description, as its sender wrote it. */
export interface MediaSection {
  readonly index: number;
  readonly mid: string;
  readonly kind: MediaKind | 'application';
  /** The sender took the section out of use: port 0 without bundle-only. RFC 8843 section 6. */
  readonly rejected: boolean;
  readonly direction: Direction;
  /** The second token of `a=msid`: the id of the MediaStreamTrack. */
  readonly trackId: string | undefined;
  readonly codecs: readonly OfferedCodec[];
  readonly extensions: readonly { id: number; uri: string }[];
  /** In the order of `a=simulcast:send`, without the mark of a paused one. */
  readonly rids: readonly string[];
  readonly ssrcs: readonly { ssrc: number; rtxSsrc: number | undefined }[];
  readonly cname: string | undefined;
  readonly protocol: string;
}

/** What the server needs of a client's session description. */
export interface ClientDescription {
  readonly sections: readonly MediaSection[];
  readonly iceUfrag: string | undefined;
  readonly fingerprints: DtlsParameters['fingerprints'];
  readonly setup: string | undefined;
  readonly extmapAllowMixed: boolean;
}

/** A session description that cannot be used. */
export class SdpError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SdpError';
  }
}

/** More sections than any client needs, and few enough to be cheap. */
const MAX_SECTIONS = 1000;

/**
 * Reads a client's offer or answer.
 *
 * @throws SdpError for what is not SDP, or lacks what the server cannot do without.
 */
export function readDescription(sdp: string): ClientDescription {
  if (!sdp.startsWith('v=0')) {
    throw new SdpError('not a session description: it must start with v=0');
  }
  const parsed = sdpTransform.parse(sdp);
  if (parsed.media.length > MAX_SECTIONS) {
    throw new SdpError(
      `${parsed.media.length} media sections, at most ${MAX_SECTIONS} are allowed`,
    );
  }
  // The grammar's msid pattern cuts at "|" and misses braces, so it is read from the raw lines.
  const raw = sdp.split(/\r?\n(?=m=)/).slice(1);
  const sections = parsed.media.map((media, index) => readSection(media, raw[index] ?? '', index));
  const mids = new Set(sections.map((section) => section.mid));
  if (mids.size !== sections.length) {
    throw new SdpError('two media sections have the same mid');
  }
  return {
    sections,
    iceUfrag: first(parsed, (part) => part.iceUfrag),
    fingerprints: fingerprintsOf(parsed),
    setup: first(parsed, (part) => part.setup),
    extmapAllowMixed: /^a=extmap-allow-mixed/m.test(sdp),
  };
}

type Parsed = ReturnType<typeof sdpTransform.parse>;
type ParsedMedia = Parsed['media'][number];

function readSection(media: ParsedMedia, raw: string, index: number): MediaSection {
  if (media.type !== 'audio' && media.type !== 'video' && media.type !== 'application') {
    throw new SdpError(
      `media section ${index} is "${media.type}"; audio, video or application is allowed`,
    );
  }
  const mid = media.mid === undefined ? '' : String(media.mid);
  if (!/^[\x21-\x7e]{1,32}$/.test(mid)) {
    throw new SdpError(`media section ${index} has no usable mid`);
  }
  return {
    index,
    mid,
    kind: media.type,
    rejected: media.port === 0 && !/^a=bundle-only/m.test(raw),
    direction: (media.direction as Direction | undefined) ?? 'sendrecv',
    trackId: trackIdOf(raw),
    codecs: media.type === 'application' ? [] : readCodecs(media),
    extensions: (media.ext ?? []).map((ext) => ({ id: Number(ext.value), uri: ext.uri })),
    rids: readRids(media),
    ssrcs: readSsrcs(media),
    cname: /^a=ssrc:\d+ cname:(\S+)/m.exec(raw)?.[1],
    protocol: media.protocol,
  };
}

function trackIdOf(raw: string): string | undefined {
  const line = /^a=msid:(\S+) +(\S+)/m.exec(raw) ?? /^a=ssrc:\d+ msid:(\S+) +(\S+)/m.exec(raw);
  return line?.[2];
}

function readCodecs(media: ParsedMedia): OfferedCodec[] {
  const parameters = new Map<number, CodecParameters>();
  for (const line of media.fmtp ?? []) {
    parameters.set(Number(line.payload), definedOnly(sdpTransform.parseParams(line.config)));
  }
  const rtx = new Map<number, number>();
  for (const line of media.rtp) {
    const apt = parameters.get(Number(line.payload))?.['apt'];
    if (line.codec.toLowerCase() === 'rtx' && apt !== undefined) {
      rtx.set(Number(apt), Number(line.payload));
    }
  }
  // The order of preference is that of the payload types in the m-line, not of the rtpmap lines.
  const order = String(media.payloads ?? '')
    .split(' ')
    .map(Number);
  return media.rtp
    .filter((line) => !/^(rtx|red|ulpfec|flexfec-03)$/i.test(line.codec))
    .map((line) => {
      const payloadType = Number(line.payload);
      return {
        payloadType,
        mimeType: `${media.type}/${line.codec}`,
        clockRate: Number(line.rate),
        channels: line.encoding === undefined ? undefined : Number(line.encoding),
        parameters: parameters.get(payloadType) ?? {},
        feedback: (media.rtcpFb ?? [])
          .filter((fb) => String(fb.payload) === '*' || Number(fb.payload) === payloadType)
          .map((fb) => ({ type: fb.type, parameter: fb.subtype ?? '' })),
        rtxPayloadType: rtx.get(payloadType),
      };
    })
    .sort((a, b) => order.indexOf(a.payloadType) - order.indexOf(b.payloadType));
}

function definedOnly(parameters: Record<string, string | number | undefined>): CodecParameters {
  return Object.fromEntries(
    Object.entries(parameters).filter(
      (entry): entry is [string, string | number] => entry[1] !== undefined,
    ),
  );
}

function readRids(media: ParsedMedia): string[] {
  const list = media.simulcast?.dir1 === 'send' ? media.simulcast.list1 : media.simulcast?.list2;
  if (list === undefined) {
    return [];
  }
  const declared = new Set((media.rids ?? []).map((rid) => String(rid.id)));
  return list
    .split(';')
    .map((alternatives) => (alternatives.split(',')[0] ?? '').replace(/^~/, ''))
    .filter((rid) => declared.has(rid));
}

function readSsrcs(media: ParsedMedia): { ssrc: number; rtxSsrc: number | undefined }[] {
  const groups = (media.ssrcGroups ?? []).filter((group) => group.semantics === 'FID');
  const rtx = new Map<number, number>();
  for (const group of groups) {
    const [ssrc, repair] = String(group.ssrcs).split(' ').map(Number);
    if (ssrc !== undefined && repair !== undefined) {
      rtx.set(ssrc, repair);
    }
  }
  const repairs = new Set(rtx.values());
  const all = new Set((media.ssrcs ?? []).map((line) => Number(line.id)));
  return [...all]
    .filter((ssrc) => !repairs.has(ssrc))
    .map((ssrc) => ({ ssrc, rtxSsrc: rtx.get(ssrc) }));
}

/** Session level first, then the first section that says it: pion puts them apart. */
function first<T>(
  parsed: Parsed,
  read: (part: Parsed | ParsedMedia) => T | undefined,
): T | undefined {
  return [parsed, ...parsed.media].map(read).find((value) => value !== undefined);
}

function fingerprintsOf(parsed: Parsed): DtlsParameters['fingerprints'] {
  const fingerprint = first(parsed, (part) => part.fingerprint);
  return fingerprint === undefined
    ? []
    : [
        {
          algorithm: fingerprint.type.toLowerCase() as FingerprintAlgorithm,
          value: fingerprint.hash,
        },
      ];
}
