/**
 * The metrics of a node, named and labelled as LiveKit's, so that its dashboards work.
 *
 * Source: livekit-server, pkg/telemetry/prometheus.
 */
export const METRIC_NAMES = {
  rooms: 'livekit_room_total',
  roomDuration: 'livekit_room_duration_seconds',
  participants: 'livekit_participant_total',
  tracksPublished: 'livekit_track_published_total',
  tracksSubscribed: 'livekit_track_subscribed_total',
  trackPublishes: 'livekit_track_publish_counter',
  trackSubscribes: 'livekit_track_subscribe_counter',
  joinLatency: 'livekit_session_join_latency_ms',
  sessionStartTime: 'livekit_session_start_time_ms',
  sessionDuration: 'livekit_session_duration_ms',
  pubSubTime: 'livekit_pubsubtime_ms',
  peerConnections: 'livekit_peer_connection_state',
  packets: 'livekit_packet_total',
  packetBytes: 'livekit_packet_bytes',
  nacks: 'livekit_nack_total',
  plis: 'livekit_pli_total',
  firs: 'livekit_fir_total',
  packetsLost: 'livekit_packet_loss_total',
  packetLoss: 'livekit_packet_loss_percent',
  packetsOutOfOrder: 'livekit_packet_out_of_order_total',
  packetOutOfOrder: 'livekit_packet_out_of_order_percent',
  jitter: 'livekit_jitter_us',
  roundTripTime: 'livekit_rtt_ms',
  participantJoins: 'livekit_participant_join_total',
  connections: 'livekit_connection_total',
  forwardLatency: 'livekit_forward_latency',
  forwardJitter: 'livekit_forward_jitter',
  forwardLatencyHistogram: 'livekit_forward_latency_ns',
  nodeMessages: 'livekit_node_messages',
  serviceOperations: 'livekit_node_service_operation',
  twirpRequests: 'livekit_node_twirp_request_status',
  twirpLatency: 'livekit_node_twirp_request_latency_ms',
  systemPackets: 'livekit_node_packet_total',
  qualityRating: 'livekit_quality_rating',
  qualityScore: 'livekit_quality_score',
  dataStreamDestinations: 'livekit_datapacket_stream_dest_count',
  dataStreamBytes: 'livekit_datapacket_stream_bytes',
} as const;

/** Metrics that LiveKit has no name for. */
export const SLUICE_METRIC_NAMES = {
  /** What lives in the media workers, by `kind`: it returns to 0 with the last participant. */
  mediaObjects: 'sluice_media_objects',
  /** Above 90 % of `fileDescriptorLimit` new clients are refused. */
  fileDescriptors: 'sluice_file_descriptors',
  fileDescriptorLimit: 'sluice_file_descriptor_limit',
  /** 1 for the `state` that the node is in, 0 for the others. */
  nodeState: 'sluice_node_state',
  /** What a drain has left to do, by `kind`: rooms, participants, turn_allocations, jobs. */
  drainLeft: 'sluice_drain_left',
  /** Rooms that the drain has moved to other nodes. */
  drainMoved: 'sluice_drain_rooms_moved',
  /** When a drain has to be over, s since 1970; 0 where there is none. */
  drainDeadline: 'sluice_drain_deadline_timestamp_seconds',
  /** 1 while the registry answers. */
  registryAvailable: 'sluice_registry_available',
  /** Clients of a Master Node by `state`: passed on to a Media Node, or held until one takes them. */
  entryClients: 'sluice_entry_clients',
  /**
   * TURN servers of Media Nodes as a Master Node passes TURN/TLS on to them, by `state`: serving,
   * draining, left_out (HAProxy has no slot for it). Nothing where its HAProxy does not answer.
   */
  turnServers: 'sluice_turn_servers',
  /** 1 on the Master Node that leads. */
  leader: 'sluice_controller_leader',
  /** Media Nodes by `state`, as the controller counts them: serving, coming, leaving. */
  clusterNodes: 'sluice_cluster_media_nodes',
  /** Load of the serving Media Nodes, 0 to 1 and above: what `target_load` is held against. */
  clusterLoad: 'sluice_cluster_load',
  /** How many more Rooms fit: what `headroom_rooms` is held against. */
  clusterRoomsThatFit: 'sluice_cluster_rooms_that_fit',
  /** Jobs that run on the node, by `kind`: egress, ingress. */
  jobs: 'sluice_jobs',
  /** Jobs that wait for a node, by `kind`; on the Master Node that leads. */
  jobsWaiting: 'sluice_jobs_waiting',
  /** Jobs that were refused as no node took them, by `kind`. */
  jobsRefused: 'sluice_jobs_refused_total',
  /** Workers of agents that are connected to the node, by `agent_name`: 50 names, the rest together. */
  agentWorkers: 'sluice_agent_workers',
  /** Jobs of agents by `agent_name` and `state`: running ones of the node, and all that wait. */
  agentJobs: 'sluice_agent_jobs',
  /** Jobs offered to workers of the node, by `agent_name` and `answer`. */
  agentOffers: 'sluice_agent_offers_total',
} as const;

/** Labels that every metric of a node carries. */
export const METRIC_LABELS = ['node_id', 'node_type'] as const;
