import type { MediaKind, RtpParameters } from 'mediasoup/types';
import {
  applicationLines,
  fmtpLine,
  sctpLines,
  sessionLines,
  type TransportDescription,
  transportLines,
} from './transport-lines';

/** One media section of the server's offer to a subscriber. */
export interface OfferedSlot {
  readonly mid: string;
  readonly kind: MediaKind;
  /** What the section carries, or carried last: an unused one keeps its codecs. */
  readonly rtpParameters: RtpParameters;
  /** The two tokens of `a=msid`; undefined where the section is free. */
  readonly msid: { readonly stream: string; readonly track: string } | undefined;
  /** The client refused it: it stays as a place with port 0. */
  readonly stopped: boolean;
}

/** The mid of the data section, which comes first and is never given up. */
export const DATA_MID = '0';

/** The server's offer to a subscriber: the data section, then one for each track. RFC 8829. */
export function writeOffer(options: {
  readonly slots: readonly OfferedSlot[];
  readonly transport: TransportDescription;
  readonly version: number;
  readonly maxMessageSize: number;
}): string {
  const { slots, transport } = options;
  const live = slots.filter((slot) => !slot.stopped);
  const lines = sessionLines({
    version: options.version,
    bundle: [DATA_MID, ...live.map((slot) => slot.mid)],
    extmapAllowMixed: true,
  });
  lines.push(...applicationLines(9), `a=mid:${DATA_MID}`);
  lines.push(...transportLines(transport, 'actpass', true), ...sctpLines(options.maxMessageSize));
  for (const slot of slots) {
    lines.push(...slotLines(slot, transport));
  }
  return `${lines.join('\r\n')}\r\n`;
}

function slotLines(slot: OfferedSlot, transport: TransportDescription): string[] {
  const { mid, kind, rtpParameters, msid } = slot;
  const { codecs, headerExtensions = [], encodings = [], rtcp } = rtpParameters;
  const payloads = codecs.map((codec) => codec.payloadType).join(' ');
  const lines = [
    `m=${kind} ${slot.stopped ? 0 : 9} UDP/TLS/RTP/SAVPF ${payloads}`,
    'c=IN IP4 0.0.0.0',
    'a=rtcp:9 IN IP4 0.0.0.0',
    `a=mid:${mid}`,
    ...(slot.stopped ? [] : transportLines(transport, 'actpass', false)),
    msid === undefined || slot.stopped ? 'a=inactive' : 'a=sendonly',
    'a=rtcp-mux',
    'a=rtcp-rsize',
    ...headerExtensions.map(({ id, uri }) => `a=extmap:${id} ${uri}`),
  ];
  for (const codec of codecs) {
    const name = codec.mimeType.split('/')[1];
    const channels = (codec.channels ?? 1) > 1 ? `/${codec.channels}` : '';
    lines.push(`a=rtpmap:${codec.payloadType} ${name}/${codec.clockRate}${channels}`);
    for (const { type, parameter } of codec.rtcpFeedback ?? []) {
      lines.push(`a=rtcp-fb:${codec.payloadType} ${type} ${parameter ?? ''}`.trimEnd());
    }
    lines.push(...fmtpLine(codec.payloadType, codec.parameters ?? {}));
  }
  const ssrc = encodings[0]?.ssrc;
  if (msid === undefined || slot.stopped || ssrc === undefined) {
    return lines;
  }
  const stream = token(msid.stream);
  const track = token(msid.track);
  lines.push(`a=msid:${stream} ${track}`);
  const rtxSsrc = encodings[0]?.rtx?.ssrc;
  if (rtxSsrc !== undefined) {
    lines.push(`a=ssrc-group:FID ${ssrc} ${rtxSsrc}`);
  }
  for (const one of rtxSsrc === undefined ? [ssrc] : [ssrc, rtxSsrc]) {
    lines.push(`a=ssrc:${one} cname:${rtcp?.cname ?? stream}`);
    lines.push(`a=ssrc:${one} msid:${stream} ${track}`);
  }
  return lines;
}

/** Publishers name their streams themselves, and must not write into what others are offered. */
const token = (text: string): string => text.slice(0, 256).replace(/[^\x21-\x7e]/g, '_');
