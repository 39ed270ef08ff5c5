/** A machine of the group, with or without a running node. */
export interface GroupMachine {
  /** `machineId` of the record of the node that runs on it. */
  readonly id: string;
  readonly state: 'starting' | 'running' | 'stopping';
  /** ms since it was asked for. */
  readonly ageMs: number;
}

export interface GroupDescription {
  /** How many machines there are to be. */
  readonly wanted: number;
  readonly machines: readonly GroupMachine[];
}

/**
 * The machines that Media Nodes run on: an Auto Scaling Group, a Virtual Machine Scale Set, or
 * processes on one machine. The controller alone changes it.
 */
export interface NodeGroup {
  /** For logs: "local". */
  readonly kind: string;
  describe(): Promise<GroupDescription>;
  /** Starts so many more machines. */
  grow(count: number): Promise<void>;
  /**
   * Ends one machine, and lowers what is wanted by one, so that none takes its place. A machine that
   * is not there any more is no error. After it returns, the end of the machine cannot be stopped.
   */
  terminate(machineId: string): Promise<void>;
  close(): Promise<void>;
}
