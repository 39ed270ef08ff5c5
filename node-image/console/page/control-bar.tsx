import {
  ChatIcon,
  DisconnectButton,
  GearIcon,
  LeaveIcon,
  MediaDeviceMenu,
  StartMediaButton,
  TrackToggle,
  useLocalParticipantPermissions,
  usePersistentUserChoices,
} from '@livekit/components-react';
import { Track } from 'livekit-client';
import { useCallback } from 'react';
import { type Device, deviceProblem, type Problem } from './problems';

interface ControlBarProps {
  readonly chatOpen: boolean;
  readonly unread: number;
  readonly onChat: () => void;
  readonly onSettings: () => void;
  readonly onNotice: (problem: Problem) => void;
}

// The numbers of livekit_models.proto, TrackSource; importing the protocol would double the page.
const SOURCE_NUMBERS = { camera: 1, microphone: 2, screen: 3 } as const;

/** Microphone, camera, screen, chat, settings, leave: as much of it as the token allows. */
export function ControlBar({ chatOpen, unread, onChat, onSettings, onNotice }: ControlBarProps) {
  const permissions = useLocalParticipantPermissions();
  const saved = usePersistentUserChoices();
  // Stable, because TrackToggle calls its onChange whenever that is another function.
  const { saveAudioInputEnabled, saveVideoInputEnabled } = saved;
  const keepMicrophone = useCallback(
    (on: boolean, byHand: boolean) => {
      if (byHand) saveAudioInputEnabled(on);
    },
    [saveAudioInputEnabled],
  );
  const keepCamera = useCallback(
    (on: boolean, byHand: boolean) => {
      if (byHand) saveVideoInputEnabled(on);
    },
    [saveVideoInputEnabled],
  );
  const may = (device: 'camera' | 'microphone' | 'screen'): boolean =>
    permissions?.canPublish === true &&
    (permissions.canPublishSources.length === 0 ||
      permissions.canPublishSources.includes(SOURCE_NUMBERS[device]));
  const failed = (device: Device) => (error: Error) =>
    onNotice(deviceProblem(device, error, window.isSecureContext));

  return (
    <div className="lk-control-bar" role="toolbar" aria-label="Controls">
      {may('microphone') && (
        <div className="lk-button-group">
          <TrackToggle
            source={Track.Source.Microphone}
            aria-label="Microphone"
            title="Microphone"
            onChange={keepMicrophone}
            onDeviceError={failed('microphone')}
          >
            <Text>Microphone</Text>
          </TrackToggle>
          <div className="lk-button-group-menu">
            <MediaDeviceMenu
              aria-label="Choose a microphone"
              kind="audioinput"
              onActiveDeviceChange={(_kind, deviceId) => saved.saveAudioInputDeviceId(deviceId)}
            />
          </div>
        </div>
      )}
      {may('camera') && (
        <div className="lk-button-group">
          <TrackToggle
            source={Track.Source.Camera}
            aria-label="Camera"
            title="Camera"
            onChange={keepCamera}
            onDeviceError={failed('camera')}
          >
            <Text>Camera</Text>
          </TrackToggle>
          <div className="lk-button-group-menu">
            <MediaDeviceMenu
              aria-label="Choose a camera"
              kind="videoinput"
              onActiveDeviceChange={(_kind, deviceId) => saved.saveVideoInputDeviceId(deviceId)}
            />
          </div>
        </div>
      )}
      {may('screen') && 'getDisplayMedia' in (navigator.mediaDevices ?? {}) && (
        <TrackToggle
          source={Track.Source.ScreenShare}
          aria-label="Share screen"
          title="Share screen"
          captureOptions={{ audio: true, selfBrowserSurface: 'include' }}
          onDeviceError={failed('screen')}
        >
          <Text>Share screen</Text>
        </TrackToggle>
      )}
      <button
        type="button"
        className="lk-button lk-chat-toggle"
        aria-label={unread > 0 ? `Chat, ${unread} unread` : 'Chat'}
        title="Chat"
        aria-pressed={chatOpen}
        data-lk-unread-msgs={unread > 9 ? '9+' : unread}
        onClick={onChat}
      >
        <ChatIcon aria-hidden="true" />
        <Text>Chat</Text>
      </button>
      <button
        type="button"
        className="lk-button"
        aria-label="Settings"
        title="Settings"
        aria-haspopup="dialog"
        onClick={onSettings}
      >
        <GearIcon aria-hidden="true" />
        <Text>Settings</Text>
      </button>
      <DisconnectButton aria-label="Leave" title="Leave">
        <LeaveIcon aria-hidden="true" />
        <Text>Leave</Text>
      </DisconnectButton>
      <StartMediaButton label="Play sound and video" />
    </div>
  );
}

/** Words that give way to the icon alone where there is no room. */
function Text({ children }: { readonly children: string }) {
  return <span className="control-text">{children}</span>;
}
