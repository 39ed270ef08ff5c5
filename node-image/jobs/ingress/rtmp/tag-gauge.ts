import { readAmf } from './amf0';
import { extendedTag } from './extended';
import { type FlvTag, isAudioHeader, TAG, videoTag } from './flv';
import { type SentCodec, SentCodecs } from './sent-codecs';

/** What is known of a stream once enough of it has come. */
export interface GaugedStream {
  readonly audio: boolean;
  readonly video: boolean;
  /** Its pictures can go on as they are: H264, each shown in the order in which it is sent. */
  readonly copies: boolean;
  /** Why they cannot, for people. */
  readonly why: string | undefined;
  /** Why none of it can be read, for people. */
  readonly unreadable: string | undefined;
  /** In pixels, as the encoder says. */
  readonly size: { readonly width: number; readonly height: number } | undefined;
  /** Pictures a second, as the encoder says. */
  readonly frameRate: number | undefined;
  /** It has what FLV has no place for: enhanced RTMP. */
  readonly isExtended: boolean;
  readonly videoCodec: SentCodec | undefined;
  readonly audioCodec: SentCodec | undefined;
}

/** So much of a stream tells what it is, in ms of its own time and in pictures. */
const ENOUGH_MS = 800;
const ENOUGH_PICTURES = 30;
const MAX_BYTES = 8 << 20;
const MAX_TAGS = 2000;
const MAX_SIDE = 16_384;
const MAX_RATE = 1000;

/** Keeps the begin of a stream until it is known what it is. */
export class TagGauge {
  readonly #tags: FlvTag[] = [];
  #bytes = 0;
  #audio = false;
  #pictures = 0;
  #hasVideo = false;
  #isOther = false;
  #reordered = false;
  #firstMs: number | undefined;
  #said: SaidOfPicture = { size: undefined, frameRate: undefined };
  readonly #codecs = new SentCodecs();

  /**
   * @param tag - in the plain form where there is one
   * @returns what it is, as soon as that is known.
   */
  take(tag: FlvTag): GaugedStream | undefined {
    this.#codecs.take(tag);
    if (this.#codecs.unreadable !== undefined) return this.known();
    this.#tags.push(tag);
    this.#bytes += tag.body.length;
    if (tag.type === TAG.data) {
      if (this.#said.size === undefined) this.#said = pictureIn(tag.body);
    } else if (tag.type === TAG.audio) {
      const isHeader = extendedTag(tag)?.what === 'header' || isAudioHeader(tag.body);
      this.#audio ||= !isHeader && tag.body.length > 1;
    } else if (tag.type === TAG.video) {
      this.#look(tag);
    }
    if (tag.type !== TAG.data) this.#firstMs ??= tag.timestamp;
    const forMs = tag.timestamp - (this.#firstMs ?? tag.timestamp);
    const isEnough =
      forMs >= ENOUGH_MS ||
      this.#pictures >= ENOUGH_PICTURES ||
      this.#bytes > MAX_BYTES ||
      this.#tags.length > MAX_TAGS;
    return isEnough && (this.#hasVideo || this.#audio) ? this.known() : undefined;
  }

  known(): GaugedStream {
    const { video: videoCodec, audio: audioCodec, isExtended, unreadable } = this.#codecs;
    const why = this.#isOther
      ? `the picture is ${videoCodec?.mimeType ? `${videoCodec.name}, not H264` : 'not H264'}`
      : this.#reordered
        ? 'the encoder sends B-frames: switch them off, and the picture need not be encoded anew'
        : undefined;
    return {
      ...{ audio: this.#audio, video: this.#hasVideo, copies: why === undefined, why },
      ...{ unreadable, ...this.#said, isExtended, videoCodec, audioCodec },
    };
  }

  /** What was kept, once. */
  takeTags(): FlvTag[] {
    return this.#tags.splice(0);
  }

  #look(tag: FlvTag): void {
    const extended = extendedTag(tag);
    if (extended !== undefined) {
      this.#hasVideo ||= extended.what === 'media';
      this.#isOther = true;
      if (extended.what === 'media') this.#pictures += 1;
      return;
    }
    const video = videoTag(tag.body);
    if (video === undefined) return;
    this.#hasVideo = true;
    this.#isOther ||= !video.isH264;
    if (!video.isHeader) this.#pictures += 1;
    this.#reordered ||= video.offsetMs !== 0;
  }
}

type SaidOfPicture = Pick<GaugedStream, 'size' | 'frameRate'>;

/** What `onMetaData` says of the picture. */
function pictureIn(body: Buffer): SaidOfPicture {
  try {
    const said = readAmf(body).find((value) => typeof value === 'object' && value !== null);
    const { width, height, framerate } = typeof said === 'object' && said !== null ? said : {};
    const isSide = (side: unknown): side is number =>
      Number.isInteger(side) && Number(side) > 0 && Number(side) <= MAX_SIDE;
    const isRate = typeof framerate === 'number' && framerate > 0 && framerate <= MAX_RATE;
    return {
      size: isSide(width) && isSide(height) ? { width, height } : undefined,
      frameRate: isRate ? framerate : undefined,
    };
  } catch {
    return { size: undefined, frameRate: undefined };
  }
}
