import { z } from 'zod';

const kind = z.enum(['egress', 'ingress', 'agent']);
const room = z.string();

/** What is written of a job beside its texts: `Job` without id, spec, info and what is left of its lease. */
export const jobHeadSchema = z.object({
  kind,
  room,
  state: z.enum(['waiting', 'active', 'ended']),
  owner: z.string(),
  epoch: z.number(),
  retries: z.number(),
  losses: z.number(),
  createdAtMs: z.number(),
  endedAtMs: z.number(),
});

/** `NewJob`, as one node sends it to another. */
export const newJobSchema = z.object({
  id: z.string().min(1),
  kind,
  room,
  spec: z.string(),
  info: z.string(),
});

/** `Job`, likewise. */
export const jobSchema = newJobSchema.extend({
  ...jobHeadSchema.shape,
  leaseLeftMs: z.number(),
});
