export type {
  ClusterAttributes,
  ClusterOptions,
  ICluster,
  MultiNodeClusterOptions,
} from './cluster';
export { ClusterEntry } from './cluster-entry';
export * from './cluster-secrets';
export * from './domain';
export * from './elastic-cluster';
export * from './high-availability-cluster';
export * from './jobs';
export * from './livekit-jobs';
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
export * from './recordings';
export * from './recordings-store';
export * from './redis-store';
export type {
  IRedisStore,
  MasterRedisStoreProps,
  RedisStoreAttributes,
} from './redis-store-existing';
export * from './signaling-entry';
export type { ISignalingEntry, SignalingEntryAttributes } from './signaling-entry-existing';
export * from './single-node';
export * from './static-addresses';
export * from './turn';
