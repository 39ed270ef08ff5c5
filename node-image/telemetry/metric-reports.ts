import type { TrackSource, TrackType } from '@livekit/protocol';

/** Seen from this node: incoming is what participants publish. */
export type Direction = 'incoming' | 'outgoing';
export type TrackKind = 'AUDIO' | 'VIDEO' | 'DATA';

/** How far a join came. Source: livekit-server, participant_join. */
export type JoinState =
  | 'signal_connected'
  | 'signal_failed'
  | 'signal_validation_failed'
  | 'signal_upgrade_failed'
  | 'signal_write_initial_response_failed'
  | 'rtc_init'
  | 'rtc_connected'
  | 'rtc_active'
  | 'rtc_canceled'
  | 'rtc_success'
  | 'rtc_failure';

/** Packets of one kind since the last report. */
export interface PacketReport {
  readonly direction: Direction;
  readonly packets: number;
  readonly bytes: number;
  /** Sent again because they were asked for. @default false */
  readonly retransmitted?: boolean;
}

/** What a track went through since the last report. Left out means: not known. */
export interface StreamReport {
  readonly direction: Direction;
  readonly source: TrackSource;
  readonly type: TrackType;
  readonly lost?: number;
  readonly outOfOrder?: number;
  /** Packets there should have been, which the counts above are a share of. */
  readonly total?: number;
  /** Microseconds. */
  readonly jitterMicroseconds?: number;
  readonly roundTripMilliseconds?: number;
}

/** One answered call of the server API. */
export interface TwirpReport {
  /** With or without its package: `livekit.RoomService` counts as `RoomService`. */
  readonly service: string;
  readonly method: string;
  /** Twirp's code of the error; empty where there was none. */
  readonly code: string;
  readonly durationMs: number;
}
