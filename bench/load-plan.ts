/** What the load source is told to do: see bench/load/src/plan.rs, which reads it. */

export interface LoadPlan {
  /** ws://host:port of the server. */
  readonly url: string;
  /** Length of the run, seconds. */
  readonly seconds: number;
  /** Between two lines of statistics, seconds. @default 1 */
  readonly intervalSeconds?: number;
  /** @default 1 */
  readonly threads?: number;
  /** Over how long packets are gathered before they are looked at, milliseconds. @default 1 */
  readonly gatherMs?: number;
  /** At most so many of a thread's participants wait for their JoinResponse; others begin later. @default no limit */
  readonly joiningAtOnce?: number;
  readonly participants: readonly LoadParticipant[];
}

export interface LoadParticipant {
  /** Names it in errors. */
  readonly name: string;
  readonly token: string;
  /** When it joins, milliseconds from the start. @default 0 */
  readonly joinAtMs?: number;
  /** When it leaves, milliseconds from the start. @default at the end */
  readonly leaveAtMs?: number;
  /** @default nothing */
  readonly publish?: readonly LoadTrack[];
  /** To everybody, to nobody, or to participants of these identities. @default 'all' */
  readonly subscribe?: 'all' | 'none' | { readonly only: readonly string[] };
  /** Size that it asks for of every picture. @default none is asked for */
  readonly wanted?: { readonly width: number; readonly height: number };
  readonly data?: {
    readonly perSecond: number;
    /** Bytes of each message's payload, 16 to 15000. */
    readonly bytes: number;
    /** @default true */
    readonly reliable?: boolean;
  };
  /** Whether it makes peer connections at all. @default true */
  readonly media?: boolean;
  /** Whether it joins anew when the server tells it to, as client SDKs do. @default false */
  readonly rejoin?: boolean;
}

export type LoadTrack =
  | {
      readonly kind: 'audio';
      /** Bytes of a packet's payload, 16 to 1100. @default 80 */
      readonly bytes?: number;
      /** @default 50 */
      readonly packetsPerSecond?: number;
    }
  | {
      readonly kind: 'video';
      /** Lowest first; several are simulcast. */
      readonly layers: readonly LoadLayer[];
      /** Temporal layers of each: 1, 2 or 3. @default 3 */
      readonly temporalLayers?: number;
    };

export interface LoadLayer {
  readonly width: number;
  readonly height: number;
  readonly bitsPerSecond: number;
  readonly fps: number;
}

/** A line of statistics; counts are from the start of the run. */
export interface LoadLine {
  readonly type: 'interval' | 'end';
  /** Since the start of the run. */
  readonly seconds: number;
  readonly clients: {
    readonly planned: number;
    readonly started: number;
    /** Got a JoinResponse. */
    readonly joined: number;
    /** Had a peer connection up. */
    readonly connected: number;
    /** Ended by the server or an error; `errors` says why. */
    readonly failed: number;
    /** Times that someone was in again after it was told to join anew. */
    readonly rejoined: number;
  };
  readonly sent: LoadFlows & { readonly keyFrames: number };
  readonly received: LoadFlows & {
    readonly padding: number;
    /** By sequence numbers, after retransmissions. */
    readonly lost: number;
    readonly streams: number;
  };
  readonly data: {
    readonly sent: LoadFlow;
    readonly received: LoadFlow;
    readonly latencyMs: LoadTimes;
  };
  /** From before the publisher's send to the kernel's time of arrival. */
  readonly latencyMs: LoadTimes;
  readonly jitterMs: LoadTimes;
  /** From the connection's begin: to the JoinResponse, a peer connection, the first key frame, sound. */
  readonly joinMs: LoadTimes;
  readonly connectMs: LoadTimes;
  readonly firstFrameMs: LoadTimes;
  readonly firstAudioMs: LoadTimes;
  /** Of those who joined anew: from the last packet before to the next complete key frame, or sound. */
  readonly gapMs: LoadTimes;
  /** Video of the viewers that are 20 s old, over their first 20 s. */
  readonly first20s: { readonly viewers: number; readonly bitsPerSecond: number | null };
  readonly self: {
    readonly cpuSeconds: number;
    /** Part of one core, since the line before. */
    readonly busiestThread: number;
    /** From a packet's arrival to when the load source looked at it. */
    readonly delayMs: LoadTimes;
    readonly overflowed: number;
    readonly skippedFrames: number;
    /** Whether the figures are those of the load source rather than of the server. */
    readonly isBottleneck: boolean;
    readonly why: readonly string[];
  };
  /** DTLS handshakes by the SRTP profile that was chosen in them, named as in RFC 5764 and RFC 7714. */
  readonly srtp: Readonly<Record<string, number>>;
  readonly errors: Readonly<Record<string, number>>;
}

export interface LoadFlows {
  readonly audio: LoadFlow;
  readonly video: LoadFlow;
  /** Feedback about these packets. */
  readonly nacks: number;
  readonly plis: number;
}

export interface LoadFlow {
  readonly packets: number;
  /** Of payload. */
  readonly bytes: number;
}

/** Milliseconds; null when nothing was counted. */
export interface LoadTimes {
  readonly count: number;
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
  readonly max: number | null;
}
