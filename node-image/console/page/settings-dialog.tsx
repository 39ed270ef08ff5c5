import {
  ChatCloseIcon,
  useMediaDeviceSelect,
  useParticipantInfo,
  usePersistentUserChoices,
  useRoomContext,
} from '@livekit/components-react';
import { RoomEvent } from 'livekit-client';
import { useEffect, useId, useRef } from 'react';
import type { Entry } from './entry';

interface SettingsDialogProps {
  readonly open: boolean;
  readonly entry: Entry;
  readonly onClose: () => void;
}

/** Devices, and what somebody helping would ask for. */
export function SettingsDialog({ open, entry, onClose }: SettingsDialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useEffect(() => {
    if (open) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open]);

  return (
    <dialog ref={dialog} className="settings" aria-labelledby={heading} onClose={onClose}>
      <div className="settings-head">
        <h2 id={heading}>Settings</h2>
        <button
          type="button"
          className="lk-button icon-button"
          aria-label="Close settings"
          onClick={onClose}
        >
          <ChatCloseIcon aria-hidden="true" />
        </button>
      </div>
      {open && <Settings entry={entry} />}
    </dialog>
  );
}

function Settings({ entry }: { readonly entry: Entry }) {
  const room = useRoomContext();
  const me = useParticipantInfo({ participant: room.localParticipant });
  const saved = usePersistentUserChoices();
  return (
    <>
      <DeviceSelect kind="videoinput" label="Camera" onChoose={saved.saveVideoInputDeviceId} />
      <DeviceSelect kind="audioinput" label="Microphone" onChoose={saved.saveAudioInputDeviceId} />
      {/* Browsers that cannot choose a speaker list none. */}
      <DeviceSelect kind="audiooutput" label="Speaker" />
      <dl className="facts">
        <dt>Server</dt>
        <dd>{entry.serverUrl}</dd>
        <dt>Room</dt>
        <dd>{room.name}</dd>
        <dt>You</dt>
        <dd>
          {me.name} ({me.identity})
        </dd>
      </dl>
    </>
  );
}

interface DeviceSelectProps {
  readonly kind: MediaDeviceKind;
  readonly label: string;
  readonly onChoose?: (deviceId: string) => void;
}

function DeviceSelect({ kind, label, onChoose }: DeviceSelectProps) {
  const room = useRoomContext();
  const { devices, activeDeviceId, setActiveMediaDevice } = useMediaDeviceSelect({ kind, room });
  const named = devices.filter((device) => device.deviceId !== '');
  if (kind === 'audiooutput' && named.length === 0) return null;
  const choose = async (deviceId: string): Promise<void> => {
    try {
      await setActiveMediaDevice(deviceId);
      onChoose?.(deviceId);
    } catch (error) {
      if (error instanceof Error) room.emit(RoomEvent.MediaDevicesError, error, kind);
    }
  };
  return (
    <label>
      {label}
      <select
        className="lk-form-control"
        value={
          named.some((d) => d.deviceId === activeDeviceId) ? activeDeviceId : named[0]?.deviceId
        }
        disabled={named.length === 0}
        onChange={(event) => void choose(event.target.value)}
      >
        {named.length === 0 && <option>None that the browser lets this page see</option>}
        {named.map((device, index) => (
          <option key={device.deviceId} value={device.deviceId}>
            {device.label || `${label} ${index + 1}`}
          </option>
        ))}
      </select>
    </label>
  );
}
