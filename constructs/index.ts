export * from './cluster-secrets';
export * from './domain';
export * from './network';
export {
  type AmiImageOptions,
  type AssetImageOptions,
  type BakedImageOptions,
  NodeArchitecture,
  NodeImage,
  NodeRole,
} from './node-image';
