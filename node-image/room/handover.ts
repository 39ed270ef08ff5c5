import { z } from 'zod';

const participantState = z.object({
  /** The participant as others see it: ParticipantInfo as JSON of the protocol. */
  info: z.unknown(),
  /** What it may do and who vouches for it now: `Grants`, which may differ from its token. */
  grants: z.unknown(),
  /** ParticipantPermission as JSON of the protocol. */
  permission: z.unknown(),
});

/** What outlives the node that hosts a Room. */
export const roomFactsSchema = z.object({
  sid: z.string(),
  createdMs: z.number(),
  name: z.string(),
  metadata: z.string(),
  emptyTimeout: z.number(),
  departureTimeout: z.number(),
  maxParticipants: z.number(),
  syncStreams: z.boolean(),
  /** base64 */
  sifTrailer: z.string(),
  /** Whether anybody was ever in it. */
  everJoined: z.boolean(),
});

export type RoomFacts = z.infer<typeof roomFactsSchema>;

/** A Room on its way to another node: what it is, and who will be back at once. */
export const roomHandoverSchema = z.object({
  facts: roomFactsSchema,
  participants: z.array(participantState),
});

export type RoomHandover = z.infer<typeof roomHandoverSchema>;
