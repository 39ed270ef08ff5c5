import { usePersistentUserChoices } from '@livekit/components-react';
import { type FormEvent, useState } from 'react';
import { Brand } from './brand';
import { type Entry, friendlyName, tokenFacts } from './entry';
import { Notice } from './notice';
import { Preview } from './preview';
import type { Problem } from './problems';

/** What somebody decides before joining. */
export interface Choices {
  readonly name: string;
  readonly room: string;
  readonly audio: boolean;
  readonly video: boolean;
  readonly audioDeviceId: string;
  readonly videoDeviceId: string;
}

interface LobbyProps {
  readonly entry: Entry;
  readonly joining: boolean;
  readonly problem: Problem | undefined;
  readonly onJoin: (choices: Choices) => void;
}

/** Before the conference: see oneself, choose devices, say who one is. */
export function Lobby({ entry, joining, problem, onJoin }: LobbyProps) {
  const facts = tokenFacts(entry.token);
  // Kept by LiveKit's own hook, under its own key: the control bar of the conference shares it.
  const saved = usePersistentUserChoices({ defaults: { username: friendlyName() } });
  const choices = saved.userChoices;
  const [room, setRoom] = useState(entry.room || (entry.development ? 'demo' : ''));
  const name = facts?.name || choices.username;
  const invited = entry.token !== '';
  const closed = !invited && !entry.development;

  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (joining || closed) return;
    onJoin({
      name: name.trim(),
      room: room.trim(),
      audio: choices.audioEnabled,
      video: choices.videoEnabled,
      audioDeviceId: choices.audioDeviceId,
      videoDeviceId: choices.videoDeviceId,
    });
  };

  return (
    <main className="lobby">
      <header className="lobby-head">
        <Brand />
      </header>
      <Preview
        name={name}
        audio={choices.audioEnabled}
        video={choices.videoEnabled}
        audioDeviceId={choices.audioDeviceId}
        videoDeviceId={choices.videoDeviceId}
        onAudio={saved.saveAudioInputEnabled}
        onVideo={saved.saveVideoInputEnabled}
        onAudioDevice={saved.saveAudioInputDeviceId}
        onVideoDevice={saved.saveVideoInputDeviceId}
      />
      <section className="lobby-form" aria-label="Join">
        <h1>{closed ? 'Join a room' : 'Ready to join?'}</h1>
        {problem && <Notice problem={problem} />}
        {closed ? (
          <Notice
            problem={{
              title: 'This page needs an invitation',
              advice:
                'Open the whole link you were given: it ends in “#token=…”. ' +
                'The application that runs the room makes such links with its API key.',
            }}
          />
        ) : (
          <form onSubmit={submit}>
            <label>
              Your name
              <input
                className="lk-form-control"
                name="name"
                autoComplete="nickname"
                maxLength={64}
                required
                pattern=".*\S.*"
                title="At least one letter"
                readOnly={facts !== undefined && facts.name !== ''}
                value={name}
                onChange={(event) => saved.saveUsername(event.target.value)}
              />
            </label>
            <label>
              Room
              <input
                className="lk-form-control"
                name="room"
                autoComplete="off"
                autoCapitalize="none"
                spellCheck={false}
                maxLength={128}
                required={!invited}
                pattern=".*\S.*"
                title="At least one letter"
                readOnly={invited}
                value={room}
                onChange={(event) => setRoom(event.target.value)}
              />
            </label>
            <button
              type="submit"
              className="lk-button primary"
              disabled={joining}
              aria-busy={joining}
            >
              {joining ? 'Joining…' : 'Join room'}
            </button>
          </form>
        )}
        {entry.development && (
          <p className="hint">
            Everybody who joins the same room meets there. Open this page in a second tab or on a
            second device to see it.
          </p>
        )}
      </section>
    </main>
  );
}
