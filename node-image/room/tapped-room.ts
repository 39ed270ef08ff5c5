import type { RtpTap } from '../media/taps/rtp-tap';

/** A published track as those see it who record it. */
export interface SeenTrack {
  readonly sid: string;
  readonly kind: 'audio' | 'video';
  /** As the protocol names it: CAMERA, MICROPHONE, SCREEN_SHARE, SCREEN_SHARE_AUDIO, UNKNOWN. */
  readonly source: string;
  readonly muted: boolean;
  /** In lower case, such as `video/vp8`: what `tap` gives. */
  readonly mimeType: string;
  /** In pixels; 0: not known. */
  readonly width: number;
  readonly height: number;
}

export interface SeenParticipant {
  readonly identity: string;
  /** None of one that is on its way back to the Room. */
  readonly tracks: readonly SeenTrack[];
}

/** What can be seen of a Room by those who take its media out of it. */
export interface RoomSight {
  /** `moved`: it goes on elsewhere, and this one shows no more. */
  readonly state: 'open' | 'finished' | 'moved';
  readonly sid: string;
  readonly participants: readonly SeenParticipant[];
}

/** A Room whose tracks can be taken out of it, on this node or another one. */
export interface TappedRoom {
  readonly name: string;
  sight(): RoomSight;
  /** Called soon after anything has changed. @returns ends it */
  onChange(listener: () => void): () => void;
  /**
   * A track at rest; whoever has it closes it. As long as it is open its highest layer is asked of
   * the publisher, and the Room counts as recorded.
   *
   * @returns undefined where there is no such track, or nothing is sent of it
   */
  tap(trackSid: string): Promise<RtpTap | undefined>;
  /** Closes all its taps. Idempotent. */
  close(): void;
}
