import type { z } from 'zod';
import { duration, flag, image, jobService, secret, section, text, whole } from './config-values';

/** Source: livekit/egress, config.S3Config. */
const s3Storage = section({
  /** Empty, with an empty secret: the rights of the machine. */
  access_key: text(),
  secret: secret(),
  session_token: secret(),
  region: text(),
  /** Empty: AWS. */
  endpoint: text(),
  bucket: text(),
  /** The bucket is in the path, not in the name of the host. @default false */
  force_path_style: flag(false),
  /** A role that is taken on, with these rights; empty: none. */
  assume_role_arn: text(),
  assume_role_external_id: secret(),
}).prefault({});

/** Source: livekit/egress, config.AzureConfig. */
const azureStorage = section({
  account_name: text(),
  /** Empty: the rights of the machine. */
  account_key: secret(),
  container_name: text(),
}).prefault({});

/** Source: livekit/egress, config.GCPConfig. */
const gcpStorage = section({
  /** The JSON key of a service account. Empty: the rights of the machine. */
  credentials_json: secret(),
  bucket: text(),
}).prefault({});

/** Alibaba Cloud's. Source: livekit/egress, config.AliOSSConfig. */
const aliOssStorage = section({
  access_key: text(),
  secret: secret(),
  /** Such as oss-eu-central-1. */
  region: text(),
  /** Empty: that of the region. */
  endpoint: text(),
  bucket: text(),
}).prefault({});

const anyStorage = section({
  s3: s3Storage,
  azure: azureStorage,
  gcp: gcpStorage,
  alioss: aliOssStorage,
}).prefault({});

/** What ends recordings by themselves; 0: nothing does. Source: livekit/egress, SessionLimits. */
const sessionLimits = section({
  /** Milliseconds here. @default 0s */
  file_output_max_duration: duration('0s'),
  /** Bytes. @default 0 */
  file_output_max_size: whole(0, 0),
  stream_output_max_duration: duration('0s'),
  segment_output_max_duration: duration('0s'),
  image_output_max_duration: duration('0s'),
}).prefault({});

/** Of recordings, beside what they cost. */
export const egressKeys = {
  /**
   * Who records: `builtin`, the nodes themselves, or `livekit`: livekit/egress services, which share
   * the Redis of this cluster. @default builtin
   */
  service: jobService(),
  /**
   * The image of livekit/egress that a Media Node or a Single Node runs with `service: livekit`, such as
   * what you have pushed to your own registry; needs `install.sh --livekit-services`. Empty: the
   * services run elsewhere.
   */
  image: image(),
  /** Where files go whose request does not say: the first of these with a bucket or container. */
  storage: anyStorage,
  /** Where they go once their storage has refused one, of a request too. Source: livekit/egress, BackupConfig. */
  backup: anyStorage,
  /** Files whose request names no storage are kept below this folder of the node; empty: none are. */
  local_directory: text(),
  /** Where a recording is put together; empty: the system's folder for what is temporary. */
  work_directory: text(),
  session_limits: sessionLimits,
  /** The page of Room composites; empty: the one that comes with the node. */
  template_base: text(),
  /**
   * Where that page finds this server, ws:// or wss://; empty: on the loopback of its node. A page on a
   * public address may not reach that, and needs it.
   */
  ws_url: text(),
  /** Chromium, or another browser of its kind. @default /usr/bin/chromium */
  browser: text('/usr/bin/chromium'),
  /** Chromium's own sandbox. It needs namespaces of users, and cannot be had as root. @default false */
  enable_chrome_sandbox: flag(false),
  /** Certificates of pages are not looked at. @default false */
  insecure: flag(false),
  /** A page that has not said START_RECORDING by then is given up; milliseconds here. @default 60s */
  start_signal_timeout: duration('60s'),
} as const satisfies z.core.$ZodShape;
