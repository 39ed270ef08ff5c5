import {
  ChatCloseIcon,
  ChatEntry,
  formatChatMessageLinks,
  useChat,
  useLocalParticipantPermissions,
} from '@livekit/components-react';
import { type FormEvent, useEffect, useRef, useState } from 'react';

interface ChatPanelProps {
  readonly open: boolean;
  readonly onUnread: (count: number) => void;
  readonly onClose: () => void;
}

/** Messages to everybody in the room; nobody keeps them. Lives on while closed, to count them. */
export function ChatPanel({ open, onUnread, onClose }: ChatPanelProps) {
  const { chatMessages, send, isSending } = useChat();
  const maySend = useLocalParticipantPermissions()?.canPublishData !== false;
  const [text, setText] = useState('');
  const [failed, setFailed] = useState(false);
  const read = useRef(0);
  const list = useRef<HTMLUListElement>(null);
  const input = useRef<HTMLInputElement>(null);
  const count = chatMessages.length;

  useEffect(() => {
    if (open) read.current = count;
    onUnread(Math.max(0, count - read.current));
    list.current?.scrollTo({ top: list.current.scrollHeight });
  }, [open, count, onUnread]);
  useEffect(() => {
    if (open) input.current?.focus();
  }, [open]);

  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    if (text.trim() === '') return;
    try {
      await send(text);
      setText('');
      setFailed(false);
    } catch {
      setFailed(true);
    }
    input.current?.focus();
  };

  return (
    <aside className="lk-chat" aria-label="Chat" hidden={!open}>
      <div className="lk-chat-header">
        <h2>Chat</h2>
        <button
          type="button"
          className="lk-button icon-button"
          aria-label="Close chat"
          onClick={onClose}
        >
          <ChatCloseIcon aria-hidden="true" />
        </button>
      </div>
      <ul className="lk-list lk-chat-messages" ref={list} aria-live="polite">
        {count === 0 && (
          <li className="chat-empty">
            Messages reach those who are in the room now. They are not kept.
          </li>
        )}
        {chatMessages.map((message, index) => {
          const previous = chatMessages[index - 1];
          const sameSender =
            previous !== undefined && previous.from?.identity === message.from?.identity;
          return (
            <ChatEntry
              key={message.id}
              entry={message}
              hideName={sameSender}
              hideTimestamp={sameSender && message.timestamp - previous.timestamp < 60_000}
              messageFormatter={formatChatMessageLinks}
            />
          );
        })}
      </ul>
      {failed && (
        <p className="chat-failed" role="alert">
          Not sent: the connection is down. Try again in a moment.
        </p>
      )}
      {maySend && (
        <form className="lk-chat-form" onSubmit={(event) => void submit(event)}>
          <input
            ref={input}
            className="lk-form-control lk-chat-form-input"
            aria-label="Message"
            placeholder="Message to everybody"
            autoComplete="off"
            enterKeyHint="send"
            maxLength={4000}
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
          <button type="submit" className="lk-button lk-chat-form-button" disabled={isSending}>
            Send
          </button>
        </form>
      )}
    </aside>
  );
}
