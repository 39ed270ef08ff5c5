/** What a test and a process of small clients say to each other, one JSON message at a time. */

/** What a small client publishes, and how it receives. */
export interface SmallClientOptions {
  /** Opus, a tone. @default true */
  readonly audio?: boolean;
  /** VP8, 160x90, 5 frames a second. @default true */
  readonly video?: boolean;
  /** Whether it is sent what others publish. @default true */
  readonly subscribe?: boolean;
  /** Whether it publishes again by itself what its SDK has given up. @default false */
  readonly insists?: boolean;
}

/** What the SDK told its application. Times are ms since 1970, on the machine's one clock. */
export interface ClientEvent {
  readonly atMs: number;
  readonly name:
    | 'joined'
    | 'reconnecting'
    | 'reconnected'
    | 'disconnected'
    | 'participantConnected'
    | 'participantDisconnected'
    | 'trackSubscribed'
    | 'trackGone'
    | 'republished'
    | 'publishedAgain'
    | 'roomUpdated';
  /** The participant that it concerns, or why. */
  readonly detail: string;
}

/** What one client has seen of the others. */
export interface ClientStatus {
  readonly identity: string;
  /** As the SDK says: 'connected', 'reconnecting', 'disconnected'. */
  readonly state: string;
  readonly roomSid: string;
  readonly metadata: string;
  readonly events: readonly ClientEvent[];
  /** By identity of the publisher: when each frame of its picture was there, ms since 1970. */
  readonly frames: Readonly<Record<string, readonly number[]>>;
  /** By identity of the publisher: when its tone was last heard, ms since 1970. */
  readonly heardAtMs: Readonly<Record<string, number>>;
  /** Of those that it knows to be in the Room, itself left out. */
  readonly others: readonly string[];
}

export type SmallClientRequest =
  | {
      readonly command: 'join';
      readonly identity: string;
      readonly url: string;
      readonly token: string;
      readonly options: SmallClientOptions;
    }
  | { readonly command: 'leave'; readonly identity: string }
  /** `sinceMs` leaves out what was before. */
  | { readonly command: 'status'; readonly identity: string; readonly sinceMs: number };

export interface SmallClientMessage {
  readonly id: number;
  readonly request: SmallClientRequest;
}

export interface SmallClientReply {
  readonly id: number;
  readonly status?: ClientStatus;
  readonly error?: string;
}
