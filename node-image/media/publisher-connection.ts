import type {
  Producer,
  Router,
  RtpEncodingParameters,
  RtpHeaderExtensionParameters,
  WebRtcTransport,
} from 'mediasoup/types';
import {
  type CodecParameters,
  EXTENSION,
  isEnabled,
  isRouterCodec,
  isSvcCodec,
  ROUTER_CODECS,
} from './codecs';
import { maxMessageBytes } from './data/data-kinds';
import {
  acceptedExtensions,
  acceptedFeedback,
  type SectionAnswer,
  writeAnswer,
} from './sdp/answer-writer';
import type { OfferedCodec } from './sdp/codec-reader';
import { type MediaSection, readDescription } from './sdp/offer-reader';
import type { CandidateChoice, TransportFactory } from './transports';

/** A track that the Room expects in one of the publisher's next offers. */
export interface ExpectedTrack {
  /** The client's id of the track, as in AddTrackRequest.cid or SimulcastCodec.cid. */
  readonly cid: string;
  readonly kind: 'audio' | 'video';
  /** The codec that the publisher asked for, such as "video/vp8"; undefined takes its first. */
  readonly mimeType: string | undefined;
  /** The mime types that may be published in this Room. @default all */
  readonly enabledCodecs?: readonly string[];
  /** How many layers it announced: 1 to 3, 0 where it said nothing. */
  readonly layerCount: number;
  readonly stereo: boolean;
  readonly dtx: boolean;
  /** Still pictures are normal: silence is no fault. */
  readonly screen: boolean;
}

export type FindExpected = (section: MediaSection, isInUse: boolean) => ExpectedTrack | undefined;

export interface NewTrack {
  readonly expected: ExpectedTrack;
  readonly mid: string;
  readonly mimeType: string;
  readonly producer: Producer;
  /** The id in the offer, which differs from the cid where the client replaced the track. */
  readonly sdpTrackId: string;
}

export interface PublishOutcome {
  readonly sdp: string;
  readonly added: readonly NewTrack[];
  /** Producers whose section the offer took out of use, closed by now. */
  readonly removed: readonly Producer[];
  /** Expected tracks that no codec of the offer can carry. */
  readonly unsupported: readonly ExpectedTrack[];
}

/** The client-to-server half of a participant: it offers, this side answers. */
export class PublisherConnection {
  readonly #transport: WebRtcTransport;
  readonly #keyFrameRequestDelayMs: number;
  readonly #sending = new Map<string, { producer: Producer; answer: SectionAnswer }>();
  #version = 0;
  #connected = false;
  #clientUfrag: string | undefined;

  private constructor(transport: WebRtcTransport, keyFrameRequestDelayMs: number) {
    this.#transport = transport;
    this.#keyFrameRequestDelayMs = keyFrameRequestDelayMs;
  }

  static async create(options: {
    router: Router;
    transports: TransportFactory;
    candidates: CandidateChoice;
  }): Promise<PublisherConnection> {
    const { router, transports, candidates } = options;
    const transport = await transports.create(router, 'publisher', candidates);
    return new PublisherConnection(transport, transports.settings.keyFrameRequestDelayMs);
  }

  get transport(): WebRtcTransport {
    return this.#transport;
  }

  get closed(): boolean {
    return this.#transport.closed;
  }

  close(): void {
    this.#transport.close();
  }

