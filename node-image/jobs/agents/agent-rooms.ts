/** What the desk of agents asks about Rooms, wherever they are. Each rejects where that cannot be found out now. */
export interface AgentRooms {
  /** The ids of the jobs whose agents are connected to a Room; undefined: the Room is nowhere. */
  connected(room: string): Promise<ReadonlySet<string> | undefined>;
  /** Whether a participant is in a Room, or on the way back to it. */
  hasParticipant(room: string, identity: string): Promise<boolean>;
  /** The names of all Rooms. */
  names(): Promise<ReadonlySet<string>>;
}
