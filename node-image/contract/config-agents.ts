import { z } from 'zod';
import { decimal, section, text, texts, whole } from './config-values';

/** Workers of agents that a Media Node, or a Single Node, starts and looks after. */
export const ownAgentsSchema = z
  .array(
    section({
      /** Of its lines in the log, and for people: lower case letters, digits and dashes. */
      name: z
        .string()
        .regex(/^[a-z0-9][a-z0-9-]{0,62}$/)
        .meta({ allowed: 'a name of lower case letters, digits and dashes, at most 63' }),
      /** The program, with its path. */
      command: z.string().min(1).meta({ allowed: 'a program' }),
      /** @default none */
      args: texts(),
      /** Its folder. @default the node's */
      folder: text(),
      /**
       * File of `NAME=value` lines, closed to other users, with LIVEKIT_URL, LIVEKIT_API_KEY and
       * LIVEKIT_API_SECRET: all that it gets of an environment, beside PATH, HOME, LANG and TZ.
       */
      env_file: z.string().min(1).meta({ allowed: 'a file' }),
      /** CPU cores that one of them needs of the node. @default 1 */
      cpus: decimal(1, 0, 256),
      /** So many of them on each node. @default 1 */
      count: whole(1, 0, 64),
    }),
  )
  .meta({ allowed: 'a list of workers' })
  .default([]);
