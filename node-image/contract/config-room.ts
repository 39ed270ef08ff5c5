import { z } from 'zod';
import { decimal, duration, flag, section, text, whole } from './config-values';

const DEFAULT_CODECS = [
  'audio/PCMU',
  'audio/PCMA',
  'audio/opus',
  'audio/red',
  'video/VP8',
  'video/H264',
  'video/VP9',
  'video/AV1',
  'video/H265',
  'video/rtx',
] as const;

const codec = section({
  /** Such as video/VP8; upper and lower case are the same. */
  mime: z.string().min(1).meta({ allowed: 'a codec such as video/vp8' }),
  /** Format parameters, such as profile-level-id=42e01f. */
  fmtp_line: text(),
}).meta({ allowed: 'a section with mime, and fmtp_line where needed' });

/** What every Room starts with. Source: livekit-server, `room` in its config sample. */
export const roomSchema = section({
  /** A participant who joins may create the Room. @default true */
  auto_create: flag(true),
  /** Codecs that may be published. @default all that LiveKit knows */
  enabled_codecs: z
    .array(codec)
    .meta({ allowed: 'a list of codecs, each with mime' })
    .default(DEFAULT_CODECS.map((mime) => ({ mime, fmtp_line: '' }))),
  /** 0: no limit. @default 0 */
  max_participants: whole(0),
  /** Seconds a Room stays open when nobody joins. @default 300 */
  empty_timeout: whole(300, 0, 0xffff_ffff, 'seconds'),
  /** Seconds a Room stays open after the last one left. @default 20 */
  departure_timeout: whole(20, 0, 0xffff_ffff, 'seconds'),
  /** Tracks may be unmuted by the server API. @default false */
  enable_remote_unmute: flag(false),
  /** Play audio and video of a participant in step. @default false */
  sync_streams: flag(false),
  /** How long creating a Room may take; milliseconds here. @default 10s */
  create_room_timeout: duration('10s'),
  /** @default 3 */
  create_room_attempts: whole(3, 1, 100),
  /** Webhooks of tracks carry the whole Room, not only its name and sid. @default false */
  enable_full_room_in_webhooks: flag(false),
  /** Bytes after which an update about participants is split. @default 131072 */
  update_batch_target_size: whole(131_072, 1, 0xffff_ffff, 'bytes'),
  /** Deprecated: limit.max_metadata_size. */
  max_metadata_size: whole(0, 0, 0xffff_ffff, 'bytes'),
  /** Deprecated: limit.max_room_name_length. */
  max_room_name_length: whole(0),
  /** Deprecated: limit.max_participant_identity_length. */
  max_participant_identity_length: whole(0),
  /** By name: what a token's roomPreset stands for (RoomConfiguration as JSON). @default none */
  room_configurations: z
    .record(z.string(), z.record(z.string(), z.unknown()))
    .meta({ allowed: 'a section of named room configurations' })
    .default({}),
}).prefault({});

/** Who counts as speaking. Source: livekit-server, `audio` in its config sample. */
export const audioSchema = section({
  /** 0 to 127, where 0 is the loudest (-dBov). @default 35 */
  active_level: whole(35, 0, 127),
  /** Milliseconds between two speaker updates. @default 400 */
  update_interval: whole(400, 20, 60_000, 'milliseconds'),
  /** Intervals the level is smoothed over; 0: not at all. @default 2 */
  smooth_intervals: whole(2, 0, 1000),
}).prefault({});

/** Source: livekit-server, VideoConfig. */
export const videoSchema = section({
  /** How long a layer nobody watches is still sent; milliseconds here. @default 5s */
  dynacast_pause_delay: duration('5s'),
}).prefault({});

/** Source: livekit-server, pkg/agent/config.go. */
export const agentsSchema = section({
  /** Tell agents that they may record what users say. @default false */
  enable_user_data_recording: flag(false),
  /** Tell agents to black out what users say. @default false */
  enable_user_data_redaction: flag(false),
  /** Load, 0 to 1, above which an agent worker gets no more jobs. @default 0.7 */
  target_load: decimal(0.7, 0, 1),
}).prefault({});
