/** A machine of the group, with or without a running node. */
export interface GroupMachine {
  /** `machineId` of the record of the node that runs on it. */
  readonly id: string;
  readonly state: 'starting' | 'running' | 'stopping';
  /** ms since it was asked for. */
  readonly ageMs: number;
  /**
   * Stopping, but its cloud has given up waiting for its node and keeps it: `terminate` ends it once
   * the node is empty. @default false
   */
  readonly isKept?: boolean | undefined;
  /** Its cloud could not make it as it should, or it is switched off. @default false */
  readonly hasFailed?: boolean | undefined;
  /** Made from what the group makes no more machines from: to be replaced. @default false */
  readonly isOutdated?: boolean | undefined;
}

/** What a group itself says of scaling. What it does not say, sluice.scaling does. */
export interface GroupScaling {
  /** Load of a node, 0.05 to 1, that the cluster is kept below by growing. */
  readonly targetLoad?: number | undefined;
  /** Room for so many more Rooms is kept free. */
  readonly headroomRooms?: number | undefined;
}

export interface GroupDescription {
  /** How many machines there are to be. */
  readonly wanted: number;
  readonly machines: readonly GroupMachine[];
  /** How many there may be, where the group itself says so. @default - sluice.scaling says so */
  readonly limits?: { readonly min: number; readonly max: number } | undefined;
  /** What is to be kept free. @default - sluice.scaling says so */
  readonly scaling?: GroupScaling | undefined;
  /**
   * What new machines are made from; another text with each change, and outdated machines are those
   * that are of an earlier one. @default - it never changes
   */
  readonly template?: string | undefined;
}

/**
 * The machines that Media Nodes run on: an Auto Scaling Group, a Virtual Machine Scale Set, or
 * processes on one machine. The controller alone changes it.
 */
export interface NodeGroup {
  /** For logs: "local". */
  readonly kind: string;
  describe(): Promise<GroupDescription>;
  /** Starts so many more machines, or as many as the group may still have. */
  grow(count: number): Promise<void>;
  /**
   * Ends one machine, and lowers what is wanted by one, so that none takes its place; where that
   * would be fewer than the group's own minimum, another one does. A machine that is not there any
   * more, or that ends already, is no error. After it returns, the end of the machine cannot be stopped.
   */
  terminate(machineId: string): Promise<void>;
  close(): Promise<void>;
}