  /**
   * Takes an offer: starts what it adds, ends what it drops, and writes the answer.
   *
   * @param expect - finds the track that a section carries, or undefined where nobody announced it;
   *   it is told whether the section carries a track already.
   * @param cname - the RTCP name of the publisher's streams.
   * @throws SdpError for an offer that cannot be read.
   */
  async answer(sdp: string, expect: FindExpected, cname: string): Promise<PublishOutcome> {
    const offer = readDescription(sdp);
    await this.#connect(offer);
    const outcome = {
      added: [] as NewTrack[],
      removed: [] as Producer[],
      unsupported: [] as ExpectedTrack[],
    };
    const answers: SectionAnswer[] = [];
    for (const section of offer.sections) {
      answers.push(await this.#answerSection(section, expect, cname, outcome));
    }
    this.#version += 1;
    return {
      ...outcome,
      sdp: writeAnswer({
        offer,
        answers,
        transport: this.#transport,
        version: this.#version,
        maxMessageSize: maxMessageBytes,
      }),
    };
  }

  async #connect(offer: ReturnType<typeof readDescription>): Promise<void> {
    if (!this.#connected && offer.fingerprints.length > 0) {
      this.#connected = true;
      // The answer says passive, so the client is the DTLS client.
      await this.#transport.connect({
        dtlsParameters: { role: 'client', fingerprints: offer.fingerprints },
      });
    } else if (this.#clientUfrag !== undefined && offer.iceUfrag !== this.#clientUfrag) {
      await this.#transport.restartIce();
    }
    this.#clientUfrag = offer.iceUfrag;
  }

  async #answerSection(
    section: MediaSection,
    expect: FindExpected,
    cname: string,
    outcome: { added: NewTrack[]; removed: Producer[]; unsupported: ExpectedTrack[] },
  ): Promise<SectionAnswer> {
    const current = this.#sending.get(section.mid);
    if (section.kind === 'application') {
      return section.rejected ? { mode: 'rejected' } : { mode: 'application' };
    }
    const sends = section.direction === 'sendonly' || section.direction === 'sendrecv';
    const isInUse = current !== undefined && !current.producer.closed;
    const expected = sends && !section.rejected ? expect(section, isInUse) : undefined;
    if (current !== undefined && (expected !== undefined || !sends || section.rejected)) {
      current.producer.close();
      this.#sending.delete(section.mid);
      outcome.removed.push(current.producer);
    } else if (current !== undefined && !current.producer.closed) {
      return current.answer;
    }
    if (section.rejected) {
      return { mode: 'rejected' };
    }
    const supported = section.codecs.filter(isSupported);
    if (expected === undefined) {
      return supported.length === 0
        ? { mode: 'rejected' }
        : { mode: 'inactive', codecs: supported };
    }
    const codec = chooseCodec(
      supported.filter(({ mimeType }) => isEnabled(mimeType, expected.enabledCodecs ?? [])),
      expected.mimeType,
    );
    if (codec === undefined) {
      outcome.unsupported.push(expected);
      return supported.length === 0
        ? { mode: 'rejected' }
        : { mode: 'inactive', codecs: supported };
    }
    const answer: SectionAnswer = {
      mode: 'receive',
      codec,
      // The worker has no simulcast of sound, nor of codecs that carry their layers in one stream.
      rids: section.kind === 'audio' || isSvcCodec(codec.mimeType) ? [] : section.rids,
      parameters: askedParameters(codec, expected),
    };
    const producer = await this.#produce(section, answer, expected, cname);
    this.#sending.set(section.mid, { producer, answer });
    outcome.added.push({
      expected,
      mid: section.mid,
      mimeType: canonicalMimeType(codec),
      producer,
      sdpTrackId: section.trackId ?? expected.cid,
    });
    return answer;
  }

  async #produce(
    section: MediaSection,
    answer: Extract<SectionAnswer, { mode: 'receive' }>,
    expected: ExpectedTrack,
    cname: string,
  ): Promise<Producer> {
    const { codec } = answer;
    const headerExtensions = acceptedExtensions(section, answer);
    const { mimeType, payloadType, clockRate, channels, parameters } = codec;
    const rtx = codec.rtxPayloadType === undefined ? [] : [codec.rtxPayloadType];
    return this.#transport.produce({
      kind: expected.kind,
      keyFrameRequestDelay: this.#keyFrameRequestDelayMs,
      rtpParameters: {
        mid: section.mid,
        codecs: [
          {
            mimeType,
            payloadType,
            clockRate,
            ...(channels === undefined ? {} : { channels }),
            parameters: codecParameters(parameters),
            rtcpFeedback: acceptedFeedback(codec).map((one) => ({ ...one })),
          },
          ...rtx.map((rtxPayloadType) => ({
            mimeType: 'video/rtx',
            payloadType: rtxPayloadType,
            clockRate,
            parameters: { apt: payloadType },
          })),
        ],
        headerExtensions: headerExtensions as RtpHeaderExtensionParameters[],
        encodings: encodingsOf(section, answer, expected),
        rtcp: { cname, reducedSize: true },
      },
    });
  }
}

