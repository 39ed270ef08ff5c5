import { DEPLOYMENT_DEFAULTS, SCALING_TAGS, scalingSettings } from '../node-image/contract';
import { NodeSettings } from './node-config';
import type { Problems } from './private/validation';

/** How the number of Media Nodes follows the load. */
export interface MediaScalingOptions {
  /**
   * Load of the nodes, 0.05 to 1, that the cluster is kept below by growing: the largest of CPU,
   * network and what Rooms have reserved.
   *
   * @default 0.6
   */
  readonly targetLoad?: number;

  /**
   * Room for so many more Rooms is kept free.
   *
   * @default 2
   */
  readonly headroomRooms?: number;

  /**
   * How long the load must allow it before a node is drained; minutes.
   *
   * @default 5
   */
  readonly scaleInAfterMinutes?: number;
}

/** Limits of the number of Media Nodes. */
export interface Capacity {
  readonly minCapacity: number;
  readonly maxCapacity: number;
}

/**
 * The part of scaling that is in the scale set: tags that the controller reads with each look at it.
 * There is no autoscale setting: Azure's would shrink as well as grow, and drains nothing.
 */
export class MediaScaling {
  readonly targetLoad: number;
  readonly headroomRooms: number;
  readonly #scaleInAfterMinutes: number | undefined;

  constructor(options: MediaScalingOptions, problems: Problems) {
    this.targetLoad = options.targetLoad ?? DEPLOYMENT_DEFAULTS.targetLoad;
    this.headroomRooms = options.headroomRooms ?? DEPLOYMENT_DEFAULTS.headroomRooms;
    this.#scaleInAfterMinutes = options.scaleInAfterMinutes;
    problems.number('scaling.targetLoad', this.targetLoad, { min: 0.05, max: 1 });
    problems.integer('scaling.headroomRooms', this.headroomRooms, { min: 0, max: 100_000 });
    problems.number('scaling.scaleInAfterMinutes', this.#scaleInAfterMinutes, {
      min: 0,
      max: 1440,
    });
  }

  /** What sluice.yaml of Master Nodes says of it. */
  get settings(): NodeSettings {
    const after = this.#scaleInAfterMinutes;
    return NodeSettings.fromObject(
      scalingSettings('azure', after === undefined ? undefined : `${after * 60}s`),
    );
  }

  /** Of the scale set. Changed tags change no machine. */
  tags({ minCapacity, maxCapacity }: Capacity): Record<string, string> {
    return {
      [SCALING_TAGS.minNodes]: String(minCapacity),
      [SCALING_TAGS.maxNodes]: String(maxCapacity),
      [SCALING_TAGS.targetLoad]: String(this.targetLoad),
      [SCALING_TAGS.headroomRooms]: String(this.headroomRooms),
    };
  }
}
