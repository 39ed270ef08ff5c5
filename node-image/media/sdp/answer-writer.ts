import { EXTENSION, PUBLISH_EXTENSIONS } from '../codecs';
import type { OfferedCodec } from './codec-reader';
import type { ClientDescription, MediaSection } from './offer-reader';
import {
  applicationLines,
  fmtpLine,
  sctpLines,
  sessionLines,
  type TransportDescription,
  transportLines,
} from './transport-lines';

/** What the server answers to one section of a publisher's offer. */
export type SectionAnswer =
  | { readonly mode: 'application' }
  | { readonly mode: 'rejected' }
  /** The section stays, and carries nothing: nobody knows the track, or it was unpublished. */
  | { readonly mode: 'inactive'; readonly codecs: readonly OfferedCodec[] }
  | {
      readonly mode: 'receive';
      readonly codec: OfferedCodec;
      /** The simulcast streams accepted. Empty refuses simulcast, if it was offered. */
      readonly rids: readonly string[];
      /** What is asked of the sender by `a=fmtp`, over what it offered. */
      readonly parameters: Readonly<Record<string, string | number>>;
    };

/**
 * What the sender is told, by kind. Of sound no arrival times, as LiveKit: with them, Chromium takes
 * a full way up for one with room, and goes on sending more than it carries until sound has gaps.
 */
const FEEDBACK: Readonly<Record<string, readonly string[]>> = {
  audio: ['nack'],
  video: ['nack', 'nack pli', 'ccm fir', 'transport-cc'],
};

/** The feedback that was offered and is given. */
export const acceptedFeedback = ({
  mimeType,
  feedback,
}: OfferedCodec): OfferedCodec['feedback'] => {
  const given = FEEDBACK[mimeType.split('/')[0]?.toLowerCase() ?? ''] ?? [];
  return feedback.filter(({ type, parameter }) => given.includes(`${type} ${parameter}`.trim()));
};

/** The server's answer to a publisher's offer: the same sections, in the same order. RFC 3264. */
export function writeAnswer(options: {
  readonly offer: ClientDescription;
  readonly answers: readonly SectionAnswer[];
  readonly transport: TransportDescription;
  readonly version: number;
  readonly maxMessageSize: number;
}): string {
  const { offer, answers, transport } = options;
  const inUse = offer.sections.filter((_, i) => answers[i]?.mode !== 'rejected');
  const lines = sessionLines({
    version: options.version,
    bundle: inUse.map((section) => section.mid),
    extmapAllowMixed: offer.extmapAllowMixed,
  });
  offer.sections.forEach((section, i) => {
    const answer = answers[i] ?? { mode: 'rejected' };
    if (answer.mode === 'rejected') {
      lines.push(...rejectedLines(section));
      return;
    }
    const transportPart = transportLines(transport, 'passive', section === inUse[0]);
    if (answer.mode === 'application') {
      lines.push(...applicationLines(9), `a=mid:${section.mid}`, ...transportPart);
      lines.push(...sctpLines(options.maxMessageSize));
      return;
    }
    lines.push(...mediaLines(section, answer, transportPart));
  });
  return `${lines.join('\r\n')}\r\n`;
}

/** The extensions of a section that the server takes part in, one a URI. */
export function acceptedExtensions(
  section: MediaSection,
  answer: SectionAnswer,
): { id: number; uri: string }[] {
  const refused = refusedExtensions(section, answer);
  const seen = new Set<string>();
  return section.extensions.filter(({ uri }) => {
    const accepted = PUBLISH_EXTENSIONS.has(uri) && !seen.has(uri) && !refused.has(uri);
    seen.add(uri);
    return accepted;
  });
}

function refusedExtensions(section: MediaSection, answer: SectionAnswer): Set<string> {
  const refused = new Set<string>();
  if (answer.mode !== 'receive') {
    // Inactive sections keep their rids: some clients do not publish simulcast on them later otherwise.
    return refused;
  }
  if (section.kind === 'audio') refused.add(EXTENSION.transportCc);
  if (section.rids.length > 0 && answer.rids.length === 0) {
    // A sender whose simulcast is refused must not mark packets with rids, which would match none.
    refused.add(EXTENSION.rid).add(EXTENSION.repairedRid);
  }
  if (/vp[89]$/i.test(answer.codec.mimeType)) {
    // Browsers that send it leave the temporal layer out of VP8's own header, which the worker reads.
    refused.add(EXTENSION.dependencyDescriptor);
  }
  return refused;
}

function mediaLines(
  section: MediaSection,
  answer: Extract<SectionAnswer, { mode: 'inactive' | 'receive' }>,
  transportPart: readonly string[],
): string[] {
  const codecs = answer.mode === 'receive' ? [answer.codec] : answer.codecs;
  const payloads = codecs.flatMap((codec) =>
    codec.rtxPayloadType === undefined
      ? [codec.payloadType]
      : [codec.payloadType, codec.rtxPayloadType],
  );
  const lines = [
    `m=${section.kind} 9 ${section.protocol} ${payloads.join(' ')}`,
    'c=IN IP4 0.0.0.0',
    'a=rtcp:9 IN IP4 0.0.0.0',
    `a=mid:${section.mid}`,
    ...transportPart,
    answer.mode === 'receive' ? 'a=recvonly' : 'a=inactive',
    'a=rtcp-mux',
    'a=rtcp-rsize',
  ];
  for (const { id, uri } of acceptedExtensions(section, answer)) {
    lines.push(`a=extmap:${id} ${uri}`);
  }
  for (const codec of codecs) {
    lines.push(...codecLines(codec, answer.mode === 'receive' ? answer.parameters : {}));
  }
  if (answer.mode === 'receive' && answer.rids.length > 0) {
    lines.push(...answer.rids.map((rid) => `a=rid:${rid} recv`));
    lines.push(`a=simulcast:recv ${answer.rids.join(';')}`);
  }
  return lines;
}

function codecLines(
  codec: OfferedCodec,
  asked: Readonly<Record<string, string | number>>,
): string[] {
  const { payloadType, rtxPayloadType, clockRate, channels } = codec;
  const name = codec.mimeType.split('/')[1];
  const suffix = channels === undefined ? '' : `/${channels}`;
  const lines = [`a=rtpmap:${payloadType} ${name}/${clockRate}${suffix}`];
  for (const { type, parameter } of acceptedFeedback(codec)) {
    lines.push(`a=rtcp-fb:${payloadType} ${type} ${parameter}`.trimEnd());
  }
  lines.push(...fmtpLine(payloadType, { ...codec.parameters, ...asked }));
  if (rtxPayloadType !== undefined) {
    lines.push(`a=rtpmap:${rtxPayloadType} rtx/${clockRate}`);
    lines.push(...fmtpLine(rtxPayloadType, { apt: payloadType }));
  }
  return lines;
}

function rejectedLines(section: MediaSection): string[] {
  if (section.kind === 'application') {
    return [...applicationLines(0), `a=mid:${section.mid}`, 'a=inactive'];
  }
  const codec = section.codecs[0];
  return [
    `m=${section.kind} 0 ${section.protocol} ${codec?.payloadType ?? 0}`,
    'c=IN IP4 0.0.0.0',
    `a=mid:${section.mid}`,
    'a=inactive',
    ...(codec === undefined ? [] : codecLines(codec, {})),
  ];
}
