/** Sends what an encoder makes to one address. It is slow or gone by itself: the others do not notice. */
export interface Sender {
  /** Never waits. */
  push(chunk: Buffer): void;
  /** Whether the sound is muted or gone, where whoever receives it is told so. */
  muted?(muted: boolean): void;
  /** Ends it after what it still holds. Idempotent. */
  close(): Promise<void>;
}

/** What is told of a sender. */
export interface SenderEvents {
  /** It sends. */
  readonly onSending: () => void;
  /** It broke, for the n-th time in a row, and is tried again. */
  readonly onRetry: (error: string) => void;
  /** It will not be tried again. */
  readonly onFailed: (error: string) => void;
}
