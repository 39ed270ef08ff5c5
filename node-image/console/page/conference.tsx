import {
  CarouselLayout,
  FocusLayoutContainer,
  GridLayout,
  isTrackReference,
  LayoutContextProvider,
  RoomAudioRenderer,
  RoomContext,
  type TrackReferenceOrPlaceholder,
  useConnectionState,
  useCreateLayoutContext,
  useParticipants,
  usePinnedTracks,
  useTracks,
} from '@livekit/components-react';
import { ConnectionState, type Room, RoomEvent, Track } from 'livekit-client';
import { useEffect, useRef, useState } from 'react';
import { Brand } from './brand';
import { ChatPanel } from './chat-panel';
import { ControlBar } from './control-bar';
import type { Entry } from './entry';
import { Notice } from './notice';
import type { Problem } from './problems';
import { SettingsDialog } from './settings-dialog';
import { Tile } from './tile';

interface ConferenceProps {
  readonly room: Room;
  readonly entry: Entry;
  /** The room's name, as shown. */
  readonly title: string;
  readonly notices: readonly Problem[];
  readonly onNotice: (problem: Problem) => void;
  readonly onDismiss: (problem: Problem) => void;
}

/** Everybody in the room, the chat, and the controls. */
export function Conference(props: ConferenceProps) {
  const layout = useCreateLayoutContext();
  const [chat, setChat] = useState(false);
  const [unread, setUnread] = useState(0);
  const [settings, setSettings] = useState(false);

  return (
    <RoomContext.Provider value={props.room}>
      <LayoutContextProvider value={layout}>
        <main
          className={
            chat ? 'conference lk-room-container with-chat' : 'conference lk-room-container'
          }
        >
          <TopBar entry={props.entry} title={props.title} />
          <div className="stage">
            <Reconnecting />
            <Stage layout={layout} />
            <div className="notices">
              {props.notices.map((problem) => (
                <Notice
                  key={problem.title}
                  problem={problem}
                  onDismiss={() => props.onDismiss(problem)}
                />
              ))}
            </div>
          </div>
          <ChatPanel open={chat} onUnread={setUnread} onClose={() => setChat(false)} />
          <ControlBar
            chatOpen={chat}
            unread={unread}
            onChat={() => setChat(!chat)}
            onSettings={() => setSettings(true)}
            onNotice={props.onNotice}
          />
          <SettingsDialog open={settings} entry={props.entry} onClose={() => setSettings(false)} />
          <RoomAudioRenderer />
        </main>
      </LayoutContextProvider>
    </RoomContext.Provider>
  );
}

function TopBar({ entry, title }: { readonly entry: Entry; readonly title: string }) {
  const people = useParticipants().length;
  const [copied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    const link = new URL(location.href);
    link.hash = '';
    link.searchParams.set('room', title);
    await navigator.clipboard.writeText(link.href);
    setCopied(true);
    setTimeout(() => setCopied(false), 2000);
  };
  return (
    <header className="top-bar">
      <Brand quiet />
      <h1 className="room-name">{title}</h1>
      <span className="people">{people === 1 ? 'only you' : `${people} people`}</span>
      {/* Other links carry a token made for one person, which is not to be passed on. */}
      {entry.development && entry.token === '' && navigator.clipboard && (
        <button type="button" className="lk-button copy-link" onClick={() => void copy()}>
          {copied ? 'Copied' : 'Copy link'}
        </button>
      )}
    </header>
  );
}

/** LiveKit's client comes back by itself for about 40 s; meanwhile people should know why it is still. */
function Reconnecting() {
  const state = useConnectionState();
  const lost =
    state === ConnectionState.Reconnecting || state === ConnectionState.SignalReconnecting;
  return (
    <div className="reconnecting" role="status" hidden={!lost}>
      {lost && (
        <>
          <span className="spinner" aria-hidden="true" />
          Connection lost. Reconnecting…
        </>
      )}
    </div>
  );
}

/** A grid, or one tile large when somebody shares a screen or a tile was chosen. */
function Stage({ layout }: { readonly layout: ReturnType<typeof useCreateLayoutContext> }) {
  const tracks = useTracks(
    [
      { source: Track.Source.Camera, withPlaceholder: true },
      { source: Track.Source.ScreenShare, withPlaceholder: false },
    ],
    { updateOnlyOn: [RoomEvent.ActiveSpeakersChanged], onlySubscribed: false },
  );
  const pinned = usePinnedTracks(layout)[0];
  // The track in hand, not the one pinned: it changes when somebody switches the camera on.
  const focus = pinned && tracks.find((track) => keyOf(track) === keyOf(pinned));
  useScreenShareFocus(tracks, layout);

  if (focus === undefined) {
    return (
      <GridLayout tracks={tracks}>
        <Tile />
      </GridLayout>
    );
  }
  const others = tracks.filter((track) => track !== focus);
  return (
    <FocusLayoutContainer className={others.length === 0 ? 'alone' : undefined}>
      {others.length > 0 && (
        <CarouselLayout tracks={others}>
          <Tile />
        </CarouselLayout>
      )}
      <Tile trackRef={focus} />
    </FocusLayoutContainer>
  );
}

/** Puts a screen that is newly shared into focus, and takes it out when it ends. */
function useScreenShareFocus(
  tracks: readonly TrackReferenceOrPlaceholder[],
  layout: ReturnType<typeof useCreateLayoutContext>,
): void {
  const screen = tracks.find(
    (track) => track.source === Track.Source.ScreenShare && isTrackReference(track),
  );
  const shown = useRef<string>(undefined);
  const key = screen && keyOf(screen);
  const { dispatch } = layout.pin;
  useEffect(() => {
    if (key === shown.current) return;
    shown.current = key;
    if (screen === undefined) dispatch?.({ msg: 'clear_pin' });
    else dispatch?.({ msg: 'set_pin', trackReference: screen });
  }, [key, screen, dispatch]);
}

const keyOf = (track: TrackReferenceOrPlaceholder): string =>
  `${track.participant.identity} ${track.source}`;
