import type { DtlsParameters, FingerprintAlgorithm, MediaKind } from 'mediasoup/types';
import sdpTransform from 'sdp-transform';
import { type OfferedCodec, type ParsedMedia, readCodecs } from './codec-reader';
import { textOf, wholeOf } from './sdp-values';

export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';

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
/** As many simulcast streams as clients send: each costs the worker as much as a track. */
const MAX_RIDS = 3;
const MAX_SSRC = 0xffff_ffff;
/** What a client may call a track, in characters: others are told. */
const MAX_ID_LENGTH = 256;

/**
 * Reads a client's offer or answer.
 *
 * @throws SdpError for what is not SDP, or lacks what the server cannot do without.
 */
export function readDescription(sdp: string): ClientDescription {
  if (!sdp.startsWith('v=0')) {
    throw new SdpError('not a session description: it must start with v=0');
  }
  const parsed = parse(sdp);
  if (parsed.media.length > MAX_SECTIONS) {
    throw new SdpError(
      `${parsed.media.length} media sections, at most ${MAX_SECTIONS} are allowed`,
    );
  }
  // The grammar's msid pattern cuts at "|" and misses braces, so it is read from the raw lines.
  const raw = sdp.split(/(?:\r\n|\r|\n)(?=m=)/).slice(1);
  const sections = parsed.media.map((media, index) => readSection(media, raw[index] ?? '', index));
  const mids = new Set(sections.map((section) => section.mid));
  if (mids.size !== sections.length) {
    throw new SdpError('two media sections have the same mid');
  }
  return {
    sections,
    iceUfrag: textOf(first(parsed, (part) => part.iceUfrag)),
    fingerprints: fingerprintsOf(parsed),
    setup: textOf(first(parsed, (part) => part.setup)),
    extmapAllowMixed: /^a=extmap-allow-mixed/m.test(sdp),
  };
}

function parse(sdp: string): Parsed {
  try {
    return sdpTransform.parse(sdp);
  } catch (error) {
    throw new SdpError(`not a session description: ${String(error)}`);
  }
}

type Parsed = ReturnType<typeof sdpTransform.parse>;

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
  if (!/^[a-z]+(\/[a-z]+){1,4}$/i.test(textOf(media.protocol) ?? '')) {
    throw new SdpError(`media section ${index} has no usable protocol`);
  }
  return {
    index,
    mid,
    kind: media.type,
    rejected: media.port === 0 && !/^a=bundle-only/m.test(raw),
    direction: (media.direction as Direction | undefined) ?? 'sendrecv',
    trackId: trackIdOf(raw),
    codecs: media.type === 'application' ? [] : readCodecs(media),
    extensions: readExtensions(media),
    rids: readRids(media),
    ssrcs: readSsrcs(media),
    protocol: media.protocol,
  };
}

function trackIdOf(raw: string): string | undefined {
  const line = /^a=msid:(\S+) +(\S+)/m.exec(raw) ?? /^a=ssrc:\d+ msid:(\S+) +(\S+)/m.exec(raw);
  const id = line?.[2];
  return id !== undefined && id.length <= MAX_ID_LENGTH ? id : undefined;
}

/** Each id and each URI once; ids as two-byte headers have them. RFC 8285. */
function readExtensions(media: ParsedMedia): { id: number; uri: string }[] {
  const ids = new Map<number, string>();
  for (const ext of media.ext ?? []) {
    const id = wholeOf(ext.value, 1, 255);
    const uri = textOf(ext.uri) ?? '';
    if (id !== undefined && !ids.has(id)) {
      ids.set(id, uri);
    }
  }
  return [...ids].map(([id, uri]) => ({ id, uri }));
}

function readRids(media: ParsedMedia): string[] {
  const { simulcast } = media;
  const list = simulcast?.dir1 === 'send' ? simulcast.list1 : simulcast?.list2;
  const declared = new Set((media.rids ?? []).map((rid) => String(rid.id)));
  const offered = (textOf(list) ?? '')
    .split(';')
    .map((alternatives) => (alternatives.split(',')[0] ?? '').replace(/^~/, ''))
    .filter((rid) => declared.has(rid) && /^[a-z0-9]{1,16}$/i.test(rid));
  return [...new Set(offered)].slice(0, MAX_RIDS);
}

function readSsrcs(media: ParsedMedia): { ssrc: number; rtxSsrc: number | undefined }[] {
  const groups = (media.ssrcGroups ?? []).filter((group) => group.semantics === 'FID');
  const rtx = new Map<number, number>();
  for (const group of groups) {
    const [main, repair] = (textOf(group.ssrcs) ?? '').split(' ', 2);
    const ssrc = wholeOf(main, 1, MAX_SSRC);
    const rtxSsrc = wholeOf(repair, 1, MAX_SSRC);
    if (ssrc !== undefined && rtxSsrc !== undefined && rtxSsrc !== ssrc) {
      rtx.set(ssrc, rtxSsrc);
    }
  }
  const repairs = new Set(rtx.values());
  const all = new Set((media.ssrcs ?? []).map((line) => wholeOf(line.id, 1, MAX_SSRC)));
  return [...all]
    .filter((ssrc) => ssrc !== undefined && !repairs.has(ssrc))
    .map((ssrc) => ({ ssrc: ssrc ?? 0, rtxSsrc: rtx.get(ssrc ?? 0) }));
}

/** Session level first, then the first section that says it: pion puts them apart. */
function first<T>(
  parsed: Parsed,
  read: (part: Parsed | ParsedMedia) => T | undefined,
): T | undefined {
  return [parsed, ...parsed.media].map(read).find((value) => value !== undefined);
}

/** @throws SdpError for one that is there and unusable: without it nothing could connect. */
function fingerprintsOf(parsed: Parsed): DtlsParameters['fingerprints'] {
  const fingerprint = first(parsed, (part) => part.fingerprint);
  if (fingerprint === undefined) {
    return [];
  }
  const algorithm = (textOf(fingerprint.type) ?? '').toLowerCase();
  const value = textOf(fingerprint.hash) ?? '';
  const bytes = FINGERPRINT_BYTES[algorithm as FingerprintAlgorithm] ?? 0;
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2})*$/i.test(value) || value.length !== bytes * 3 - 1) {
    throw new SdpError(
      'the DTLS fingerprint is unusable: sha-1 to sha-512 with all bytes is allowed',
    );
  }
  return [{ algorithm: algorithm as FingerprintAlgorithm, value }];
}

const FINGERPRINT_BYTES: Readonly<Record<FingerprintAlgorithm, number>> = {
  'sha-1': 20,
  'sha-224': 28,
  'sha-256': 32,
  'sha-384': 48,
  'sha-512': 64,
};
