import sdpTransform from 'sdp-transform';

const FINGERPRINT = Array.from({ length: 32 }, (_, i) => (i + 16).toString(16)).join(':');

export const SESSION_HEAD: readonly string[] = [
  'v=0',
  'o=- 1 1 IN IP4 127.0.0.1',
  's=-',
  't=0 0',
  'a=extmap-allow-mixed',
  'a=ice-ufrag:theirs',
  'a=ice-pwd:a-password-of-the-client',
  `a=fingerprint:sha-256 ${FINGERPRINT}`,
  'a=setup:actpass',
];

/** The lines of a good section that sends one track. */
export function sectionOf(kind: 'audio' | 'video', mid: string, trackId: string): string[] {
  const codec =
    kind === 'audio'
      ? ['a=rtpmap:111 opus/48000/2', 'a=fmtp:111 minptime=10;useinbandfec=1']
      : [
          'a=rtpmap:96 VP8/90000',
          'a=rtcp-fb:96 nack pli',
          'a=rtpmap:97 rtx/90000',
          'a=fmtp:97 apt=96',
        ];
  return [
    `m=${kind} 9 UDP/TLS/RTP/SAVPF ${kind === 'audio' ? '111' : '96 97'}`,
    'c=IN IP4 0.0.0.0',
    `a=mid:${mid}`,
    'a=sendonly',
    'a=rtcp-mux',
    `a=msid:- ${trackId}`,
    'a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid',
    ...codec,
  ];
}

export const descriptionOf = (...sections: readonly (readonly string[])[]): string =>
  `${[...SESSION_HEAD, ...sections.flat()].join('\r\n')}\r\n`;

/** What a client answers that takes everything it is offered. */
export function answerTo(offer: string): string {
  const sections = sdpTransform.parse(offer).media.map((media) => {
    const lines = [
      `m=${media.type} ${media.port === 0 ? 0 : 9} ${media.protocol} ${media.payloads}`,
      'c=IN IP4 0.0.0.0',
      `a=mid:${media.mid}`,
      media.direction === 'sendonly' ? 'a=recvonly' : 'a=inactive',
    ];
    for (const { payload, codec, rate, encoding } of media.rtp) {
      lines.push(`a=rtpmap:${payload} ${codec}/${rate}${encoding ? `/${encoding}` : ''}`);
    }
    return lines;
  });
  return descriptionOf(...sections).replace('a=setup:actpass', 'a=setup:active');
}
