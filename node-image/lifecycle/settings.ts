import { RoomConfiguration } from '@livekit/protocol';
import type { SluiceConfig } from '../contract';
import type { TransportSettings } from '../media/transports';
import type { RoomSettings } from '../room/room-settings';

/** How long after the last ICE check of a client its transport counts as lost, in s. */
const ICE_CONSENT_TIMEOUT_S = 12;

/** What the configuration says of media transports. */
export function transportSettings({ rtc, sluice }: SluiceConfig): TransportSettings {
  return {
    initialOutgoingBitrate: sluice.initial_outgoing_bitrate,
    maxIncomingBitrate: sluice.max_incoming_bitrate,
    iceConsentTimeoutSeconds: ICE_CONSENT_TIMEOUT_S,
    enableTcp: rtc.tcp_port !== 0 && rtc.allow_tcp_fallback,
    // One delay a publisher is all there is, so the most eager one counts.
    keyFrameRequestDelayMs: Math.min(
      rtc.pli_throttle.low_quality,
      rtc.pli_throttle.mid_quality,
      rtc.pli_throttle.high_quality,
    ),
    forceTcp: rtc.force_tcp,
  };
}

/** What the configuration says of Rooms. */
export function roomSettings(config: SluiceConfig): RoomSettings {
  const { room, video, audio } = config;
  return {
    enabledCodecs: room.enabled_codecs.map(({ mime }) => mime),
    dynacastPauseDelayMs: video.dynacast_pause_delay,
    audioActiveLevel: audio.active_level,
    // mediasoup measures over 250 ms at least and 5 s at most.
    audioIntervalMs: Math.min(Math.max(audio.update_interval, 250), 5000),
    audioSmoothIntervals: audio.smooth_intervals,
    updateBatchBytes: room.update_batch_target_size,
    enableRemoteUnmute: room.enable_remote_unmute,
    enableDataTracks: config.enable_data_tracks,
    syncStreams: room.sync_streams,
    subscriptionLimits: {
      video: config.limit.subscription_limit_video,
      audio: config.limit.subscription_limit_audio,
    },
    tracksPerWorker: config.sluice.tracks_per_worker,
    joinTimeoutMs: 60_000,
    lostGraceMs: 5000,
    answerTimeoutMs: 15_000,
  };
}

/** A value of the configuration that only shows to be wrong when it is used. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}

/** The named sets of Room options, read as the protocol's JSON. @throws SettingsError for one that is none. */
export function roomPresets({ room }: SluiceConfig): Map<string, RoomConfiguration> {
  return new Map(
    Object.entries(room.room_configurations).map(([name, json]) => {
      try {
        const text = JSON.stringify(json);
        return [name, RoomConfiguration.fromJsonString(text, { ignoreUnknownFields: true })];
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        throw new SettingsError(
          `room.room_configurations.${name} is not a RoomConfiguration: ${why}`,
        );
      }
    }),
  );
}

/** What a Room gets that nobody said anything of. */
export const roomDefaults = ({ room }: SluiceConfig) => ({
  emptyTimeout: room.empty_timeout,
  departureTimeout: room.departure_timeout,
  maxParticipants: room.max_participants,
  syncStreams: room.sync_streams,
});

/** How long what a participant says of itself may be. */
export const ownDataLimits = ({ limit }: SluiceConfig) => ({
  nameLength: limit.max_participant_name_length,
  metadataBytes: limit.max_metadata_size,
  attributesBytes: limit.max_attributes_size,
});

/** How long what the server API is sent may be. */
export const sizeLimits = ({ limit }: SluiceConfig) => ({
  maxMetadataSize: limit.max_metadata_size,
  maxAttributesSize: limit.max_attributes_size,
  maxRoomNameLength: limit.max_room_name_length,
  maxParticipantNameLength: limit.max_participant_name_length,
});
