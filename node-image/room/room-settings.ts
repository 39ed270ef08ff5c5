/** What the configuration says of Rooms. */
export interface RoomSettings {
  /** Mime types that may be published; empty allows all that there are. */
  readonly enabledCodecs: readonly string[];
  /** How long a layer that nobody watches goes on, in ms. */
  readonly dynacastPauseDelayMs: number;
  /** Loudness that counts as speech, in dBov below 0. */
  readonly audioActiveLevel: number;
  /** How often speakers are told of, in ms. */
  readonly audioIntervalMs: number;
  readonly audioSmoothIntervals: number;
  /** How large one participant update may become, in bytes. */
  readonly updateBatchBytes: number;
  /** Whether the server API may unmute tracks. */
  readonly enableRemoteUnmute: boolean;
  /** Name streams so that clients play a participant's audio and video in step. */
  readonly syncStreams: boolean;
  /** How many tracks one participant may receive at a time; 0 or less sets no limit. */
  readonly subscriptionLimits: { readonly video: number; readonly audio: number };
  /** Data tracks may be published. */
  readonly enableDataTracks: boolean;
  /** From how many tracks of a worker on subscribers are put on others; 0 for never. */
  readonly tracksPerWorker: number;
  /** After how long a participant whose media never came up is removed, in ms. @default 60000 */
  readonly joinTimeoutMs: number;
  /** How long a lost transport may take to come back, in ms. @default 5000 */
  readonly lostGraceMs: number;
  /** How long a client has to answer an offer, in ms. @default 15000 */
  readonly answerTimeoutMs: number;
}
