import { ChatCloseIcon } from '@livekit/components-react';
import type { Problem } from './problems';

interface NoticeProps {
  readonly problem: Problem;
  readonly onDismiss?: () => void;
}

/** A problem and what to do about it. */
export function Notice({ problem, onDismiss }: NoticeProps) {
  return (
    <div className="notice" role="alert">
      <div>
        <strong>{problem.title}</strong>
        <p>{problem.advice}</p>
      </div>
      {onDismiss && (
        <button
          type="button"
          className="lk-button icon-button"
          aria-label="Dismiss"
          onClick={onDismiss}
        >
          <ChatCloseIcon aria-hidden="true" />
        </button>
      )}
    </div>
  );
}
