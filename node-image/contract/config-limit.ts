import { section, whole } from './config-values';

const UINT32 = 0xffff_ffff;
const INT32 = 0x7fff_ffff;

/** Limits of this node and of what clients may send. Source: livekit-server, LimitConfig. */
export const limitSchema = section({
  /** Tracks in and out on this node, above which it takes no more Rooms; 0 or less: no limit. @default 0 */
  num_tracks: whole(0, -1, INT32),
  /** Bytes a second in and out, above which it takes no more Rooms; 0 or less: no limit. @default 0 */
  bytes_per_sec: whole(0, -1, Number.MAX_SAFE_INTEGER, 'bytes'),
  /** Video tracks one participant may be subscribed to at a time; 0 or less: no limit. @default 0 */
  subscription_limit_video: whole(0, -1, INT32),
  /** Audio tracks one participant may be subscribed to at a time; 0 or less: no limit. @default 0 */
  subscription_limit_audio: whole(0, -1, INT32),
  /** Bytes of a Room's or participant's metadata; 0: no limit. @default 524288 */
  max_metadata_size: whole(524_288, 0, UINT32, 'bytes'),
  /** Bytes of all attributes of a participant together; 0: no limit. @default 65536 */
  max_attributes_size: whole(65_536, 0, UINT32, 'bytes'),
  /** Bytes (UTF-8); 0: no limit. @default 256 */
  max_room_name_length: whole(256, 0, UINT32, 'bytes'),
  /** Bytes (UTF-8); 0: no limit. @default 256 */
  max_participant_identity_length: whole(256, 0, UINT32, 'bytes'),
  /** Bytes (UTF-8); 0: no limit. @default 256 */
  max_participant_name_length: whole(256, 0, UINT32, 'bytes'),
  /** Bytes of the name of a custom encoding of a data track; 0: no limit. @default 32 */
  max_data_track_custom_encoding_length: whole(32, 0, UINT32, 'bytes'),
  /** Bytes of one signal message from a client; 0: no limit. @default 2097152 */
  signal_message_size_limit: whole(2_097_152, 0, UINT32, 'bytes'),
  /** Bytes of one message from an agent worker; 0: no limit. @default 2097152 */
  agent_signal_message_size_limit: whole(2_097_152, 0, UINT32, 'bytes'),
  /** Bytes of the body of a call of the server API; 0: no limit. @default 10485760 */
  max_api_request_body_size: whole(10_485_760, 0, UINT32, 'bytes'),
}).prefault({});
