import type { Role } from './roles';

/** A key that LiveKit knows and that changes nothing here. */
export interface UnusedKey {
  /** With dots: `rtc.batch_io` stands for all keys below it too. */
  readonly path: string;
  /** Why, as the end of the sentence "it has no effect here, because ...". */
  readonly reason: string;
}

const unused = (reason: string, ...paths: readonly string[]): UnusedKey[] =>
  paths.map((path) => ({ path, reason }));

/**
 * Keys that are known and checked, and that a node of a role has no use for: one file does for all
 * nodes of a cluster, and each says what of it changes nothing there.
 */
export const UNUSED_KEYS_OF_ROLE: Readonly<Record<Role, readonly UnusedKey[]>> = {
  single: [
    ...unused(
      'a Single Node keeps what it knows in memory',
      'redis.address',
      'redis.sentinel_addresses',
      'redis.cluster_addresses',
    ),
    ...unused('a Single Node has no other node to place a Room on', 'node_selector'),
    ...unused(
      'a Room is made on this node, at once',
      'room.create_room_timeout',
      'room.create_room_attempts',
    ),
    ...unused(
      'a Single Node has no cluster',
      'sluice.cluster',
      'sluice.node_link',
      'sluice.scaling',
      'sluice.machine_id',
      'sluice.cloud.media_group',
      'sluice.cloud.notices_queue',
      'sluice.cloud.subscription',
      'sluice.cloud.resource_group',
      'sluice.cloud.resource_manager_url',
    ),
    ...unused('its HAProxy knows the TURN server of the same machine', 'sluice.entry_socket'),
    ...unused(
      'a Single Node takes every Room',
      'sluice.ledger.room_cpu_cost',
      'sluice.ledger.room_bandwidth_cost',
      'sluice.ledger.room_memory_cost',
    ),
    ...unused('a Single Node has no other node to restart a job on', 'sluice.jobs.restart_within'),
  ],
  master: [
    ...unused(
      'a Master Node carries no media',
      'rtc',
      'turn.udp_port',
      'turn.cert_file',
      'turn.key_file',
      'turn.relay_range_start',
      'turn.relay_range_end',
      'turn.bind_addresses',
      'turn.per_user_relay_allocation_limit',
      'turn.ttl_seconds',
      'turn.allow_restricted_peer_cidrs',
      'turn.deny_peer_cidrs',
      'audio',
      'video',
      'sluice.workers',
      'sluice.initial_outgoing_bitrate',
      'sluice.max_incoming_bitrate',
    ),
    ...unused('nodes with Rooms start them', 'sluice.agents'),
    ...unused('Master Nodes are not reached over the node link', 'sluice.node_link'),
    ...unused('Master Nodes are not scaled', 'sluice.machine_id'),
    ...unused(
      'the Media Node of a Room says it to the agents',
      'agents.enable_user_data_recording',
      'agents.enable_user_data_redaction',
    ),
  ],
  media: [
    ...unused(
      'Master Nodes place the Rooms that are asked for',
      'room.create_room_timeout',
      'room.create_room_attempts',
    ),
    ...unused('Master Nodes decide how many Media Nodes there are', 'sluice.scaling'),
    ...unused(
      'the Master Node that leads has a use for it',
      'sluice.cloud.notices_queue',
      'sluice.cloud.subscription',
      'sluice.cloud.resource_group',
      'sluice.cloud.resource_manager_url',
    ),
    ...unused(
      'clients join through Master Nodes, which look at this',
      'sluice.trusted_proxies',
      'sluice.entry_socket',
      'sluice.joins_per_second_by_address',
      'sluice.joins_per_second_by_key',
    ),
    ...unused('agent workers connect to Master Nodes', 'agents.target_load'),
  ],
};

/**
 * Keys that are accepted, so that a file written for livekit-server loads, and only warned of.
 *
 * Source: livekit-server, pkg/config/config.go.
 */
