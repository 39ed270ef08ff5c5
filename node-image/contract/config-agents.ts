import { z } from 'zod';
import { decimal, image, section, text, texts, whole } from './config-values';

/** Workers of agents that a Media Node, or a Single Node, starts and looks after. */
export const ownAgentsSchema = z
  .array(
    section({
      /** Of its lines in the log, and for people: lower case letters, digits and dashes. */
      name: z
        .string()
        .regex(/^[a-z0-9][a-z0-9-]{0,62}$/)
        .meta({ allowed: 'a name of lower case letters, digits and dashes, at most 63' }),
      /** The program, with its path. @default - it is in an image */
      command: text(),
      /**
       * The image that Podman runs it from, with tag or digest, beside a node that `install.sh` has
       * installed. @default - it is a program
       */
      image: image(),
      /** Of the program; in place of the command of the image. @default none */
      args: texts(),
      /** Of a program: its folder. @default the node's */
      folder: text(),
      /**
       * File of `NAME=value` lines, closed to other users, with LIVEKIT_URL, LIVEKIT_API_KEY and
       * LIVEKIT_API_SECRET: all that it gets of an environment, beside PATH, HOME, LANG and TZ.
       */
      env_file: z.string().min(1).meta({ allowed: 'a file' }),
      /**
       * CPU cores that one of them needs of the node; in a container it gets no more, but for 0: as
       * many as there are. @default 1
       */
      cpus: decimal(1, 0, 256),
      /**
       * Memory that one of them needs of the node, in bytes; in a container it gets no more, and dies
       * of it. 0: not known, and no limit. @default 0
       */
      memory: whole(0, 0, Number.MAX_SAFE_INTEGER, 'bytes'),
      /** So many of them on each node. @default 1 */
      count: whole(1, 0, 64),
    }),
  )
  .meta({ allowed: 'a list of workers' })
  .default([]);
