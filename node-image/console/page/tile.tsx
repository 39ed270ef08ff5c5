import {
  ConnectionQualityIndicator,
  FocusToggle,
  isTrackReference,
  ParticipantContext,
  ScreenShareIcon,
  TrackMutedIndicator,
  TrackRefContext,
  type TrackReferenceOrPlaceholder,
  useEnsureTrackRef,
  useIsMuted,
  useParticipantInfo,
  useParticipantTile,
  useTrackRefContext,
  VideoTrack,
} from '@livekit/components-react';
import { Track } from 'livekit-client';
import { Avatar } from './avatar';

/** One camera or shared screen: the given one, or that of the surrounding layout. */
export function Tile({ trackRef }: { readonly trackRef?: TrackReferenceOrPlaceholder }) {
  const track = useEnsureTrackRef(trackRef);
  return (
    <TrackRefContext.Provider value={track}>
      <ParticipantContext.Provider value={track.participant}>
        <TileBody />
      </ParticipantContext.Provider>
    </TrackRefContext.Provider>
  );
}

function TileBody() {
  const track = useTrackRefContext();
  const { elementProps } = useParticipantTile<HTMLElement>({ trackRef: track, htmlProps: {} });
  const info = useParticipantInfo({ participant: track.participant });
  const dark = useIsMuted(track);
  const name = info.name || info.identity || 'Somebody';
  const isScreen = track.source === Track.Source.ScreenShare;
  const me = track.participant.isLocal;
  const label = isScreen ? `${me ? 'Your' : `${name}’s`} screen` : me ? `${name} (you)` : name;
  const microphone = { participant: track.participant, source: Track.Source.Microphone };

  return (
    <figure {...elementProps} aria-label={label}>
      {isTrackReference(track) && <VideoTrack trackRef={track} aria-hidden="true" />}
      {dark && (
        <div className="tile-off">
          <Avatar name={name} />
        </div>
      )}
      <div className="lk-participant-metadata">
        <div className="lk-participant-metadata-item">
          {isScreen ? (
            <ScreenShareIcon aria-hidden="true" />
          ) : (
            <TrackMutedIndicator trackRef={microphone} show="muted" title="Microphone is off" />
          )}
          <span className="tile-name">{label}</span>
        </div>
        <ConnectionQualityIndicator className="lk-participant-metadata-item" />
      </div>
      <FocusToggle trackRef={track} aria-label={`Enlarge ${label}, or back to the grid`} />
    </figure>
  );
}
