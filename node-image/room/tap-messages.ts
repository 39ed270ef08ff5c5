import type { RtpParameters, SrtpParameters } from 'mediasoup/types';
import { z } from 'zod';
import type { PipedTrack, PipeEnd } from '../media/taps/node-pipe';
import type { OpenedSession, SessionNews } from './tap-sessions';

const MOST_TRACKS = 1000;

/** Where a node wants a pipe to. Nodes of a cluster know each other by its secret. */
export const pipeEndSchema = z.object({
  ip: z.string().min(1).max(64),
  port: z.int().min(1).max(65_535),
  srtp: z.object({
    cryptoSuite: z.string().max(64) as z.ZodType<SrtpParameters['cryptoSuite']>,
    keyBase64: z.base64().max(256),
  }),
}) satisfies z.ZodType<PipeEnd>;

const trackSchema = z.object({
  sid: z.string(),
  kind: z.enum(['audio', 'video']),
  source: z.string(),
  muted: z.boolean(),
  mimeType: z.string(),
  width: z.number(),
  height: z.number(),
});

const sightSchema = z.object({
  state: z.enum(['open', 'finished', 'moved']),
  sid: z.string(),
  participants: z.array(
    z.object({ identity: z.string(), tracks: z.array(trackSchema).max(MOST_TRACKS) }),
  ),
});

export const sessionNewsSchema = z.object({
  version: z.number(),
  sight: sightSchema.optional(),
  ended: z.array(z.string()),
}) satisfies z.ZodType<SessionNews>;

export const openedSessionSchema = sessionNewsSchema.extend({
  id: z.string(),
  pipe: pipeEndSchema,
}) satisfies z.ZodType<OpenedSession>;

export const pipedTrackSchema = z.object({
  id: z.string(),
  kind: z.enum(['audio', 'video']),
  // mediasoup reads each of them once more, and refuses what it cannot take.
  rtpParameters: z.looseObject({
    codecs: z.array(z.unknown()).min(1),
  }) as unknown as z.ZodType<RtpParameters>,
}) satisfies z.ZodType<PipedTrack>;