export const UNUSED_KEYS: readonly UnusedKey[] = [
  ...unused('it is about the profiler of Go; use node --inspect', 'debug_handler'),
  ...unused(
    'signaling goes over a connection between the nodes, not through Redis',
    'signal_relay',
    'psrpc',
  ),
  ...unused('SIP is not served', 'sip'),
  ...unused('the clocks of participants are not compared', 'metric'),
  ...unused('no traces are sent', 'trace'),
  ...unused(
    'data blobs are not served',
    'enable_participant_data_blob',
    'limit.max_data_blob_key_length',
    'limit.max_data_blobs_size',
  ),
  ...unused('the worker is always an ICE lite agent', 'rtc.use_ice_lite'),
  ...unused('candidates carry addresses, never mDNS names', 'rtc.use_mdns'),
  ...unused('media has ports of its own', 'rtc.use_stun_port_as_ice'),
  ...unused('the worker batches its writes by itself', 'rtc.batch_io'),
  ...unused(
    'the worker has an SCTP stack of its own',
    'rtc.sctp_min_cwnd',
    'rtc.sctp_fast_rtx_wnd',
    'rtc.sctp_cwnd_ca_step',
    'rtc.strict_acks',
  ),
  ...unused(
    'an ICE lite agent leaves the choice of a pair to the client',
    'rtc.host_acceptance_min_wait',
    'rtc.srflx_acceptance_min_wait',
    'rtc.prflx_acceptance_min_wait',
    'rtc.relay_acceptance_min_wait',
  ),
  ...unused('the worker has neither SPED nor SNAP', 'rtc.enable_warp'),
  ...unused(
    'a client whose negotiation or data channel failed always joins anew, as nothing else mends it',
    'rtc.reconnect_on_publication_error',
    'rtc.reconnect_on_subscription_error',
    'rtc.reconnect_on_data_channel_error',
  ),
  ...unused('a public address is told to clients as found', 'rtc.skip_external_ip_validation'),
  ...unused('the worker does not write playout delays', 'room.playout_delay'),
  ...unused('the worker measures the mean loudness of an interval', 'audio.min_percentile'),
  ...unused(
    'the worker sizes its retransmission buffers by time',
    'rtc.packet_buffer_size',
    'rtc.packet_buffer_size_video',
    'rtc.packet_buffer_size_audio',
  ),
  ...unused(
    'the worker always estimates the bandwidth, and drops layers to fit it',
    'rtc.congestion_control',
  ),
  ...unused(
    'UDP, TCP and TURN are offered together, and the client changes over by itself',
    'rtc.tcp_fallback_rtt_threshold',
    'rtc.allow_udp_unstable_fallback',
  ),
  ...unused(
    'lossy data has a life time of its own, after which it is dropped',
    'rtc.data_channel_max_buffered_amount',
    'rtc.datachannel_slow_threshold',
    'rtc.datachannel_lossy_target_latency',
    'rtc.datachannel_data_track_target_latency',
  ),
  ...unused('packets are forwarded inside the worker', 'rtc.forward_stats'),
  ...unused(
    'the worker follows a stream that starts anew by itself',
    'rtc.enable_rtp_stream_restart_detection',
  ),
  ...unused('Redis is used over one connection', 'redis.pool_timeout', 'redis.pool_size'),
  ...unused('the worker does not encode RED', 'audio.active_red_encoding'),
  ...unused('each publisher is told its own losses', 'audio.enable_loss_proxying'),
  ...unused('the worker watches the layers by itself', 'video.stream_tracker_manager'),
  ...unused('publishers keep the codec they were given', 'video.codec_regression_threshold'),
  ...unused(
    'webhooks wait in a queue for each Room, see webhook.resource_url_notifier',
    'webhook.url_notifier',
  ),
  ...unused('there is no pion here', 'logging.pion_level'),
  ...unused(
    'every line is logged',
    'logging.sample',
    'logging.sample_initial',
    'logging.sample_interval',
    'logging.item_sample_seconds',
    'logging.item_sample_initial',
    'logging.item_sample_interval',
  ),
  ...unused(
    'what a call changed is known at once, without asking again',
    'api.check_interval',
    'api.max_check_interval',
    'api.enable_psrpc_for_get_list_participants',
  ),
];
