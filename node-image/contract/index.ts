export {
  AWS_METADATA_URL,
  AZURE_METADATA_URL,
  AZURE_RESOURCE_MANAGER_URL,
  LIFECYCLE_HOOKS,
  SCALING_TAGS,
} from './config-cloud';
export { SCALING_RANGES, SHORTEST_CLUSTER_SECRET } from './config-cluster';
export {
  configKeysSchema,
  configSchema,
  type SluiceConfig,
  type SluiceConfigInput,
} from './config-schema';
export { LOG_LEVELS, type LogLevel } from './config-server';
export { DEPRECATED_KEYS, OWN_KEYS, type OwnKey, ownKeyReason } from './config-shared';
export { type ConfigKey, configTree, keyAt, leavesOf } from './config-tree';
export { UNUSED_KEYS, UNUSED_KEYS_OF_ROLE, type UnusedKey } from './config-unused';
export { parseDuration } from './config-values';
export {
  type DeployedJobs,
  type DeployedStorage,
  JOB_SIZES,
  JOBS_DISK_GIB,
  type JobSizes,
  type JobUrls,
  jobSettings,
  jobUrls,
  RTMPS_PORT,
  type TooLarge,
  tooLargeFor,
} from './deployed-jobs';
export {
  type DeployedLiveKitJobs,
  kindsNotRun,
  liveKitJobSettings,
  liveKitPorts,
  NO_IMAGE,
  NO_INGRESS,
  NO_REDIS,
  namesRedis,
  RTMP_URL,
  RTMP_URL_ALLOWED,
} from './deployed-livekit-jobs';
export {
  BEHIND_OWN_HAPROXY,
  DEPLOYMENT_DEFAULTS,
  type DeployedDrain,
  type DeployedRedis,
  type DeployedTurn,
  type DeployedTurnServer,
  drainSettings,
  existingTurnSettings,
  NO_TURN_SETTINGS,
  ownTurnSettings,
  redisSettings,
  SECRET_FILES,
  scalingSettings,
  secretSettings,
  turnPassedOnSettings,
  turnPorts,
  turnUdpEntry,
} from './deployed-settings';
export {
  asJson,
  type Bounds,
  InputProblems,
  type InputRules,
  type Problem,
  sentence,
  within,
} from './input-problems';
export { METRIC_LABELS, METRIC_NAMES, SLUICE_METRIC_NAMES } from './metric-names';
export {
  MAX_WORKERS,
  NEXT_NODE_BASE,
  PORT_RANGES,
  PORT_USES,
  PORT_USES_ON_REQUEST,
  PORTS,
  PORTS_ON_REQUEST,
  type PortUse,
} from './ports';
export {
  mergeSettings,
  type Settings,
  type SettingsRules,
  settingsProblems,
} from './rendered-settings';
export { ROLES, type Role } from './roles';
