import { AacConfig } from './aac-config';
import { type ExtendedTag, extendedTag } from './extended';
import { type FlvTag, isAudioHeader, TAG, videoTag } from './flv';

/** A codec that can be read, by the name that Matroska has for it, and what its decoder has to know. */
export interface SentCodec {
  /** As `IngressState` names it, as LiveKit does. */
  readonly mimeType: string;
  /** For people. */
  readonly name: string;
  /** Of Matroska; undefined where it is FLV's alone. */
  readonly matroska: string | undefined;
  readonly header: Buffer | undefined;
  readonly aac?: AacConfig | undefined;
}

interface Known {
  readonly name: string;
  readonly mimeType: string;
  readonly matroska: string;
}

const KNOWN: Readonly<Record<string, Known>> = {
  avc1: { name: 'H264', mimeType: 'video/H264', matroska: 'V_MPEG4/ISO/AVC' },
  hvc1: { name: 'HEVC', mimeType: 'video/x-h265', matroska: 'V_MPEGH/ISO/HEVC' },
  av01: { name: 'AV1', mimeType: 'video/x-av1', matroska: 'V_AV1' },
  vp09: { name: 'VP9', mimeType: 'video/x-vp9', matroska: 'V_VP9' },
  vp08: { name: 'VP8', mimeType: 'video/x-vp8', matroska: 'V_VP8' },
  Opus: { name: 'Opus', mimeType: 'audio/opus', matroska: 'A_OPUS' },
  mp4a: { name: 'AAC', mimeType: 'audio/aac', matroska: 'A_AAC' },
};
/** Their decoders need no more than what Matroska says itself; what RTMP has for them is not Matroska's. */
const WITHOUT_HEADER = new Set(['vp08', 'vp09']);
const AVC_HEADER_BYTES = 5;
const AAC_HEADER_BYTES = 2;
const MP3 = 2;

/** What is known of the codecs of a stream as its pieces come. */
export class SentCodecs {
  #video: SentCodec | undefined;
  #audio: SentCodec | undefined;
  #isExtended = false;
  #unreadable: string | undefined;

  get video(): SentCodec | undefined {
    return this.#video;
  }

  get audio(): SentCodec | undefined {
    return this.#audio;
  }

  /** It has what FLV has no place for. */
  get isExtended(): boolean {
    return this.#isExtended;
  }

  /** Why none of it can be read, for people. */
  get unreadable(): string | undefined {
    const { video, audio } = this;
    if (this.#unreadable !== undefined || !this.#isExtended) return this.#unreadable;
    const other = [video, audio].find((one) => one !== undefined && one.matroska === undefined);
    return other && refusal(`${other.name} beside a codec of enhanced RTMP`);
  }

  /** @param tag - in the plain form where there is one */
  take(tag: FlvTag): void {
    if (tag.type === TAG.data) return;
    const extended = extendedTag(tag);
    if (extended !== undefined) this.#takeExtended(tag.type, extended);
    else if (tag.type === TAG.video) this.#takePicture(tag.body);
    else this.#takeSound(tag.body);
  }

  #takeExtended(type: number, { codec, what, data }: ExtendedTag): void {
    const known = KNOWN[codec];
    const isVideo = known?.mimeType.startsWith('video/');
    if (known === undefined || isVideo !== (type === TAG.video)) {
      const name = /^[\w -]{4}$/.test(codec) ? `the codec ${codec}` : 'a codec that is not known';
      this.#unreadable ??= refusal(`${name} by enhanced RTMP`);
      return;
    }
    if (what === 'several-tracks') {
      this.#unreadable ??= refusal('several tracks by enhanced RTMP');
      return;
    }
    this.#isExtended = true;
    const isHeader = what === 'header' && !WITHOUT_HEADER.has(codec);
    const before = isVideo ? this.#video : this.#audio;
    const next = { ...known, header: isHeader ? data : before?.header };
    if (isVideo) this.#video = next;
    else this.#audio = next;
  }

  #takePicture(body: Buffer): void {
    const tag = videoTag(body);
    if (tag === undefined) return;
    const { isH264, isHeader } = tag;
    const header = isHeader ? body.subarray(AVC_HEADER_BYTES) : this.#video?.header;
    this.#video =
      isH264 && KNOWN['avc1'] !== undefined
        ? { ...KNOWN['avc1'], header }
        : {
            name: 'a codec that is not H264',
            mimeType: '',
            matroska: undefined,
            header: undefined,
          };
  }

  #takeSound(body: Buffer): void {
    const format = (body[0] ?? 0) >> 4;
    if (isAudioHeader(body) && KNOWN['mp4a'] !== undefined) {
      const header = body.subarray(AAC_HEADER_BYTES);
      this.#audio = { ...KNOWN['mp4a'], header, aac: AacConfig.read(header) };
    } else if (format === MP3) {
      const mimeType = 'audio/mpeg';
      this.#audio = { name: 'MP3', mimeType, matroska: undefined, header: undefined };
    }
  }
}

const refusal = (what: string): string =>
  `the encoder sends ${what}, which is not read: set it to H264, HEVC, AV1 or VP9, and AAC or Opus`;
