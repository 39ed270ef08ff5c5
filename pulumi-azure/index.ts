export type { Cluster, ClusterOptions, MultiNodeClusterOptions } from './cluster';
export { ClusterEntry, type MachineEntryOptions } from './cluster-entry';
export {
  type ApiKeyArgs,
  ClusterSecrets,
  type ClusterSecretsArgs,
  type ClusterSecretsOptions,
  type ExistingVaultArgs,
} from './cluster-secrets';
export * from './domain';
export * from './elastic-cluster';
export * from './high-availability-cluster';
export { type BuiltInJobsOptions, type JobSizes, Jobs } from './jobs';
export type { LiveKitJobsOptions } from './livekit-jobs';
export { LogGroup, type LogGroupArgs, type LogGroupOptions } from './log-group';
export type { MachineIdentity } from './machine-identity';
export * from './master-nodes';
export * from './master-nodes-options';
export * from './media-nodes';
export * from './media-nodes-options';
export * from './media-scaling';
export * from './network';
export * from './node-architecture';
export * from './node-config';
export * from './node-drain';
export * from './node-image';
export * from './observability';
export type { PlaceArgs } from './place';
export { type KnownRecordings, type RecordingContainer, Recordings } from './recordings';
export {
  type RecordingKey,
  type RecordingsOptions,
  RecordingsStore,
  type RecordingsStoreArgs,
  type Redundancy,
} from './recordings-store';
export * from './redis-store';
export type { RedisConnection } from './redis-store-existing';
export * from './signaling-entry';
export * from './single-node';
export type { StoredSecret } from './stored-secret';
export {
  Turn,
  type TurnOptions,
  type TurnProtocol,
  type TurnServer,
} from './turn';
