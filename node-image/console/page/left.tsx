import { Brand } from './brand';
import type { Problem } from './problems';

interface LeftProps {
  readonly room: string;
  /** Why it ended, unless by the person's own will. */
  readonly problem: Problem | undefined;
  readonly onRejoin: () => void;
  readonly onLobby: () => void;
}

/** After the conference. */
export function Left({ room, problem, onRejoin, onLobby }: LeftProps) {
  return (
    <main className="left">
      <Brand />
      <div className="left-card" role={problem ? 'alert' : 'status'}>
        <h1>{problem?.title ?? 'You left the room'}</h1>
        <p>{problem?.advice ?? `You are no longer in “${room}”. Nobody sees or hears you.`}</p>
      </div>
      <div className="left-actions">
        <button type="button" className="lk-button primary" onClick={onRejoin}>
          Join again
        </button>
        <button type="button" className="lk-button" onClick={onLobby}>
          Change name, room or devices
        </button>
      </div>
    </main>
  );
}
