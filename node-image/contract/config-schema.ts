import { z } from 'zod';
import { egressSchema, ingressSchema } from './config-jobs';
import { limitSchema } from './config-limit';
import { normalize } from './config-normalize';
import { redisSchema } from './config-redis';
import { agentsSchema, audioSchema, roomSchema, videoSchema } from './config-room';
import { rtcSchema } from './config-rtc';
import {
  apiSchema,
  loggingSchema,
  logLevel,
  nodeSelectorSchema,
  nodeStatsSchema,
  prometheusSchema,
  webhookSchema,
} from './config-server';
import { sluiceSchema } from './config-sluice';
import { turnSchema } from './config-turn';
import { flag, ipAddress, port, section, text } from './config-values';
import { PORTS } from './ports';

/**
 * What may stand in sluice.yaml, key by key: LiveKit's keys with LiveKit's meaning, and `sluice`
 * for what LiveKit has no key for. `configSchema` also looks at how keys go together.
 */
export const configKeysSchema = section({
  /** Signaling, server API, console. @default 7880 */
  port: port(PORTS.http),
  /** Addresses to listen on. @default - all; loopback with --dev and its own key */
  bind_addresses: z.array(ipAddress()).meta({ allowed: 'a list of IP addresses' }).default([]),
  /** Deprecated: prometheus.port. */
  prometheus_port: port(0),
  prometheus: prometheusSchema,
  rtc: rtcSchema,
  redis: redisSchema,
  audio: audioSchema,
  video: videoSchema,
  room: roomSchema,
  turn: turnSchema,
  egress: egressSchema,
  ingress: ingressSchema,
  webhook: webhookSchema,
  node_selector: nodeSelectorSchema,
  /** YAML file of `key: secret` lines, closed to other users. Replaces `keys`. */
  key_file: text(),
  /** API keys and their secrets. A secret has 32 characters or more. */
  keys: z
    .record(z.string().min(1), z.string().min(1).meta({ secret: true, allowed: 'a secret' }))
    .meta({ allowed: 'a section of key: secret', secret: true })
    .default({}),
  /** Of this node, for node_selector.kind regionaware. */
  region: text(),
  /** Deprecated: logging.level. */
  log_level: logLevel,
  logging: loggingSchema,
  limit: limitSchema,
  agents: agentsSchema,
  /** What --dev sets: placeholder key, more logs. Not for production. @default false */
  development: flag(false),
  node_stats: nodeStatsSchema,
  /** @default true */
  enable_data_tracks: flag(true),
  api: apiSchema,
  sluice: sluiceSchema,
});

/**
 * A whole sluice.yaml. Durations are **milliseconds** in the result, whatever their unit in the
 * file; deprecated keys have been moved to where they belong now, and `logging.level` is set.
 */
export const configSchema = configKeysSchema.transform(normalize);

/** A configuration as the node uses it: complete, checked, with defaults. */
export type SluiceConfig = z.output<typeof configSchema>;

/** A configuration as it may be written, for those who render sluice.yaml. */
export type SluiceConfigInput = z.input<typeof configSchema>;
