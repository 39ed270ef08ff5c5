import { RoomConfiguration, TrackSource } from '@livekit/protocol';
import { z } from 'zod';
import type { Grants } from '../room/grants';

const sources: readonly TrackSource[] = [
  TrackSource.CAMERA,
  TrackSource.MICROPHONE,
  TrackSource.SCREEN_SHARE,
  TrackSource.SCREEN_SHARE_AUDIO,
];

// As Go's encoding/json reads a struct: what is missing or null is the zero value, what is
// unknown is ignored, what has another type is an error.
const text = z
  .string()
  .nullish()
  .transform((value) => value ?? '');
const flag = z
  .boolean()
  .nullish()
  .transform((value) => value ?? false);
const optionalFlag = z
  .boolean()
  .nullish()
  .transform((value) => value ?? undefined);
const texts = z
  .array(z.string())
  .nullish()
  .transform((value) => value ?? []);

const videoClaim = z
  .object({
    room: text,
    destinationRoom: text,
    roomCreate: flag,
    roomList: flag,
    roomRecord: flag,
    roomAdmin: flag,
    roomJoin: flag,
    ingressAdmin: flag,
    hidden: flag,
    recorder: flag,
    agent: flag,
    canPublish: optionalFlag,
    canSubscribe: optionalFlag,
    canPublishData: optionalFlag,
    canPublishSources: texts.transform((names) => names.map(trackSourceOfName)),
    canUpdateOwnMetadata: optionalFlag,
    canSubscribeMetrics: optionalFlag,
    canManageAgentSession: optionalFlag,
  })
  .nullish();

/** Ours; LiveKit has no such claim, and ignores it. */
const sluiceClaim = z
  .object({
    clusterAdmin: flag,
    agentJob: z.object({ id: z.string(), assignment: z.number() }).optional(),
  })
  .nullish();

const claimsSchema = z.object({
  iss: text,
  sub: text,
  jti: text,
  exp: z.number(),
  name: text,
  metadata: text,
  kind: text,
  kindDetails: texts,
  roomPreset: text,
  attributes: z
    .record(z.string(), z.string().nullable())
    .nullish()
    .transform((value) =>
      Object.fromEntries(Object.entries(value ?? {}).map(([key, entry]) => [key, entry ?? ''])),
    ),
  roomConfig: z
    .unknown()
    .optional()
    .transform((value, context) => {
      if (value === undefined || value === null) return undefined;
      try {
        return RoomConfiguration.fromJsonString(JSON.stringify(value), {
          ignoreUnknownFields: true,
        });
      } catch {
        context.addIssue({ code: 'custom', message: 'not a room configuration' });
        return z.NEVER;
      }
    }),
  video: videoClaim.transform((value) => value ?? videoClaim.unwrap().unwrap().parse({})),
  sluice: sluiceClaim,
});

/** The name a token uses for a source, such as "screen_share". */
export const nameOfTrackSource = (source: TrackSource): string =>
  (TrackSource[source] ?? 'UNKNOWN').toLowerCase();

/** An unknown name becomes `UNKNOWN`, which matches no track that has a source. */
export function trackSourceOfName(name: string): TrackSource {
  const upper = name.toUpperCase();
  const found = sources.find((source) => TrackSource[source] === upper);
  return found ?? TrackSource.UNKNOWN;
}

/** The claims of a token could not be read; the message names the first that is wrong. */
export class ClaimsError extends Error {
  override readonly name = 'ClaimsError';
}

/**
 * Reads the claims of a token.
 *
 * @throws ClaimsError when a claim has another type than LiveKit gives it.
 * Source: livekit/protocol auth/grants.go.
 */
export function grantsOfClaims(payload: unknown): Grants {
  const parsed = claimsSchema.safeParse(payload);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new ClaimsError(`claim "${issue?.path.join('.') ?? ''}" ${issue?.message ?? 'is wrong'}`);
  }
  const { iss, sub, jti, exp: _, sluice, ...claims } = parsed.data;
  const hasVideoClaim = (payload as { video?: unknown }).video != null;
  const clusterAdmin = sluice?.clusterAdmin ?? false;
  return {
    ...claims,
    hasVideoClaim,
    clusterAdmin,
    ...(sluice?.agentJob && { agentJob: sluice.agentJob }),
    apiKey: iss,
    identity: sub || jti,
  };
}