/** What is about the codec itself, and not a hint between the publisher's own two ends. */
const codecParameters = (parameters: CodecParameters): Record<string, string | number> =>
  Object.fromEntries(Object.entries(parameters).filter(([name]) => !name.startsWith('x-google-')));

/** The worker takes a clock rate and channels as they are, and refuses all of an offer otherwise. */
const isSupported = (offered: OfferedCodec): boolean =>
  ROUTER_CODECS.some(
    (codec) =>
      isRouterCodec(codec, offered.mimeType, offered.parameters) &&
      codec.clockRate === offered.clockRate &&
      (codec.channels ?? 1) === (offered.channels ?? 1),
  );

function chooseCodec(
  supported: readonly OfferedCodec[],
  mimeType: string | undefined,
): OfferedCodec | undefined {
  const asked = supported.find((codec) => codec.mimeType.toLowerCase() === mimeType?.toLowerCase());
  return asked ?? supported[0];
}

/** The codec's name as LiveKit writes it in TrackInfo.mime_type. */
function canonicalMimeType(codec: OfferedCodec): string {
  const known = ROUTER_CODECS.find(
    (one) => one.mimeType.toLowerCase() === codec.mimeType.toLowerCase(),
  );
  return known?.mimeType ?? codec.mimeType;
}

function askedParameters(
  codec: OfferedCodec,
  expected: ExpectedTrack,
): Record<string, string | number> {
  if (codec.mimeType.toLowerCase() !== 'audio/opus') {
    return {};
  }
  return {
    ...(expected.dtx ? { usedtx: 1 } : {}),
    ...(expected.stereo ? { stereo: 1, maxaveragebitrate: 510000 } : {}),
  };
}

const RID_ORDER = ['q', 'h', 'f'];

/** Lowest layer first, as mediasoup takes them. */
function sortedRids(rids: readonly string[]): string[] {
  return rids.every((rid) => RID_ORDER.includes(rid))
    ? [...rids].sort((a, b) => RID_ORDER.indexOf(a) - RID_ORDER.indexOf(b))
    : [...rids];
}

function encodingsOf(
  section: MediaSection,
  answer: Extract<SectionAnswer, { mode: 'receive' }>,
  expected: ExpectedTrack,
): RtpEncodingParameters[] {
  const dtx = expected.kind === 'audio' ? expected.dtx : expected.screen;
  if (answer.rids.length > 0) {
    return sortedRids(answer.rids).map((rid) => ({ rid, scalabilityMode: 'L1T3', dtx }));
  }
  if (expected.kind === 'audio') {
    const ssrc = section.ssrcs[0]?.ssrc;
    return [{ dtx, ...(ssrc === undefined ? {} : { ssrc }) }];
  }
  const { mimeType } = answer.codec;
  const scalabilityMode = isSvcCodec(mimeType)
    ? svcMode(section, mimeType, expected.layerCount)
    : 'L1T3';
  // With refused rids the client's ssrc lines, if any, may be of streams it will not send.
  const stream = section.rids.length > 0 ? undefined : section.ssrcs[0];
  return [
    {
      scalabilityMode,
      dtx,
      ...(stream === undefined ? {} : { ssrc: stream.ssrc }),
      ...(stream?.rtxSsrc === undefined ? {} : { rtx: { ssrc: stream.rtxSsrc } }),
    },
  ];
}

/** Clients do not signal the mode; by default they send one spatial layer for each that they announce. */
function svcMode({ extensions }: MediaSection, mimeType: string, layerCount: number): string {
  const isDescribed = extensions.some(({ uri }) => uri === EXTENSION.dependencyDescriptor);
  // Nothing else says of AV1 what is a key frame, and layers are given to nobody before one. A client
  // that does not describe them sends none.
  if (/av1$/i.test(mimeType) && !isDescribed) return 'L1T1';
  return layerCount === 1 ? 'L1T3' : `L${layerCount === 2 ? 2 : 3}T3_KEY`;
}
