import type { Logger } from 'pino';
import type { GroupScaling } from '../cluster/node-group';
import { SCALING_RANGES, SCALING_TAGS } from '../contract';

/** As a deployment writes a number; nothing else that `Number` takes. */
const NUMBER = /^(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

export interface ScalingTagsOptions {
  /** Name of the group, for the log. */
  readonly group: string;
  readonly log: Logger;
}

/** Values by tag. */
export type Tags = Readonly<Record<string, string>>;

/** What the tags of a group say of scaling: they change while the cluster runs. */
export class ScalingTags {
  readonly #options: ScalingTagsOptions;
  /** Bad values that were told of, by tag. */
  readonly #told = new Map<string, string>();

  constructor(options: ScalingTagsOptions) {
    this.#options = options;
  }

  /** What is to be kept free. Never throws. */
  read(tags: Tags): GroupScaling {
    return {
      targetLoad: this.value(tags, 'targetLoad'),
      headroomRooms: this.value(tags, 'headroomRooms'),
    };
  }

  /** A tag that is missing, or that cannot be used, says nothing. Never throws. */
  value(tags: Tags, what: keyof typeof SCALING_TAGS): number | undefined {
    const tag = SCALING_TAGS[what];
    const text = tags[tag];
    if (text === undefined) return undefined;
    const { schema, allowed } = SCALING_RANGES[what];
    const given = text.trim();
    const { data } = schema.safeParse(NUMBER.test(given) ? Number(given) : undefined);
    if (data !== undefined) {
      this.#told.delete(tag);
    } else if (this.#told.get(tag) !== text) {
      this.#told.set(tag, text);
      this.#options.log.warn(
        { group: this.#options.group, tag, given: text.slice(0, 100), allowed },
        'a tag of the group of Media Nodes cannot be used: what sluice.scaling says holds until it is corrected',
      );
    }
    return data;
  }
}
