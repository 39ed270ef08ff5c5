import type { RoomSight } from '../../../room/tapped-room';
import type { SourcePublication } from '../source';
import type { TrackChoice } from './track-choice';

/** Whose media it is, as names of files say it. Of two tracks, the picture is named. Pure. */
export function publicationOf({ audio, video }: TrackChoice, sight: RoomSight): SourcePublication {
  const track = video ?? audio;
  const publisher = sight.participants.find(({ tracks }) =>
    tracks.some(({ sid }) => sid === track?.sid),
  );
  return {
    publisher: publisher?.identity ?? '',
    trackId: track?.sid ?? '',
    trackType: track?.kind ?? '',
    trackSource: track?.source.toLowerCase() ?? '',
  };
}
