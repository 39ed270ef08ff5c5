import { type AddTrackRequest, type IngressInfo, VideoLayer } from '@livekit/protocol';
import { type MediaSection, readDescription, SdpError } from '../../../media/sdp/offer-reader';
import { ingressTrack } from '../ingress-participant';
import { WhipError } from './whip-host';

/** More sections than any sender has. */
const MAX_SECTIONS = 16;

function sectionsOf(offer: string): readonly MediaSection[] {
  try {
    const { sections, iceUfrag, fingerprints } = readDescription(offer);
    if (sections.length === 0 || sections.length > MAX_SECTIONS) {
      throw new SdpError(`${sections.length} media sections; 1 to ${MAX_SECTIONS} are allowed`);
    }
    if (iceUfrag === undefined || fingerprints.length === 0) {
      throw new SdpError('the offer needs a=ice-ufrag, a=ice-pwd and a=fingerprint');
    }
    return sections;
  } catch (error) {
    throw error instanceof SdpError ? new WhipError(400, error.message) : error;
  }
}

/** By what a track of an offer is known. */
export const cidOf = ({ trackId, kind, mid }: MediaSection): string => trackId ?? `${kind}-${mid}`;

/**
 * The tracks of an offer, one of each kind: the first that is sent. RFC 9725 section 4.2 wants no more.
 *
 * @throws WhipError
 */
export function offeredTracks(info: IngressInfo, offer: string): AddTrackRequest[] {
  const sent = sectionsOf(offer).filter(
    ({ rejected, direction }) =>
      !rejected && (direction === 'sendonly' || direction === 'sendrecv'),
  );
  const requests = (['video', 'audio'] as const).flatMap((kind) => {
    const section = sent.find((one) => one.kind === kind);
    if (section === undefined) return [];
    return [
      ingressTrack(info, kind, {
        cid: cidOf(section),
        stereo: section.codecs.some(({ parameters }) => Number(parameters['stereo']) === 1),
        layers: section.rids.map((_, quality) => new VideoLayer({ quality })),
      }),
    ];
  });
  if (requests.length === 0) {
    throw new WhipError(406, 'nothing is sent: the offer needs audio or video that is sendonly');
  }
  return requests;
}
