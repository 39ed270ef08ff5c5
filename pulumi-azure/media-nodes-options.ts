import type { Jobs } from './jobs';
import type { MachineOptions } from './master-nodes-options';
import type { MediaScalingOptions } from './media-scaling';
import type { DrainOptions } from './node-drain';

/** Spot machines in a set of Media Nodes. */
export interface SpotOptions {
  /**
   * So many machines are not spot, whatever happens.
   *
   * @default 1
   */
  readonly onDemandBase?: number;

  /**
   * Percentage of the machines above `onDemandBase` that are spot.
   *
   * @default 100
   */
  readonly percentage?: number;
}

/** Choices for Media Nodes; a cluster takes them as `mediaNodes`. */
export interface MediaNodesOptions extends MachineOptions {
  /**
   * Record Rooms, stream them out, and take streams in, on these machines. Each then installs ffmpeg and
   * Chromium at its first boot, which takes some minutes more; an image of yours has to have them.
   *
   * @default - nothing of it: Egress and Ingress are refused
   */
  readonly jobs?: Jobs;

  /**
   * Size of a machine's own disk, Premium SSD, GiB; 64 GiB cost about 10 USD a month. What is recorded
   * is on it until it is stored.
   *
   * @default 20; 64 with jobs
   */
  readonly diskSizeGib?: number;

  /**
   * The machine. Media takes CPU first: compute-optimized sizes carry most for their price. The
   * default has 4 cores and 1.75 Gbit/s or more, carries some 200 participants, and costs about
   * 0.17 USD an hour, traffic aside.
   *
   * @default Standard_F4s_v2; Standard_D4ps_v6 with arm64
   */
  readonly vmSize?: string;

  /**
   * Take spot machines: cheaper, and Azure may take one back with 30 seconds' notice, in which its
   * Rooms move.
   *
   * @default - no spot machines
   */
  readonly spot?: SpotOptions;

  /**
   * Machines at least.
   *
   * @default 1
   */
  readonly minCapacity?: number;

  /**
   * Machines at most.
   *
   * @default 4, or minCapacity where that is more
   */
  readonly maxCapacity?: number;

  /**
   * Machines when the set is made; later deployments leave the size alone.
   *
   * @default - minCapacity
   */
  readonly initialCapacity?: number;

  /**
   * How nodes leave.
   *
   * @default - 15 minutes of patience, empty within an hour, then forced
   */
  readonly drain?: DrainOptions;

  /**
   * How their number follows the load.
   *
   * @default - load kept below 0.6, with room for 2 more Rooms
   */
  readonly scaling?: MediaScalingOptions;
}
