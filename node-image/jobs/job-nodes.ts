import type { RegisteredNode } from '../cluster/node-record';
import type { Job } from './job';
import type { JobHost, JobOrder } from './job-host';

/** A node did not answer; what was asked may have been done all the same. */
export class NodeSilentError extends Error {
  override readonly name = 'NodeSilentError';

  constructor(
    message: string,
    /** Nothing listens there any more, or the connection broke: its process may be gone. */
    readonly isBroken = false,
  ) {
    super(message);
  }
}

/** The nodes that run jobs, as those ask them who place jobs. Each method may throw NodeSilentError. */
export interface JobNodes {
  /** @throws JobRefusedError, JobTakenError, RegistryUnavailableError */
  start(node: RegisteredNode, order: JobOrder): Promise<Job>;
  /** @throws JobRequestError */
  request(nodeId: string, jobId: string, name: string, body: string): Promise<string>;
  /** @throws JobRequestError */
  stop(nodeId: string, jobId: string, reason: string): Promise<string>;
  /** Ids of the jobs that run, or start, there. */
  running(nodeId: string): Promise<ReadonlySet<string>>;
}

/** Of a Single Node: itself. */
export const localJobNodes = (host: JobHost): JobNodes => ({
  start: (_node, order) => host.start(order),
  request: (_nodeId, jobId, name, body) => host.request(jobId, name, body),
  stop: (_nodeId, jobId, reason) => host.stop(jobId, reason),
  running: async () => new Set(host.jobs()),
});
