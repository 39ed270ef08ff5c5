import { readAmf } from './amf0';
import { extendedCodec, type FlvTag, isAudioHeader, TAG, videoTag } from './flv';

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
}

/** So much of a stream tells what it is, in ms of its own time and in pictures. */
const ENOUGH_MS = 800;
const ENOUGH_PICTURES = 30;
const MAX_BYTES = 8 << 20;
const MAX_TAGS = 2000;
const MAX_SIDE = 16_384;

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
  #size: GaugedStream['size'];
  #extended: string | undefined;

  /** @returns what it is, as soon as that is known. */
  take(tag: FlvTag): GaugedStream | undefined {
    const extended = extendedCodec(tag);
    if (extended !== undefined) {
      this.#extended ??= extended;
      return this.known();
    }
    this.#tags.push(tag);
    this.#bytes += tag.body.length;
    if (tag.type === TAG.data) {
      this.#size ??= sizeIn(tag.body);
    } else if (tag.type === TAG.audio) {
      this.#audio ||= !isAudioHeader(tag.body) && tag.body.length > 1;
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
    const why = this.#isOther
      ? 'the picture is not H264'
      : this.#reordered
        ? 'the encoder sends B-frames: switch them off, and the picture need not be encoded anew'
        : undefined;
    const { copies, size } = { copies: why === undefined, size: this.#size };
    const unreadable =
      this.#extended === undefined
        ? undefined
        : `the encoder sends ${this.#extended} by enhanced RTMP, which is not read: set it to H264 and AAC`;
    return { audio: this.#audio, video: this.#hasVideo, copies, why, unreadable, size };
  }

  /** What was kept, once. */
  takeTags(): FlvTag[] {
    return this.#tags.splice(0);
  }

  #look({ body }: FlvTag): void {
    const video = videoTag(body);
    if (video === undefined) return;
    this.#hasVideo = true;
    this.#isOther ||= !video.isH264;
    if (!video.isHeader) this.#pictures += 1;
    this.#reordered ||= video.offsetMs !== 0;
  }
}

/** What `onMetaData` says of the picture. */
function sizeIn(body: Buffer): GaugedStream['size'] {
  try {
    const said = readAmf(body).find((value) => typeof value === 'object' && value !== null);
    const { width, height } = typeof said === 'object' && said !== null ? said : {};
    const isSide = (side: unknown): side is number =>
      Number.isInteger(side) && Number(side) > 0 && Number(side) <= MAX_SIDE;
    return isSide(width) && isSide(height) ? { width, height } : undefined;
  } catch {
    return undefined;
  }
}
