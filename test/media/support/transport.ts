import type { TransportDescription } from '../../../node-image/media/sdp/transport-lines';

const FINGERPRINT = Array.from({ length: 32 }, () => 'ab').join(':');

/** The server's transport in a description, with one UDP and one TCP candidate. */
export const TRANSPORT: TransportDescription = {
  iceParameters: { usernameFragment: 'ours', password: 'secret', iceLite: true },
  iceCandidates: (['udp', 'tcp'] as const).map((protocol) => ({
    foundation: `${protocol}candidate`,
    priority: 1076302079,
    address: '192.0.2.1',
    ip: '192.0.2.1',
    protocol,
    port: protocol === 'udp' ? 50000 : 7881,
    type: 'host',
    ...(protocol === 'tcp' ? { tcpType: 'passive' as const } : {}),
  })),
  dtlsParameters: {
    role: 'auto',
    fingerprints: [
      { algorithm: 'sha-1', value: 'aa:bb' },
      { algorithm: 'sha-256', value: FINGERPRINT },
    ],
  },
};

/** The lines of one section, without the session's. */
export function sectionLines(sdp: string, mid: string): string[] {
  const sections = sdp.split(/\r\n(?=m=)/).slice(1);
  const found = sections.find((one) => one.split('\r\n').includes(`a=mid:${mid}`));
  if (found === undefined) throw new Error(`no section ${mid} in ${sdp}`);
  return found.split('\r\n').filter((line) => line !== '');
}
