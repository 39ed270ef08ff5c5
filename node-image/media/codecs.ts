import { createRequire } from 'node:module';
import path from 'node:path';
import { isSameProfile } from 'h264-profile-level-id';
import type { RouterRtpCapabilities, RouterRtpCodecCapability } from 'mediasoup/types';

/**
 * The codecs of every Router.
 *
 * Payload types are fixed, so that what is offered to subscribers is the same everywhere. They keep
 * out of 100-107, from which mediasoup takes those of RTX. Both constrained baseline (42e01f,
 * browsers) and baseline (42001f, pion) stand here, as mediasoup matches H264 profiles strictly.
 */
export const ROUTER_CODECS: RouterRtpCodecCapability[] = [
  {
    kind: 'audio',
    mimeType: 'audio/opus',
    preferredPayloadType: 111,
    clockRate: 48000,
    channels: 2,
    parameters: { minptime: 10, useinbandfec: 1 },
  },
  { kind: 'audio', mimeType: 'audio/PCMU', preferredPayloadType: 0, clockRate: 8000 },
  { kind: 'audio', mimeType: 'audio/PCMA', preferredPayloadType: 8, clockRate: 8000 },
  { kind: 'video', mimeType: 'video/VP8', preferredPayloadType: 96, clockRate: 90000 },
  h264(125, '42e01f'),
  h264(123, '42001f'),
  {
    kind: 'video',
    mimeType: 'video/VP9',
    preferredPayloadType: 98,
    clockRate: 90000,
    parameters: { 'profile-id': 0 },
  },
  { kind: 'video', mimeType: 'video/AV1', preferredPayloadType: 45, clockRate: 90000 },
];

/** What clients are told that they may publish. No H265 and no audio/red: mediasoup has neither. */
export const PUBLISH_CODECS: readonly { mime: string; fmtpLine: string }[] = [
  { mime: 'audio/opus', fmtpLine: '' },
  { mime: 'video/VP8', fmtpLine: '' },
  { mime: 'video/H264', fmtpLine: '' },
  { mime: 'video/VP9', fmtpLine: '' },
  { mime: 'video/AV1', fmtpLine: '' },
  { mime: 'video/rtx', fmtpLine: '' },
];

/** Whether a codec may be published; an empty list enables all of them. */
export const isEnabled = (mimeType: string, enabled: readonly string[]): boolean =>
  enabled.length === 0 || enabled.some((one) => one.toLowerCase() === mimeType.toLowerCase());

export const EXTENSION = {
  mid: 'urn:ietf:params:rtp-hdrext:sdes:mid',
  rid: 'urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id',
  repairedRid: 'urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id',
  absSendTime: 'http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time',
  transportCc: 'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01',
  audioLevel: 'urn:ietf:params:rtp-hdrext:ssrc-audio-level',
  dependencyDescriptor:
    'https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension',
  videoOrientation: 'urn:3gpp:video-orientation',
  timeOffset: 'urn:ietf:params:rtp-hdrext:toffset',
  playoutDelay: 'http://www.webrtc.org/experiments/rtp-hdrext/playout-delay',
} as const;

/**
 * The header extensions accepted from publishers.
 *
 * abs-capture-time is left out on purpose: mediasoup takes the capture clock from what was
 * negotiated, and a client that negotiates it without sending it gets no layer forwarded.
 */
export const PUBLISH_EXTENSIONS: ReadonlySet<string> = new Set(Object.values(EXTENSION));

/** One fmtp line as pairs. */
export type CodecParameters = Readonly<Record<string, string | number>>;

/**
 * Whether an offered codec is the given one of the Router.
 *
 * Source: RFC 6184 section 8.1 for H264 profiles and packetization modes.
 */
export function isRouterCodec(
  codec: RouterRtpCodecCapability,
  mimeType: string,
  parameters: CodecParameters,
): boolean {
  if (codec.mimeType.toLowerCase() !== mimeType.toLowerCase()) {
    return false;
  }
  switch (mimeType.toLowerCase()) {
    case 'video/h264':
      return (
        Number(parameters['packetization-mode'] ?? 0) === 1 &&
        isSameProfile(stringValues(codec.parameters ?? {}), stringValues(parameters))
      );
    case 'video/vp9':
      return Number(parameters['profile-id'] ?? 0) === 0;
    case 'video/av1':
      return Number(parameters['profile'] ?? 0) === 0;
    default:
      return true;
  }
}

/** Whether a codec carries its layers in one stream. */
export const isSvcCodec = (mimeType: string): boolean => /^video\/(vp9|av1)$/i.test(mimeType);

/**
 * Makes mediasoup send the AV1 dependency descriptor to consumers as well.
 *
 * It only receives it as shipped, and browsers then cannot decode scalable AV1. The list is read
 * when a Router is created, so this comes before the first one.
 */
export function sendDependencyDescriptor(): void {
  const library = createRequire(__filename).resolve('mediasoup');
  const file = path.join(path.dirname(library), 'supportedRtpCapabilities.js');
  const { supportedRtpCapabilities } = createRequire(__filename)(file) as {
    supportedRtpCapabilities: RouterRtpCapabilities;
  };
  for (const extension of supportedRtpCapabilities.headerExtensions ?? []) {
    if (extension.uri === EXTENSION.dependencyDescriptor) {
      extension.direction = 'sendrecv';
    }
  }
}

function h264(preferredPayloadType: number, profile: string): RouterRtpCodecCapability {
  return {
    kind: 'video',
    mimeType: 'video/H264',
    preferredPayloadType,
    clockRate: 90000,
    parameters: {
      'packetization-mode': 1,
      'profile-level-id': profile,
      'level-asymmetry-allowed': 1,
    },
  };
}

function stringValues(parameters: object): Record<string, string> {
  return Object.fromEntries(Object.entries(parameters).map(([k, v]) => [k, String(v)]));
}
