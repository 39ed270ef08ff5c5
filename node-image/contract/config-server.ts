import { z } from 'zod';
import {
  decimal,
  duration,
  flag,
  oneOf,
  port,
  secret,
  section,
  text,
  texts,
  whole,
} from './config-values';

/** The levels a log can have, quietest last. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** @default - info; debug with --dev */
export const logLevel = z
  .enum(LOG_LEVELS)
  .meta({ allowed: `one of ${LOG_LEVELS.join(', ')}` })
  .optional();

/** Source: livekit/protocol, logger.Config. */
export const loggingSchema = section({
  /** @default info; debug with --dev */
  level: logLevel,
  /** One JSON object a line, also on a terminal. @default false */
  json: flag(false),
  /** By component, such as `media: debug`. @default none */
  component_levels: z
    .record(z.string(), z.enum(LOG_LEVELS).meta({ allowed: `one of ${LOG_LEVELS.join(', ')}` }))
    .meta({ allowed: 'a section of component: level' })
    .default({}),
}).prefault({});

/** The metrics for Prometheus. Source: livekit-server, PrometheusConfig. */
export const prometheusSchema = section({
  /** 0: none. @default 0 */
  port: port(0),
  /** With a password: asked of who reads the metrics (basic authentication). */
  username: text(),
  password: secret(),
}).prefault({});

const region = section({
  name: z.string().min(1).meta({ allowed: 'the name of a region' }),
  lat: decimal(0, -90, 90),
  lon: decimal(0, -180, 180),
}).meta({ allowed: 'a section with name, lat and lon' });

/** Which node a Room is placed on. Source: livekit-server, NodeSelectorConfig. */
export const nodeSelectorSchema = section({
  /** @default cpuload */
  kind: oneOf(['any', 'random', 'sysload', 'cpuload', 'regionaware'], 'cpuload'),
  /** @default cpuload */
  sort_by: oneOf(
    ['random', 'sysload', 'cpuload', 'rooms', 'clients', 'tracks', 'bytespersec'],
    'cpuload',
  ),
  /** @default lowest */
  algorithm: oneOf(['lowest', 'twochoice'], 'lowest'),
  /** Load, 0 to 1, above which a node is taken last. @default 0.9 */
  cpu_load_limit: decimal(0.9, 0, 1),
  /** Load average a core above which a node is taken last. @default 0.9 */
  sysload_limit: decimal(0.9, 0, 1000),
  /** For regionaware: where the regions are. @default none */
  regions: z.array(region).meta({ allowed: 'a list of regions' }).default([]),
}).prefault({});

/** Source: livekit/protocol, webhook.WebHookConfig. */
export const webhookSchema = section({
  /** Told of events by POST. @default none */
  urls: z
    .array(
      z
        .httpUrl()
        .or(z.url({ protocol: /^https?$/ }))
        .meta({ allowed: 'a URL with http or https' }),
    )
    .meta({ allowed: 'a list of URLs' })
    .default([]),
  /** Key that signs them; one of `keys`. */
  api_key: text(),
  resource_url_notifier: section({
    /** An event that waited longer is dropped; milliseconds here. @default 30s */
    max_age: duration('30s'),
    /** Events that may wait for one Room, participant and so on. @default 200 */
    max_depth: whole(200, 1, 1_000_000),
  }).prefault({}),
  filter_params: section({
    /** Only these events. @default all */
    include_events: texts(),
    /** Not these events. @default none */
    exclude_events: texts(),
  }).prefault({}),
}).prefault({});

/** Source: livekit-server, NodeStatsConfig. */
export const nodeStatsSchema = section({
  /** Milliseconds here. @default 2s */
  stats_update_interval: duration('2s'),
  /** Over how long rates are measured; milliseconds here. @default 10s */
  stats_rate_measurement_intervals: z
    .array(duration('10s'))
    .meta({ allowed: 'a list of durations' })
    .prefault(['10s']),
  /** Age of its figures at which a node counts as ill; milliseconds here. @default 30s */
  stats_max_delay: duration('30s'),
}).prefault({});

/** Source: livekit-server, APIConfig. */
export const apiSchema = section({
  /** How long a call of the server API may take; milliseconds here. @default 2s */
  execution_timeout: duration('2s'),
}).prefault({});
