import type { JsonValue } from '@bufbuild/protobuf';
import { ParticipantInfo } from '@livekit/protocol';
import { z } from 'zod';
import { dispatchSchema } from './agent-dispatches';
import type { Grants } from './grants';
import { grantsFromJson, grantsSchema } from './grants-json';

/** Of what one node writes for another; a node refuses every other one. */
export const HANDOVER_VERSION = 1;
export const MAX_HANDOVER_BYTES = 64 * 1024 * 1024;
export const MAX_HANDOVER_PARTICIPANTS = 100_000;

const uint32 = z.int().min(0).max(0xffffffff);

/** What outlives the node that hosts a Room. */
export const roomFactsSchema = z.object({
  sid: z.string().min(1),
  createdMs: z.int().min(0),
  name: z.string(),
  metadata: z.string(),
  emptyTimeout: uint32,
  departureTimeout: uint32,
  maxParticipants: uint32,
  syncStreams: z.boolean(),
  /** base64 */
  sifTrailer: z.base64(),
  /** Whether anybody was ever in it. */
  everJoined: z.boolean(),
  /** Agents that it is to have; nodes of before there were any leave it out. */
  dispatches: z.array(dispatchSchema).optional(),
  /** What is recorded of it by itself, sealed. */
  autoEgress: z.string().optional(),
});

export type RoomFacts = z.infer<typeof roomFactsSchema>;

/** Who is on the way to another node, as it was. */
export interface CarriedParticipant {
  /** As others see it, without its tracks: it publishes them anew, with other sids. */
  readonly info: ParticipantInfo;
  /** Who vouches for it now, which may differ from its token. */
  readonly grants: Grants;
  /** Observers have been told that it joined. */
  readonly isAnnounced: boolean;
}

/**
 * A Room on its way to another node: what it is, and who will be back at once.
 *
 * As JSON it is what `roomHandoverSchema` reads: messages of the protocol know their JSON.
 */
export interface RoomHandover {
  readonly version: typeof HANDOVER_VERSION;
  /** One handover that arrives twice is taken once. */
  readonly id: string;
  readonly facts: RoomFacts;
  readonly participants: readonly CarriedParticipant[];
}

const participantSchema = z
  .object({ info: z.json(), grants: grantsSchema, isAnnounced: z.boolean() })
  .transform(({ info: json, grants: grantsJson, isAnnounced }, context): CarriedParticipant => {
    try {
      const info = ParticipantInfo.fromJson(json as JsonValue, { ignoreUnknownFields: true });
      const grants = grantsFromJson(grantsJson);
      if (info.identity === grants.identity && info.sid !== '' && info.permission !== undefined) {
        return { info, grants, isAnnounced };
      }
      context.addIssue('its info and its grants are not of one participant');
    } catch (error) {
      context.addIssue(`not as the protocol says: ${String(error).slice(0, 200)}`);
    }
    return z.NEVER;
  });

/** What arrives from another node. */
export const roomHandoverSchema = z.object({
  version: z.literal(HANDOVER_VERSION),
  id: z.string().min(1),
  facts: roomFactsSchema,
  participants: z
    .array(participantSchema)
    .max(MAX_HANDOVER_PARTICIPANTS)
    .refine(
      (all) => new Set(all.map(({ grants }) => grants.identity)).size === all.length,
      'two participants have the same identity',
    ),
}) satisfies z.ZodType<RoomHandover>;

/** A handover that cannot be sent, or is none. Its text is for people. */
export class HandoverError extends Error {
  override readonly name = 'HandoverError';
}

/** @throws HandoverError where it is too large. */
export function encodeHandover(handover: RoomHandover): Buffer {
  const { participants, facts } = handover;
  if (participants.length > MAX_HANDOVER_PARTICIPANTS) {
    throw new HandoverError(
      `room ${facts.name} has ${participants.length} participants; at most ` +
        `${MAX_HANDOVER_PARTICIPANTS} can be handed over`,
    );
  }
  const bytes = Buffer.from(JSON.stringify(handover));
  checkSize(bytes.length);
  return bytes;
}

/** @throws HandoverError where it is too large, of another version, or not a handover. */
export function decodeHandover(bytes: Uint8Array): RoomHandover {
  checkSize(bytes.length);
  const json = parseJson(bytes);
  const { version } = (json ?? {}) as { readonly version?: unknown };
  if (version !== HANDOVER_VERSION) {
    throw new HandoverError(
      `a handover of version ${String(version).slice(0, 20)}; this node takes version ` +
        `${HANDOVER_VERSION}: run the same release on all nodes`,
    );
  }
  const read = roomHandoverSchema.safeParse(json);
  if (!read.success) {
    const [issue] = read.error.issues;
    throw new HandoverError(`a malformed handover: ${issue?.path.join('.')}: ${issue?.message}`);
  }
  return read.data;
}

function checkSize(bytes: number): void {
  if (bytes > MAX_HANDOVER_BYTES) {
    throw new HandoverError(
      `a handover of ${bytes} bytes; at most ${MAX_HANDOVER_BYTES} are taken`,
    );
  }
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new HandoverError('a malformed handover: not JSON', { cause: error });
  }
}
