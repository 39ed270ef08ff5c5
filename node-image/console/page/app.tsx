import { type DisconnectReason, Room, RoomEvent, VideoPresets } from 'livekit-client';
import { useCallback, useState } from 'react';
import { Conference } from './conference';
import type { Entry } from './entry';
import { joinToken } from './join-token';
import { Left } from './left';
import { type Choices, Lobby } from './lobby';
import { type Device, deviceProblem, endProblem, joinProblem, type Problem } from './problems';

type Stage =
  | { readonly at: 'lobby'; readonly problem?: Problem }
  | { readonly at: 'joining' }
  | { readonly at: 'conference'; readonly room: Room; readonly choices: Choices }
  | { readonly at: 'left'; readonly choices: Choices; readonly problem: Problem | undefined };

/** The page: lobby, conference, and the way back. */
export function App({ entry }: { readonly entry: Entry }) {
  const [stage, setStage] = useState<Stage>({ at: 'lobby' });
  const [notices, setNotices] = useState<readonly Problem[]>([]);

  const note = useCallback((problem: Problem) => {
    setNotices((known) => [...known.filter((other) => other.title !== problem.title), problem]);
  }, []);

  const join = useCallback(
    async (choices: Choices) => {
      setStage({ at: 'joining' });
      setNotices([]);
      const room = createRoom(choices);
      const ended = (reason?: DisconnectReason): void =>
        setStage({ at: 'left', choices, problem: endProblem(reason, entry.serverUrl) });
      try {
        await room.connect(entry.serverUrl, await joinToken(entry, choices.name, choices.room));
      } catch (error) {
        await room.disconnect();
        setStage({ at: 'lobby', problem: joinProblem(error, entry.serverUrl) });
        return;
      }
      room.on(RoomEvent.Disconnected, ended);
      setStage({ at: 'conference', room, choices });
      await publish(room, choices, (device, error) =>
        note(deviceProblem(device, error, window.isSecureContext)),
      );
    },
    [entry, note],
  );

  switch (stage.at) {
    case 'conference':
      return (
        <Conference
          room={stage.room}
          entry={entry}
          title={stage.choices.room}
          notices={notices}
          onNotice={note}
          onDismiss={(gone) => setNotices((known) => known.filter((other) => other !== gone))}
        />
      );
    case 'left':
      return (
        <Left
          room={stage.choices.room}
          problem={stage.problem}
          onRejoin={() => void join(stage.choices)}
          onLobby={() => setStage({ at: 'lobby' })}
        />
      );
    default:
      return (
        <Lobby
          entry={entry}
          joining={stage.at === 'joining'}
          problem={stage.at === 'lobby' ? stage.problem : undefined}
          onJoin={(choices) => void join(choices)}
        />
      );
  }
}

function createRoom(choices: Choices): Room {
  return new Room({
    adaptiveStream: true,
    dynacast: true,
    audioCaptureDefaults: { deviceId: choices.audioDeviceId },
    videoCaptureDefaults: {
      deviceId: choices.videoDeviceId,
      resolution: VideoPresets.h720.resolution,
    },
  });
}

// One after the other would double the wait; one failing must not take the other with it.
async function publish(
  room: Room,
  choices: Choices,
  onFailure: (device: Device, error: unknown) => void,
): Promise<void> {
  const me = room.localParticipant;
  const may = me.permissions?.canPublish !== false;
  await Promise.all([
    may && choices.audio
      ? me.setMicrophoneEnabled(true).catch((error: unknown) => onFailure('microphone', error))
      : undefined,
    may && choices.video
      ? me.setCameraEnabled(true).catch((error: unknown) => onFailure('camera', error))
      : undefined,
  ]);
}
