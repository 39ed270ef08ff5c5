import { readFileSync } from 'node:fs';
import path from 'node:path';
import sdpTransform from 'sdp-transform';

/**
 * Descriptions as clients wrote them, with credentials and addresses replaced.
 *
 * Chromium 156 with livekit-client, the Rust SDK 1.1 as rtc-node has it, and pion 4.2 as the load
 * test of LiveKit's CLI has it: a camera in simulcast and a microphone each.
 */
export type Recorded =
  | 'chromium-offer'
  | 'chromium-vp9-offer'
  | 'chromium-answer'
  | 'rust-offer'
  | 'rust-answer'
  | 'pion-offer'
  | 'pion-answer';

export function recorded(name: Recorded): string {
  const file = path.join(__dirname, '..', 'fixtures', `${name}.sdp`);
  return readFileSync(file, 'utf8').replace(/\r?\n/g, '\r\n');
}

const FINGERPRINT = Array.from({ length: 32 }, (_, i) => (i + 16).toString(16)).join(':');

export interface SectionParts {
  readonly mid: string;
  /** @default 'video' */
  readonly kind?: 'audio' | 'video' | 'application';
  /** Lines in place of the usual codec, direction and msid. */
  readonly lines?: readonly string[];
  /** What the m-line names. @default those of VP8, or of opus */
  readonly payloads?: string;
  readonly port?: number;
}

/** A description with what every client says, and the given sections. */
export function description(...sections: readonly SectionParts[]): string {
  const lines = [
    'v=0',
    'o=- 1 1 IN IP4 127.0.0.1',
    's=-',
    't=0 0',
    'a=ice-ufrag:theirs',
    'a=ice-pwd:a-password-of-the-client',
    `a=fingerprint:sha-256 ${FINGERPRINT}`,
    'a=setup:actpass',
    ...sections.flatMap(sectionLines),
  ];
  return `${lines.join('\r\n')}\r\n`;
}

function sectionLines({ mid, kind = 'video', lines, payloads, port = 9 }: SectionParts): string[] {
  if (kind === 'application') {
    return [`m=application ${port} UDP/DTLS/SCTP webrtc-datachannel`, `a=mid:${mid}`];
  }
  const usual = kind === 'audio' ? '111' : '96 97';
  return [
    `m=${kind} ${port} UDP/TLS/RTP/SAVPF ${payloads ?? usual}`,
    `a=mid:${mid}`,
    ...(lines ?? sends(kind, mid)),
  ];
}

/** A section's lines where it sends one track: with the id "track-" and its mid, unless given. */
export function sends(kind: 'audio' | 'video', mid: string, trackId = `track-${mid}`): string[] {
  const codec =
    kind === 'audio'
      ? ['a=rtpmap:111 opus/48000/2', 'a=fmtp:111 minptime=10;useinbandfec=1']
      : ['a=rtpmap:96 VP8/90000', 'a=rtpmap:97 rtx/90000', 'a=fmtp:97 apt=96'];
  return [...codec, 'a=sendonly', ...(trackId === '' ? [] : [`a=msid:- ${trackId}`])];
}

/** What a client answers that takes everything it is offered, but the sections named. */
export function answerTo(offer: string, refused: readonly string[] = []): string {
  const sections = sdpTransform.parse(offer).media.map((media): SectionParts => {
    const mid = String(media.mid);
    const port = media.port === 0 || refused.includes(mid) ? 0 : 9;
    if (media.type === 'application') return { mid, kind: 'application', port };
    return {
      mid,
      kind: media.type === 'audio' ? 'audio' : 'video',
      port,
      payloads: String(media.payloads),
      lines: [
        ...media.rtp.map((rtp) => {
          const channels = rtp.encoding === undefined ? '' : `/${rtp.encoding}`;
          return `a=rtpmap:${rtp.payload} ${rtp.codec}/${rtp.rate}${channels}`;
        }),
        media.direction === 'sendonly' ? 'a=recvonly' : 'a=inactive',
      ],
    };
  });
  return description(...sections).replace('a=setup:actpass', 'a=setup:active');
}
