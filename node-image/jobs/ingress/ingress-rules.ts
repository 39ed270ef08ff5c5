import {
  AudioCodec,
  IngressAudioEncodingPreset,
  type IngressAudioOptions,
  type IngressInfo,
  IngressInput,
  IngressVideoEncodingPreset,
  type IngressVideoOptions,
  TrackSource,
  VideoCodec,
  type VideoLayer,
} from '@livekit/protocol';
import { RoomError } from '../../room/errors';

const invalid = (what: string): RoomError => new RoomError('invalid_argument', what);
export const invalidIngress = (what: string): RoomError => invalid(`invalid ingress: ${what}`);
const invalidBypass = (what: string): RoomError =>
  invalid(`invalid transcoding bypass configuration: ${what}`);
const invalidVideo = (what: string): RoomError => invalid(`invalid video parameters: ${what}`);
const invalidAudio = (what: string): RoomError => invalid(`invalid audio parameters: ${what}`);

/** What may be asked for by a picture's size, in pixels a side, and by its rate. */
const MAX_SIDE = 8192;
const MAX_FRAME_RATE = 240;
/** Of a name, identity or URL, in characters. */
const MAX_TEXT = 4096;
const MAX_METADATA = 512 << 10;

/**
 * Refuses what LiveKit refuses, in its words, and what no run could use.
 *
 * @throws RoomError `invalid_argument`
 * Source: livekit/protocol ingress/validation.go.
 */
export function checkIngress(info: IngressInfo): void {
  if (info.inputType === IngressInput.URL_INPUT) {
    if (info.roomName === '') throw invalidIngress('no room name');
    if (info.url === '') throw invalidIngress('no source URL');
    if (info.enabled === false) throw invalidIngress('disabled non reusable ingress');
  } else if (info.streamKey === '') {
    throw invalidIngress('no stream key');
  }
  if (info.participantIdentity === '') {
    throw invalidIngress('no participant identity');
  }
  checkLengths(info);
  checkTranscoding(info);
  checkVideo(info.video);
  checkAudio(info.audio);
}

/** Whether its media goes into the Room as it is sent. */
export const isPassedThrough = ({ inputType, enableTranscoding }: IngressInfo): boolean =>
  inputType === IngressInput.WHIP_INPUT && enableTranscoding !== true;

function checkLengths(info: IngressInfo): void {
  const { name, url, roomName, participantIdentity, participantName, participantMetadata } = info;
  const texts = { name, url, roomName, participantIdentity, participantName };
  for (const [key, text] of Object.entries(texts)) {
    if (text.length > MAX_TEXT) {
      throw invalidIngress(`${key} has ${text.length} characters, at most ${MAX_TEXT} are allowed`);
    }
  }
  if (participantMetadata.length > MAX_METADATA) {
    throw invalidIngress(
      `participantMetadata has ${participantMetadata.length} characters, at most ${MAX_METADATA} are allowed`,
    );
  }
}

function checkTranscoding(info: IngressInfo): void {
  const { inputType, enableTranscoding, video, audio } = info;
  if (inputType !== IngressInput.WHIP_INPUT) {
    if (info.bypassTranscoding || enableTranscoding === false) {
      throw invalidBypass('bypassing transcoding impossible with selected input type');
    }
    return;
  }
  if (enableTranscoding === true) return;
  if (video?.encodingOptions.case !== undefined) {
    throw invalidBypass('video encoding options must be empty if transcoding is disabled');
  }
  if (audio?.encodingOptions.case !== undefined) {
    throw invalidBypass('audio encoding options must be empty if transcoding is disabled');
  }
}

function checkVideo(options: IngressVideoOptions | undefined): void {
  if (options === undefined) return;
  const sources = [TrackSource.UNKNOWN, TrackSource.CAMERA, TrackSource.SCREEN_SHARE];
  if (!sources.includes(options.source)) throw invalidVideo('invalid track source');
  const { encodingOptions: encoding } = options;
  if (encoding.case === 'preset' && IngressVideoEncodingPreset[encoding.value] === undefined) {
    throw invalidVideo('invalid preset');
  }
  if (encoding.case !== 'options') return;
  const { frameRate, videoCodec, layers } = encoding.value;
  if (!(frameRate >= 0 && frameRate <= MAX_FRAME_RATE)) throw invalidVideo('invalid framerate');
  const codecs = [VideoCodec.DEFAULT_VC, VideoCodec.H264_BASELINE, VideoCodec.VP8];
  if (!codecs.includes(videoCodec)) throw invalidVideo('video codec unsupported');
  checkLayers(layers);
}

function checkLayers(layers: readonly VideoLayer[]): void {
  for (const { width, height } of layers) {
    if (width === 0 || height === 0 || width > MAX_SIDE || height > MAX_SIDE) {
      throw invalidVideo('invalid output media dimensions');
    }
    if (width % 2 === 1) throw invalidIngress('layer width must be even');
    if (height % 2 === 1) throw invalidIngress('layer height must be even');
  }
  if (new Set(layers.map(({ quality }) => quality)).size !== layers.length) {
    throw invalidVideo('more than one layer with the same quality level');
  }
  const sorted = [...layers].sort((a, b) => a.quality - b.quality);
  sorted.forEach((layer, i) => {
    const below = sorted[i - 1];
    if (below === undefined) return;
    if (layer.height < below.height) {
      throw invalidVideo('video layers do not have increasing height with increasing quality');
    }
    if (layer.width < below.width) {
      throw invalidVideo('video layers do not have increasing width with increasing quality');
    }
  });
}

function checkAudio(options: IngressAudioOptions | undefined): void {
  if (options === undefined) return;
  const sources = [TrackSource.UNKNOWN, TrackSource.MICROPHONE, TrackSource.SCREEN_SHARE_AUDIO];
  if (!sources.includes(options.source)) throw invalidAudio('invalid track source');
  const { encodingOptions: encoding } = options;
  if (encoding.case === 'preset' && IngressAudioEncodingPreset[encoding.value] === undefined) {
    throw invalidAudio('invalid preset');
  }
  if (encoding.case !== 'options') return;
  const { audioCodec, channels } = encoding.value;
  if (![AudioCodec.DEFAULT_AC, AudioCodec.OPUS].includes(audioCodec)) {
    throw invalidAudio('audio codec unsupported');
  }
  if (channels > 2) throw invalidAudio('invalid audio channel count');
}
