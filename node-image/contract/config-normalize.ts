import type { z } from 'zod';
import { TURN_CREDENTIAL_MAX_SECONDS } from './config-rtc';
import type { configKeysSchema } from './config-schema';
import type { LogLevel } from './config-server';
import { MAX_WORKERS, PORT_RANGES, PORTS } from './ports';

type ConfigKeys = z.output<typeof configKeysSchema>;
type Refuse = (path: readonly PropertyKey[], message: string) => void;

const DEFAULT_ICE_PORT_RANGE = { start: 50_000, end: 60_000 };
const DEFAULT_TURN_TTL_SECONDS = 300;
const DEFAULT_EXTERNAL_TURN_TTL_SECONDS = 14_400;

/** How keys go together: what is wrong is added to the issues, what is deprecated moves. */
export function normalize(given: ConfigKeys, context: z.core.$RefinementCtx) {
  const refuse: Refuse = (path, message) => {
    context.issues.push({
      code: 'custom',
      path: [...path],
      message,
      input: given,
      // Told apart from a value that is wrong by itself.
      params: { together: true },
    });
  };
  checkRanges(given, refuse);
  checkCluster(given, refuse);
  const { log_level, prometheus_port, ...config } = given;
  const { max_metadata_size, max_room_name_length, max_participant_identity_length, ...room } =
    given.room;
  const { use_tls, ...redis } = given.redis;
  return {
    ...config,
    prometheus: {
      ...given.prometheus,
      port: given.prometheus.port === 0 ? prometheus_port : given.prometheus.port,
    },
    logging: {
      ...given.logging,
      level: log_level ?? given.logging.level ?? levelByDefault(given.development),
    },
    rtc: normalizeRtc(given),
    turn: normalizeTurn(given),
    room,
    redis: { ...redis, tls: { ...redis.tls, enabled: redis.tls.enabled || use_tls } },
    limit: {
      ...given.limit,
      max_metadata_size: max_metadata_size || given.limit.max_metadata_size,
      max_room_name_length: max_room_name_length || given.limit.max_room_name_length,
      max_participant_identity_length:
        max_participant_identity_length || given.limit.max_participant_identity_length,
    },
  };
}

/** The life of a TURN credential, seconds, within what LiveKit allows. */
export function turnTtlSeconds(given: number): number {
  return given <= 0 ? DEFAULT_TURN_TTL_SECONDS : Math.min(given, TURN_CREDENTIAL_MAX_SECONDS);
}

const levelByDefault = (development: boolean): LogLevel => (development ? 'debug' : 'info');

function normalizeRtc({ rtc, development }: ConfigKeys) {
  const { udp_port, ...rest } = rtc;
  const turn_servers = rtc.turn_servers.map((server) => ({
    ...server,
    ttl: server.ttl === 0 ? DEFAULT_EXTERNAL_TURN_TTL_SECONDS : turnTtlSeconds(server.ttl),
  }));
  if (udp_port !== undefined) {
    return { ...rest, turn_servers, udp_port, port_range_start: 0, port_range_end: 0 };
  }
  if (rtc.port_range_start === 0 && development) {
    const start = PORTS.iceUdpDevelopment;
    return { ...rest, turn_servers, udp_port: { start, end: start + MAX_WORKERS - 1 } };
  }
  const start = rtc.port_range_start || DEFAULT_ICE_PORT_RANGE.start;
  const end = rtc.port_range_end || Math.max(start, DEFAULT_ICE_PORT_RANGE.end);
  return {
    ...rest,
    turn_servers,
    udp_port: undefined,
    port_range_start: start,
    port_range_end: end,
  };
}

function normalizeTurn({ turn }: ConfigKeys) {
  return {
    ...turn,
    relay_range_start: turn.relay_range_start || PORT_RANGES.turnRelay.start,
    relay_range_end: turn.relay_range_end || PORT_RANGES.turnRelay.end,
    ttl_seconds: turnTtlSeconds(turn.ttl_seconds),
  };
}

function checkRanges(
  { rtc, turn, node_selector, region, port, prometheus, prometheus_port }: ConfigKeys,
  refuse: Refuse,
): void {
  if (rtc.port_range_end !== 0 && rtc.port_range_end < rtc.port_range_start) {
    refuse(
      ['rtc', 'port_range_end'],
      `${rtc.port_range_end} is below rtc.port_range_start, ${rtc.port_range_start}; the range must not end before it starts`,
    );
  }
  if (turn.relay_range_end !== 0 && turn.relay_range_end < turn.relay_range_start) {
    refuse(
      ['turn', 'relay_range_end'],
      `${turn.relay_range_end} is below turn.relay_range_start, ${turn.relay_range_start}; the range must not end before it starts`,
    );
  }
  if (turn.enabled && turn.tls_port === 0 && turn.udp_port === 0) {
    refuse(['turn', 'enabled'], 'needs turn.udp_port or turn.tls_port, and neither is set');
  }
  if (port !== 0 && port === (prometheus.port || prometheus_port)) {
    refuse(['prometheus', 'port'], `${port} is the port of the server too; choose another`);
  }
  if ((prometheus.username === '') !== (prometheus.password === '')) {
    const missing = prometheus.username === '' ? 'username' : 'password';
    refuse(
      ['prometheus', missing],
      'is missing; allowed is a username and a password, or neither for access without',
    );
  }
  if (node_selector.kind === 'regionaware' && region === '') {
    refuse(['node_selector', 'kind'], 'regionaware needs region, the region of this node');
  }
}

