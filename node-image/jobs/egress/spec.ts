import { z } from 'zod';

/** The kinds of Egress that a node's CPU is promised for. */
export const EGRESS_KINDS = [
  'room_composite',
  'web',
  'participant',
  'track_composite',
  'track',
] as const;
export type EgressKind = (typeof EGRESS_KINDS)[number];

const name = z.string().max(1024);

const mediaSchema = z.object({
  kind: z.literal('media'),
  video: z.discriminatedUnion('of', [
    z.object({ of: z.literal('none') }),
    z.object({ of: z.literal('track'), id: name }),
    z.object({ of: z.literal('participant'), id: name, screen: z.boolean() }),
  ]),
  /** Sound that no route is for is heard on both channels. */
  captureAll: z.boolean(),
  /** The first that fits counts. `kind`: the number of a ParticipantInfo.Kind. */
  routes: z
    .array(
      z.object({
        by: z.enum(['track', 'identity', 'kind']),
        value: name,
        channel: z.enum(['both', 'left', 'right']),
      }),
    )
    .max(50),
});

const sourceSchema = z.discriminatedUnion('kind', [
  mediaSchema,
  z.object({
    kind: z.literal('template'),
    layout: name,
    customBaseUrl: z.string().max(4096),
    /** Agents left of all others, or one left and the next right. */
    audioMixing: z.enum(['both', 'agent', 'alternate']).default('both'),
  }),
  z.object({
    kind: z.literal('web'),
    url: z.string().max(8192),
    awaitStartSignal: z.boolean(),
  }),
  z.object({ kind: z.literal('participant'), identity: name, screenShare: z.boolean() }),
  z.object({ kind: z.literal('tracks'), audioTrackId: name, videoTrackId: name }),
  z.object({ kind: z.literal('track'), trackId: name }),
]);

const encodingSchema = z.object({
  /** px */
  width: z.int().min(16).max(4096),
  height: z.int().min(16).max(4096),
  /** Pictures a second. */
  framerate: z.int().min(1).max(120),
  /** bit/s */
  videoBitrate: z.int(),
  profile: z.enum(['baseline', 'main', 'high']),
  /** bit/s */
  audioBitrate: z.int(),
  /** Hz */
  audioFrequency: z.int(),
  audioCodec: z.enum(['default', 'opus', 'aac', 'mp3']),
  /** s; 0: that of the outputs. */
  keyFrameInterval: z.number().min(0).max(60),
});

const s3Schema = z.object({
  kind: z.literal('s3'),
  accessKey: z.string(),
  secret: z.string(),
  sessionToken: z.string(),
  assumeRoleArn: z.string(),
  assumeRoleExternalId: z.string(),
  region: z.string(),
  endpoint: z.string(),
  bucket: z.string(),
  forcePathStyle: z.boolean(),
  /** The bucket is in the name of the host, also at an endpoint of its own: Alibaba takes no other. */
  virtualHost: z.boolean(),
  metadata: z.record(z.string(), z.string()),
  tagging: z.string(),
  contentDisposition: z.string(),
  /** With its user and password; empty: none. */
  proxy: z.string(),
});

const azureSchema = z.object({
  kind: z.literal('azure'),
  accountName: z.string(),
  accountKey: z.string(),
  containerName: z.string(),
  /** Empty: Azure's own for the account. */
  endpoint: z.string(),
});

const gcpSchema = z.object({
  kind: z.literal('gcp'),
  /** Of a service account, with its key; both empty: the rights of the machine. */
  clientEmail: z.string(),
  privateKey: z.string(),
  bucket: z.string(),
  /** Empty: Google's own. */
  endpoint: z.string(),
  /** With its user and password; empty: none. */
  proxy: z.string(),
});

const storageSchema = z.discriminatedUnion('kind', [
  s3Schema,
  azureSchema,
  gcpSchema,
  z.object({ kind: z.literal('local') }),
]);

const outputSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('file'),
    type: z.enum(['mp4', 'ogg', 'mp3', 'webm', 'auto']),
    filepath: name,
    manifest: z.boolean(),
    storage: storageSchema,
  }),
  z.object({
    kind: z.literal('segments'),
    prefix: name,
    playlist: name,
    livePlaylist: name,
    /** s */
    duration: z.int().min(1).max(60),
    suffix: z.enum(['index', 'timestamp']),
    manifest: z.boolean(),
    storage: storageSchema,
  }),
  z.object({
    kind: z.literal('images'),
    /** s */
    interval: z.int().min(1).max(86_400),
    width: z.int().min(0).max(4096),
    height: z.int().min(0).max(4096),
    prefix: name,
    suffix: z.enum(['index', 'timestamp', 'overwrite']),
    manifest: z.boolean(),
    storage: storageSchema,
  }),
  z.object({
    kind: z.literal('stream'),
    urls: z.array(z.string().max(4096)).max(32),
    /** Sound as it is, by WebSocket, and nothing that is encoded. */
    raw: z.boolean().default(false),
  }),
]);

/** What an Egress is to do: the one form of all requests. Secrets are in it, so it is kept sealed. */
export const egressSpecSchema = z.object({
  kind: z.enum(EGRESS_KINDS),
  room: name,
  roomId: name,
  source: sourceSchema,
  audio: z.boolean(),
  video: z.boolean(),
  /** Nothing is encoded anew: of single tracks. */
  passthrough: z.boolean(),
  encoding: encodingSchema,
  outputs: z.array(outputSchema).min(1).max(16),
  /** EgressInfo with the request alone, as JSON: of one that a LiveKit service is to be asked for. */
  request: z.string().optional(),
});

export type EgressSpec = z.output<typeof egressSpecSchema>;
export type SourceSpec = EgressSpec['source'];
export type MediaSpec = z.output<typeof mediaSchema>;
export type EncodingSpec = EgressSpec['encoding'];
export type OutputSpec = EgressSpec['outputs'][number];
export type FileSpec = Extract<OutputSpec, { kind: 'file' }>;
export type SegmentsSpec = Extract<OutputSpec, { kind: 'segments' }>;
export type ImagesSpec = Extract<OutputSpec, { kind: 'images' }>;
export type StreamSpec = Extract<OutputSpec, { kind: 'stream' }>;
export type StorageSpec = z.output<typeof storageSchema>;
export type S3Spec = z.output<typeof s3Schema>;
export type AzureSpec = z.output<typeof azureSchema>;
export type GcpSpec = z.output<typeof gcpSchema>;

/** Whether it is a page that a browser shows. */
export const isOfPage = ({ kind }: Pick<SourceSpec, 'kind'>): boolean =>
  kind === 'web' || kind === 'template' || kind === 'media';
