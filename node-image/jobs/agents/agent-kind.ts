import type { JobType } from '@livekit/protocol';

/** What a worker serves, and a job asks for. */
export interface AgentKind {
  readonly type: JobType;
  /** Empty: it takes what is not for a named one. */
  readonly agentName: string;
  readonly deployment: string;
}

export const kindKey = ({ type, agentName, deployment }: AgentKind): string =>
  JSON.stringify([type, agentName, deployment]);
