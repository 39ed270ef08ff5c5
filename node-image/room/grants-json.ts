import type { JsonValue } from '@bufbuild/protobuf';
import { RoomConfiguration } from '@livekit/protocol';
import { z } from 'zod';
import type { Grants } from './grants';

const video = z.object({
  room: z.string(),
  destinationRoom: z.string(),
  roomCreate: z.boolean(),
  roomList: z.boolean(),
  roomRecord: z.boolean(),
  roomAdmin: z.boolean(),
  roomJoin: z.boolean(),
  ingressAdmin: z.boolean(),
  hidden: z.boolean(),
  recorder: z.boolean(),
  agent: z.boolean(),
  canPublish: z.boolean().optional(),
  canSubscribe: z.boolean().optional(),
  canPublishData: z.boolean().optional(),
  canPublishSources: z.array(z.int()),
  canUpdateOwnMetadata: z.boolean().optional(),
  canSubscribeMetrics: z.boolean().optional(),
  canManageAgentSession: z.boolean().optional(),
});

/** Grants as one node writes them for another. */
export const grantsSchema = z.object({
  apiKey: z.string(),
  identity: z.string().min(1),
  name: z.string(),
  metadata: z.string(),
  attributes: z.record(z.string(), z.string()),
  kind: z.string(),
  kindDetails: z.array(z.string()),
  roomPreset: z.string(),
  /** As JSON of the protocol. */
  roomConfig: z.json().optional(),
  hasVideoClaim: z.boolean(),
  clusterAdmin: z.boolean().optional(),
  agentJob: z.object({ id: z.string(), assignment: z.number() }).optional(),
  video,
});

/** @throws Error where the Room's configuration in it is not the protocol's. */
export const grantsFromJson = (json: z.output<typeof grantsSchema>): Grants => ({
  ...json,
  roomConfig:
    json.roomConfig === undefined
      ? undefined
      : RoomConfiguration.fromJson(json.roomConfig as JsonValue, { ignoreUnknownFields: true }),
});