function checkCluster({ sluice, redis }: ConfigKeys, refuse: Refuse): void {
  const { scaling, drain } = sluice;
  if (scaling.min_nodes > scaling.max_nodes) {
    refuse(
      ['sluice', 'scaling', 'max_nodes'],
      `${scaling.max_nodes} is below sluice.scaling.min_nodes, ${scaling.min_nodes}; there cannot be fewer nodes at most than at least`,
    );
  }
  if (scaling.group === 'local' && scaling.group_socket === '') {
    refuse(
      ['sluice', 'scaling', 'group'],
      'local needs sluice.scaling.group_socket, which `sluice up` sets for the nodes that it starts',
    );
  }
  checkProvisioner(scaling, refuse);
  checkCloud(sluice, refuse);
  if (drain.patience > drain.deadline) {
    refuse(
      ['sluice', 'drain', 'patience'],
      `${drain.patience / 1000} s is more than sluice.drain.deadline, ${drain.deadline / 1000} s; Rooms that are waited for must have time to move`,
    );
  }
  if (redis.sentinel_addresses.length > 0 && redis.sentinel_master_name === '') {
    refuse(
      ['redis', 'sentinel_master_name'],
      'is missing; allowed is the name of the master that the sentinels watch',
    );
  }
  if (redis.cluster_addresses.length > 0 && redis.db !== 0) {
    refuse(['redis', 'db'], `is ${redis.db}; a clustered Redis has no database but 0`);
  }
}

/** Whoever starts machines has to be named; nobody else on the way may answer for a web server. */
function checkProvisioner(scaling: ConfigKeys['sluice']['scaling'], refuse: Refuse): void {
  const { group, group_url: url, group_api_key: key, group_command: command } = scaling;
  const refuseKey = (name: string, message: string) => refuse(['sluice', 'scaling', name], message);
  if (group === 'webhook' && !isSafeUrl(url)) {
    refuseKey(
      'group_url',
      `is given as ${JSON.stringify(url)}; group: webhook needs a URL with https, or with http of this machine (127.0.0.1, localhost)`,
    );
  }
  if (group === 'webhook' && key === '') {
    refuseKey('group_api_key', 'group: webhook needs the name of the API key that signs');
  }
  if (group === 'exec' && !command[0]?.startsWith('/')) {
    refuseKey(
      'group_command',
      `is given as ${JSON.stringify(command)}; group: exec needs a list that begins with the absolute path of a program`,
    );
  }
  for (const name of ['group_timeout', 'group_retry_after'] as const) {
    if (scaling[name] < 1000) {
      refuseKey(name, `is ${scaling[name]} ms; allowed is 1s or more`);
    }
  }
  if (scaling.group_dead_after < 60_000) {
    refuseKey(
      'group_dead_after',
      `is ${scaling.group_dead_after} ms; allowed is 1m or more, as a machine that restarts is not dead`,
    );
  }
}

function isSafeUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  const isHere = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
  return protocol === 'https:' || (protocol === 'http:' && isHere);
}

function checkCloud({ cloud, scaling }: ConfigKeys['sluice'], refuse: Refuse): void {
  if (scaling.group === 'aws' && cloud.kind !== 'aws') {
    refuse(
      ['sluice', 'scaling', 'group'],
      `aws needs sluice.cloud.kind: aws, which is ${cloud.kind}`,
    );
  }
  if (scaling.group === 'aws' && cloud.media_group === '') {
    refuse(
      ['sluice', 'scaling', 'group'],
      'aws needs sluice.cloud.media_group, the name of the Auto Scaling Group of the Media Nodes',
    );
  }
  checkAzure(cloud, scaling, refuse);
  for (const key of ['notices_queue', 'metadata_url', 'resource_manager_url'] as const) {
    const url = cloud[key];
    if (!(key === 'notices_queue' && url === '') && !isHttpUrl(url)) {
      refuse(
        ['sluice', 'cloud', key],
        `is given as ${JSON.stringify(url)}; allowed is a URL with http or https`,
      );
    }
  }
}

function checkAzure(
  cloud: ConfigKeys['sluice']['cloud'],
  { group }: ConfigKeys['sluice']['scaling'],
  refuse: Refuse,
): void {
  if (group !== 'azure') return;
  const refuseGroup = (message: string) => refuse(['sluice', 'scaling', 'group'], message);
  if (cloud.kind !== 'azure') {
    refuseGroup(`azure needs sluice.cloud.kind: azure, which is ${cloud.kind}`);
  }
  const needed = {
    media_group: 'the name of the scale set of the Media Nodes',
    resource_group: 'the name of the resource group of the scale set',
    subscription: 'the id of the subscription of the scale set',
  };
  for (const [key, what] of Object.entries(needed)) {
    if (cloud[key as keyof typeof needed] === '') {
      refuseGroup(`azure needs sluice.cloud.${key}, ${what}`);
    }
  }
}

const isHttpUrl = (url: string): boolean =>
  URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
